"""What a request may say beside the document: bodies and parameters, checked part by part."""

import datetime as dt
from decimal import Decimal

from django.utils import timezone
from rest_framework import serializers as s

from advisor.api.views import Input
from advisor.models import Endpoint, Run, Token
from advisor.services.refreshes import SOURCE_NAMES

MOST_ID = 2**63 - 1
MOST_NUMBER = 2**31 - 1
_MOST_LETTERS = 2000


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


class Proposal(Input):
    supersedes = s.IntegerField(
        required=False,
        allow_null=True,
        default=None,
        min_value=1,
        max_value=MOST_ID,
        help_text="The id of an accepted decision whose place this one takes.",
    )
    comment = s.CharField(required=False, allow_blank=True, default="", max_length=_MOST_LETTERS)


class Reason(Input):
    comment = s.CharField(max_length=_MOST_LETTERS, help_text="Why: whoever reads the log later has only this.")


class Acceptance(Input):
    proposal = s.IntegerField(min_value=1, max_value=MOST_ID, help_text="The id of the step that proposed it.")
    comment = s.CharField(required=False, allow_blank=True, default="", max_length=_MOST_LETTERS)
    review_by = s.DateField(
        required=False, allow_null=True, default=None, help_text="When to look at it again: a day after today."
    )

    def validate_review_by(self, day: dt.date | None) -> dt.date | None:
        if day is not None and day <= timezone.now().date():
            raise s.ValidationError("Choose a day after today.")
        return day


class NewToken(Input):
    name = s.RegexField(r"^[^\x00-\x1f\x7f]+$", max_length=80)
    cap = s.ChoiceField(choices=Token.Cap.choices, default=Token.Cap.READ.value)
    days = s.IntegerField(min_value=1, max_value=365, default=30)


class NewWebhook(Input):
    url = s.RegexField(
        r"^https://[^\x00-\x20\x7f]+$", max_length=500, help_text="https:// and a public host, on port 443."
    )


def _text(length: int) -> s.CharField:
    return s.CharField(max_length=length, required=False, default="", allow_blank=True)


def _price() -> s.DecimalField:
    return s.DecimalField(max_digits=12, decimal_places=6, min_value=0, required=False, allow_null=True, default=None)


class NewEndpoint(Input):
    name = s.CharField(max_length=80)
    kind = s.ChoiceField(choices=Endpoint.Kind.choices)
    address = _text(500)
    model = s.CharField(max_length=200, help_text="As the provider names it; Azure: the deployment.")
    region = _text(40)
    api_version = _text(40)
    key = s.CharField(max_length=4096, write_only=True, trim_whitespace=False, help_text="Never shown again.")
    key_id = _text(128)
    model_offer_id = s.CharField(
        max_length=254,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of the catalog: what its probes stand for in this workspace's reports.",
    )
    input_usd_per_mtok = _price()
    output_usd_per_mtok = _price()


class NewProbe(Input):
    """What a probe may take. Both caps are hard: a request that could pass one is not sent."""

    send = s.BooleanField(default=False, help_text="False: a dry run, nothing is sent.")
    steps = s.ListField(
        child=s.IntegerField(min_value=1, max_value=32),
        min_length=1,
        max_length=6,
        default=lambda: [1, 2, 4],
        help_text="Concurrent requests, one step after the other.",
    )
    requests_per_step = s.IntegerField(min_value=1, max_value=300, default=20)
    max_tokens = s.IntegerField(min_value=2, max_value=4096, default=128)
    prompt_words = s.IntegerField(min_value=25, max_value=20_000, default=200)
    most_tokens = s.IntegerField(min_value=1, max_value=10_000_000, default=200_000)
    most_usd = s.DecimalField(max_digits=8, decimal_places=2, min_value=0, max_value=1000, default=lambda: Decimal(1))


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

    provider = s.ChoiceField(choices=["aws", "azure", "gcp"], required=False, default=None)
    region = s.CharField(max_length=80, required=False, default="", help_text="The provider's own name of it.")


class Which(Input):
    """Which options an estimate is asked for."""

    provider = s.ChoiceField(choices=["aws", "azure", "gcp"], required=False, allow_null=True, default=None)
    region = s.CharField(max_length=80, required=False, allow_null=True, default=None)
    sku = s.CharField(max_length=120, required=False, allow_null=True, default=None)
    basis = s.CharField(max_length=40, required=False, allow_null=True, default=None)
    limit = s.IntegerField(min_value=1, max_value=50, required=False, default=20)


class NewRefresh(Input):
    sources = s.ListField(child=s.ChoiceField(choices=list(SOURCE_NAMES)), allow_empty=False)
    regions = s.ListField(
        child=s.RegexField(r"^[a-z0-9-]{1,60}$"), required=False, default=list, max_length=100,
        help_text="The provider's own names. Empty: every region the catalog knows.",
    )  # fmt: skip


class NewSchedule(Input):
    every_hours = s.IntegerField(min_value=1, max_value=720)
    is_on = s.BooleanField()


class QuarantinePaging(Paging):
    state = s.ChoiceField(choices=["pending", "accepted", "rejected"], required=False, default="pending")


class NewVerdict(Input):
    rows = s.ListField(
        child=s.IntegerField(min_value=1, max_value=MOST_ID), allow_empty=False, max_length=500,
        help_text="Ids of rows that are pending.",
    )  # fmt: skip
    verdict = s.ChoiceField(choices=["accept", "reject"])
    note = s.RegexField(r"^[^\x00-\x1f\x7f]*$", required=False, default="", max_length=300, allow_blank=True)
