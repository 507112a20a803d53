"""What a person types. A form keeps it, whatever is wrong with it."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from advisor.core.questionnaire.inputs import input_at
from advisor.core.reading import MAX_BYTES
from advisor.models import Workspace
from advisor.services import examples


class SignInForm(forms.Form):
    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "class": "form-control"}),
    )
    password = forms.CharField(
        label="Password",
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "form-control"}),
    )


def _workspace_field(workspaces: list[Workspace]) -> forms.ChoiceField:
    """Return the choice of a workspace, hidden where there is only one."""
    return forms.ChoiceField(
        label="Workspace",
        choices=[(str(one.pk), one.name) for one in workspaces],
        initial=str(workspaces[0].pk) if workspaces else None,
        widget=forms.Select(attrs={"class": "form-select"}) if len(workspaces) > 1 else forms.HiddenInput(),
    )


class DecisionForm(forms.Form):
    """A new decision: what it is about, and its first kind of work."""

    title = forms.CharField(
        label="What is to be decided?",
        max_length=200,
        help_text="A few words; they become the title of the record.",
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label="What kind of work comes first?",
        choices=[("", "Choose the kind of work"), *input_at("workloads[].kind").choices],
        help_text="Further workloads can be added later.",
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    def __init__(self, data: QueryDict | None = None, *, workspaces: list[Workspace]) -> None:
        super().__init__(data, auto_id="new_%s")
        self.fields["workspace"] = _workspace_field(workspaces)


class DocumentForm(forms.Form):
    """A document, pasted or uploaded; a file goes before the text."""

    text = forms.CharField(
        label="Document",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "form-control font-monospace", "rows": 12, "spellcheck": "false", "autocapitalize": "off"}
        ),
        help_text="YAML or JSON, at most 1 MB.",
    )
    file = forms.FileField(
        label="or a file",
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".yaml,.yml,.json"}),
    )
    example = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput())

    def __init__(
        self,
        data: QueryDict | None = None,
        files: MultiValueDict[str, UploadedFile] | None = None,
        *,
        workspaces: list[Workspace],
        text: str = "",
    ) -> None:
        super().__init__(data, files, initial={"text": text})
        self.content = b""  # what a valid form brought, from whichever field
        choice = self.fields["workspace"] = _workspace_field(workspaces)
        self.first_workspace = choice.initial

    def clean(self) -> None:
        text, file = self.cleaned_data.get("text", ""), self.cleaned_data.get("file")
        if self.cleaned_data.get("example"):
            self._take_example(self.cleaned_data["example"])
        elif file:
            self._take_file(file)
        elif text.strip():
            self.content = text.encode("utf-8", "surrogatepass")
        elif "text" not in self.errors:
            self.add_error("text", "Paste a document, or choose a file or one of the examples.")

    def _take_example(self, name: str) -> None:
        try:
            text = examples.example(name=name).text
        except examples.NoSuchExample as error:
            self.add_error(None, str(error))
        else:
            self.content = text.encode()
            self._show(text)

    def _take_file(self, file: UploadedFile) -> None:
        size = file.size or 0
        if size > MAX_BYTES:
            self.add_error("file", f"This file has {size:,} bytes; a document has at most {MAX_BYTES:,}.")
        else:
            self.content = file.read()
            self._show(self.content.decode("utf-8", "replace"))

    def _show(self, text: str) -> None:
        """Put the text into the text box, where it can be mended if it turns out to be wrong."""
        self.data = {**self.data.dict(), "text": text} if isinstance(self.data, QueryDict) else self.data
