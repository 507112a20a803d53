"""The forms by which an operator begins probes and adds to what is probed."""

from collections.abc import Sequence
from typing import Any

from django import forms

from advisor.web.forms_people import CONTROL, SELECT, PageForm
from catalog.latency import Target

_PROVIDERS = (("", "Every target"), ("aws", "AWS"), ("azure", "Azure"), ("gcp", "Google Cloud"))


class ProbeForm(PageForm):
    """What is probed: all, one provider, or one region."""

    what = forms.ChoiceField(required=False, label="Probe", widget=forms.Select(attrs=SELECT))

    def __init__(self, *args: Any, targets: Sequence[Target], **named: Any) -> None:
        super().__init__(*args, **named)
        regions = dict.fromkeys(f"{one.provider}/{one.region}" for one in targets if one.is_on)
        self.fields["what"].choices = [*_PROVIDERS, *((name, name) for name in regions)]  # type: ignore[attr-defined]


class AddTargetForm(PageForm):
    """An operator's own target in a region of the list."""

    region = forms.ChoiceField(label="Region", widget=forms.Select(attrs=SELECT))
    url = forms.CharField(
        label="Address",
        max_length=400,
        help_text="https:// and the name of a host that stands in this region and answers anybody. "
        "A run asks it 30 times for each family of addresses.",
        widget=forms.TextInput(attrs=CONTROL | {"inputmode": "url", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, targets: Sequence[Target], **named: Any) -> None:
        super().__init__(*args, **named)
        regions = dict.fromkeys(f"{one.provider}/{one.region}" for one in targets)
        self.fields["region"].choices = [(name, name) for name in regions]  # type: ignore[attr-defined]
