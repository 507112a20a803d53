"""What a person types about people: accounts, workspaces, invites, tokens."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.safestring import SafeString

from advisor.models import Membership, Token, Workspace

CONTROL = {"class": "form-control"}
SELECT = {"class": "form-select"}


class PageForm(forms.Form):
    """A form whose fields are drawn by web/_field.html: an error belongs to its field for a screen reader too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{type(self).__name__.lower()}_%s")  # several forms stand on one page
        super().__init__(*args, **kwargs)


def _email(label: str = "E-mail address", **attributes: str) -> forms.EmailField:
    return forms.EmailField(
        label=label, max_length=254, widget=forms.EmailInput(attrs=CONTROL | {"autocomplete": "username"} | attributes)
    )


def _password(label: str, *, autocomplete: str, help_text: str | SafeString = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs=CONTROL | {"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=1024, strip=False, widget=widget, help_text=help_text)


def _name(label: str, *, length: int, required: bool = True, autocomplete: str = "off") -> forms.CharField:
    widget = forms.TextInput(attrs=CONTROL | {"autocomplete": autocomplete})
    return forms.CharField(label=label, max_length=length, required=required, widget=widget)


class _NewPassword(PageForm):
    """Two equal new passwords. Whether it is a good one is for the service to say."""

    password = _password("New password", autocomplete="new-password", help_text="At least 12 characters.")
    again = _password("The same again", autocomplete="new-password")

    def clean(self) -> None:
        if self.cleaned_data.get("password") != self.cleaned_data.get("again") and "again" in self.cleaned_data:
            self.add_error("again", "The two passwords differ.")


class NameForm(PageForm):
    name = _name("Your name", length=120, required=False, autocomplete="name")


class SetUpForm(_NewPassword):
    email = _email()
    field_order = ("email", "password", "again")


class ChangePasswordForm(_NewPassword):
    current = _password("Present password", autocomplete="current-password")
    field_order = ("current", "password", "again")


class ResetForm(_NewPassword):
    pass


class JoinForm(_NewPassword):
    email = _email()
    name = _name("Your name", length=120, autocomplete="name")
    field_order = ("email", "name", "password", "again")


class WorkspaceForm(PageForm):
    name = _name("Name", length=120)


class RoleForm(PageForm):
    role = forms.ChoiceField(label="Role", choices=Membership.Role.choices, widget=forms.Select(attrs=SELECT))


class InviteForm(RoleForm):
    role = forms.ChoiceField(
        label="Role of the new member",
        choices=Membership.Role.choices,
        initial=Membership.Role.VIEWER,
        widget=forms.Select(attrs=SELECT),
    )


class FindPersonForm(PageForm):
    email = _email("E-mail address of the person", autocomplete="off")


class TokenForm(PageForm):
    """A new token in one of the user's workspaces."""

    name = _name("What it is for", length=80)
    workspace = forms.TypedChoiceField(label="Workspace", coerce=int, widget=forms.Select(attrs=SELECT))
    cap = forms.ChoiceField(
        label="It may", choices=Token.Cap.choices, initial=Token.Cap.READ, widget=forms.Select(attrs=SELECT)
    )
    days = forms.TypedChoiceField(
        label="It ends after",
        coerce=int,
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "1 year")],
        initial=30,
        widget=forms.Select(attrs=SELECT),
    )

    def __init__(self, *args: Any, workspaces: list[Workspace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].choices = [(one.pk, one.name) for one in workspaces]  # type: ignore[attr-defined]

    @property
    def lifetime(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])


class WebhookForm(PageForm):
    """Where a workspace's messages about ended runs go."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="https:// and a public host.",
        widget=forms.URLInput(attrs=CONTROL | {"autocomplete": "off"}),
    )
