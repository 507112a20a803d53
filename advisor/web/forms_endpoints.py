"""What a person types about a model endpoint and a probe of it."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from advisor.models import Endpoint
from advisor.services.endpoint_probes import Wanted
from advisor.services.endpoints import Stated
from advisor.web.forms_people import CONTROL, SELECT, PageForm

_PLAIN = CONTROL | {"autocomplete": "off"}


def _text(
    label: str, *, length: int, help_text: str = "", required: bool = False, **attributes: str
) -> forms.CharField:
    widget = forms.TextInput(attrs=_PLAIN | attributes)
    return forms.CharField(label=label, max_length=length, required=required, widget=widget, help_text=help_text)


def _price(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        max_digits=12,
        decimal_places=6,
        min_value=0,
        required=False,
        widget=forms.TextInput(attrs=_PLAIN | {"inputmode": "decimal"}),
    )


def _count(label: str, *, least: int, most: int, initial: int, help_text: str = "") -> forms.IntegerField:
    widget = forms.NumberInput(attrs=_PLAIN)
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, initial=initial, widget=widget, help_text=help_text
    )


class EndpointForm(PageForm):
    name = _text("Name", length=80, required=True)
    kind = forms.ChoiceField(label="Kind", choices=Endpoint.Kind.choices, widget=forms.Select(attrs=SELECT))
    address = _text("Address", length=500, help_text="https:// and a public host, up to /v1. Blank for Bedrock.")
    region = _text("AWS region", length=40, help_text="Bedrock only, such as us-east-1.")
    model = _text("Model", length=200, required=True, help_text="As the provider names it. Azure: the deployment.")
    api_version = _text("API version", length=40, help_text="Azure only, such as 2025-04-01-preview.")
    key_id = _text("Access key id", length=128, help_text="Bedrock only: the half of the key that is not secret.")
    key = forms.CharField(
        label="Key",
        max_length=4096,
        strip=True,
        widget=forms.PasswordInput(attrs=CONTROL | {"autocomplete": "off"}),
        help_text="Encrypted at once and never shown again. Give it no more rights than to call this model.",
    )
    model_offer_id = _text(
        "Model offer of the catalog",
        length=254,
        help_text="Its id: then probes stand for it in this workspace's reports. Blank: they are only shown here.",
        list="model-offers",
    )
    input_usd_per_mtok = _price("Your price of input, USD per million tokens")
    output_usd_per_mtok = _price("Your price of output, USD per million tokens")

    def stated(self) -> Stated:
        """Return what was typed, for the service to judge."""
        return Stated(**self.cleaned_data)


class ProbeForm(PageForm):
    steps = _text("Requests at a time, step by step", length=60, required=True)
    requests_per_step = _count(
        "Requests in each step",
        least=1,
        most=300,
        initial=20,
        help_text="From 20 on there is a 95th percentile, which reports need.",
    )
    prompt_words = _count(
        "Words of each prompt",
        least=25,
        most=20_000,
        initial=200,
        help_text="Near your own prompts: reading a long one takes longer.",
    )
    max_tokens = _count("Tokens of each answer at most", least=2, most=4096, initial=128)
    most_tokens = _count("Tokens of the whole probe at most", least=1, most=10_000_000, initial=200_000)
    most_usd = forms.DecimalField(
        label="USD of the whole probe at most",
        max_digits=8,
        decimal_places=2,
        min_value=0,
        max_value=1000,
        initial=Decimal("1.00"),
        widget=forms.TextInput(attrs=_PLAIN | {"inputmode": "decimal"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["steps"].initial = "1, 2, 4"

    def clean_steps(self) -> tuple[int, ...]:
        """Return the steps as numbers."""
        typed = [part for part in re.split(r"[,\s]+", self.cleaned_data["steps"]) if part]
        if not typed or len(typed) > 6 or not all(re.fullmatch(r"[0-9]{1,3}", part) for part in typed):
            raise forms.ValidationError("Up to 6 growing numbers, such as 1, 2, 4.")
        return tuple(int(part) for part in typed)

    def wanted(self) -> Wanted:
        """Return what was typed, for the service to judge."""
        return Wanted(**self.cleaned_data)
