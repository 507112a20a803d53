"""What a request may say beside the document: bodies and parameters, checked part by part."""

from rest_framework import serializers as s

from advisor.api.views import Input
from advisor.models import Run, Token

MOST_ID = 2**63 - 1
MOST_NUMBER = 2**31 - 1


class Paging(Input):
    cursor = s.IntegerField(required=False, default=None, min_value=1, max_value=MOST_ID)
    limit = s.IntegerField(required=False, default=50, min_value=1, max_value=200)


class RunPaging(Paging):
    state = s.ChoiceField(choices=Run.State.choices, required=False, default=None)


class Begin(Input):
    run = s.ChoiceField(
        choices=["true", "false"],
        required=False,
        default="true",
        help_text="`false` keeps the document as a draft, which may be incomplete.",
    )


class Seen(Input):
    """Which state of the document a change is meant for; the header If-Match says the same."""

    revision = s.IntegerField(min_value=1, max_value=MOST_NUMBER, required=False)
    version = s.IntegerField(min_value=1, max_value=MOST_NUMBER, required=False)


class Changes(Seen):
    """Values by path; null takes an answer back."""

    changes = s.DictField(
        child=s.JSONField(allow_null=True),
        help_text="By path, such as `workloads[serving].traffic.peak_factor` or `workloads[0].traffic.peak_factor`.",
        allow_empty=False,
    )


class Two(Input):
    before = s.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="The number of a revision.")
    after = s.IntegerField(min_value=1, max_value=MOST_NUMBER, help_text="The number of another.")


class NewToken(Input):
    name = s.RegexField(r"^[^\x00-\x1f\x7f]+$", max_length=80)
    cap = s.ChoiceField(choices=Token.Cap.choices, default=Token.Cap.READ.value)
    days = s.IntegerField(min_value=1, max_value=365, default=30)


class NewWebhook(Input):
    url = s.RegexField(
        r"^https://[^\x00-\x20\x7f]+$", max_length=500, help_text="https:// and a public host, on port 443."
    )


class Moment(Input):
    """Which state of the catalog is asked for."""

    release = s.IntegerField(
        required=False, default=None, min_value=1, max_value=MOST_NUMBER, help_text="A published release; the newest."
    )
    as_of = s.DateField(required=False, default=None, help_text="Prices and ages as they stand on a day; today.")


class RowQuery(Moment):
    id = s.CharField(max_length=300, help_text="The row's id, as the list gives it.")


class Placed(Input):
    """Which measured regions are asked for."""

    provider = s.ChoiceField(choices=["aws", "azure", "gcp"], required=False, default="")
    region = s.CharField(max_length=80, required=False, default="", help_text="The provider's own name of it.")


class Which(Input):
    """Which options an estimate is asked for."""

    provider = s.ChoiceField(choices=["aws", "azure", "gcp"], required=False, allow_null=True, default=None)
    region = s.CharField(max_length=80, required=False, allow_null=True, default=None)
    sku = s.CharField(max_length=120, required=False, allow_null=True, default=None)
    basis = s.CharField(max_length=40, required=False, allow_null=True, default=None)
    limit = s.IntegerField(min_value=1, max_value=50, required=False, default=20)
