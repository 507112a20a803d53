"""What a person types at a step of a decision's life."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils import timezone

from advisor.models import Decision

_MAX_COMMENT_LETTERS = 2000


def _comment(label: str, *, required: bool) -> forms.CharField:
    widget = forms.Textarea(attrs={"class": "form-control comment", "rows": 2})
    return forms.CharField(label=label, max_length=_MAX_COMMENT_LETTERS, required=required, widget=widget)


class StepForm(forms.Form):
    """A form drawn by web/_field.html; several stand on one page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"{type(self).__name__.lower()}_%s")
        super().__init__(*args, **kwargs)


def _number(label: str, *, required: bool, help_text: str = "") -> forms.IntegerField:
    # Whether the number can be chosen now is for the service to say: the page may be older than what stands.
    return forms.IntegerField(label=label, required=required, min_value=1, max_value=2**31 - 1, help_text=help_text)


class ProposeForm(StepForm):
    number = _number("Revision", required=True)
    supersedes = _number(
        "Takes the place of",
        required=False,
        help_text="An accepted decision of this workspace. It is superseded once this one is accepted.",
    )
    comment = _comment("Comment (optional)", required=False)

    def __init__(self, *args: Any, numbers: Sequence[int], supersedable: Sequence[Decision], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        revisions = [(number, f"Revision {number}") for number in numbers]
        others = [(one.pk, f"Decision {one.pk}: {one.title}") for one in supersedable]
        self.fields["number"].initial = numbers[0] if numbers else None
        self.fields["number"].widget = _choice(revisions) if len(numbers) > 1 else forms.HiddenInput()
        none = ("", "No other decision")
        self.fields["supersedes"].widget = _choice([none, *others]) if others else forms.HiddenInput()


def _choice(choices: Sequence[tuple[Any, str]]) -> forms.Select:
    return forms.Select(attrs={"class": "form-select"}, choices=choices)


class AcceptForm(StepForm):
    proposal = forms.IntegerField(required=False, widget=forms.HiddenInput())
    comment = _comment("Comment (optional)", required=False)
    review_by = forms.DateField(
        label="Look at it again by (optional)",
        required=False,
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}),
    )

    def clean_review_by(self) -> date | None:
        day: date | None = self.cleaned_data["review_by"]
        if day is not None and day <= timezone.now().date():
            raise forms.ValidationError("Choose a day after today.")
        return day


class RejectForm(StepForm):
    comment = _comment("Why it is sent back", required=True)


class WithdrawForm(StepForm):
    comment = _comment("Why it is taken back", required=True)
