"""What a person types. A form keeps it, whatever is wrong with it."""

from django import forms
from django.core.files.uploadedfile import UploadedFile

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
    workspace = forms.ChoiceField(label="Workspace", widget=forms.Select(attrs={"class": "form-select"}))

    def __init__(self, *args: object, workspaces: list[Workspace], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].choices = [(str(one.pk), one.name) for one in workspaces]
        if workspaces:
            self.fields["workspace"].initial = str(workspaces[0].pk)
        if len(workspaces) <= 1:
            self.fields["workspace"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, object]:
        data = super().clean()
        upload = data.get("file")
        if data.get("example"):
            self._take_example(data)
        elif isinstance(upload, UploadedFile):
            self._take_file(data, upload)
        elif data.get("text", "").strip():
            data["content"] = data["text"].encode("utf-8", "surrogatepass")
        elif "text" not in self.errors:
            self.add_error("text", "Paste a document, or choose a file or one of the examples.")
        return data

    def _take_example(self, data: dict[str, object]) -> None:
        try:
            text = examples.example(name=str(data["example"])).text
        except examples.NoSuchExample as error:
            self.add_error(None, str(error))
        else:
            data["content"] = text.encode()
            self._show(text)

    def _take_file(self, data: dict[str, object], upload: UploadedFile) -> None:
        if upload.size > MAX_BYTES:
            self.add_error("file", f"This file has {upload.size:,} bytes; a document has at most {MAX_BYTES:,}.")
        else:
            content = upload.read()
            data["content"] = content
            self._show(content.decode("utf-8", "replace"))

    def _show(self, text: str) -> None:
        """Put the text into the text box, where it can be mended if it turns out to be wrong."""
        self.data = self.data.copy()
        self.data["text"] = text
