"""The forms by which an operator begins probes and adds to what is probed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms

from advisor.core.shelf.labels import in_words
from advisor.web.forms_people import CONTROL, SELECT, PageForm
from catalog.latency import Target

_PROVIDERS = (("", "Every target"), ("aws", "AWS"), ("azure", "Azure"), ("gcp", "Google Cloud"))


def _in_words(regions: Iterable[str]) -> list[tuple[str, str]]:
    """Return ``provider/region`` as choices that name the provider."""
    parts = [(name, *name.split("/", 1)) for name in regions]
    return [
        (name, f"{in_words('provider', provider)}, {in_words('region', region)}") for name, provider, region in parts
    ]


class ProbeForm(PageForm):
    """What is probed: all, one provider, or one region."""

    what = forms.ChoiceField(required=False, label="Probe", widget=forms.Select(attrs=SELECT))

    def __init__(self, *args: Any, targets: Sequence[Target], **named: Any) -> None:
        super().__init__(*args, **named)
        regions = dict.fromkeys(f"{one.provider}/{one.region}" for one in targets if one.is_on)
        self.fields["what"].choices = [*_PROVIDERS, *_in_words(regions)]  # type: ignore[attr-defined]


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
        self.fields["region"].choices = _in_words(regions)  # type: ignore[attr-defined]
