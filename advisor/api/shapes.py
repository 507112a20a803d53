"""What answers look like. Serializers describe and write; they hold no rule."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s
from rest_framework.reverse import reverse

from advisor.core.comparison import RELATIONS
from advisor.models import Approval, Decision, Delivery, Endpoint, EndpointProbe, Membership, Run, Token

LAYERS = ("compute", "accelerator", "networking", "storage", "orchestration", "model_layer")


def page(of: type[s.Serializer], name: str) -> type[s.Serializer]:
    """Return the shape of one page of rows."""
    fields = {
        "rows": of(many=True),
        "next": s.CharField(
            allow_null=True, help_text="The cursor of the next page: send it as `cursor`. Null on the last page."
        ),
    }
    return type(name, (s.Serializer,), fields)


class Item(s.Serializer):
    """One fault: where, what was given, why it is none, what would be accepted."""

    path = s.CharField(allow_blank=True)
    value = s.JSONField(allow_null=True)
    message = s.CharField()
    accepted = s.ListField(child=s.JSONField())
    theirs = s.JSONField(required=False, allow_null=True, help_text="In a conflict: the value that stands there now.")


class Fault(s.Serializer):
    code = s.CharField(help_text="A word for programs, such as `invalid_document` or `not_found`.")
    message = s.CharField(help_text="A sentence for people.")
    items = Item(many=True)


class Error(s.Serializer):
    """The one shape of every refusal."""

    error = Fault()


class Me(s.Serializer):
    """Whom the token speaks for, and where."""

    token_id = s.IntegerField()
    user = s.EmailField(source="user.email")
    workspace_id = s.IntegerField(source="workspace.pk")
    workspace = s.CharField(source="workspace.name")
    cap = s.ChoiceField(choices=Token.Cap.choices, help_text="What the token may do at this moment.")
    expires_at = s.DateTimeField()


class WorkspaceSerializer(s.Serializer):
    id = s.IntegerField(source="workspace_id")
    name = s.CharField()
    role = s.ChoiceField(choices=Membership.Role.choices)
    members_count = s.IntegerField(source="members")
    decisions_count = s.IntegerField(source="decisions")


class Member(s.Serializer):
    id = s.IntegerField(source="membership_id")
    name = s.CharField(allow_blank=True)
    email = s.EmailField()
    role = s.ChoiceField(choices=Membership.Role.choices)
    since = s.DateTimeField()


class TokenSerializer(s.Serializer):
    id = s.IntegerField(source="token_id")
    name = s.CharField()
    prefix = s.CharField(help_text="The beginning of the secret.")
    cap = s.ChoiceField(choices=Token.Cap.choices)
    expires_at = s.DateTimeField()
    last_used_at = s.DateTimeField(allow_null=True, help_text="To the hour.")


class FreshToken(s.Serializer):
    """The secret of a new token: this is the only time it is shown."""

    secret = s.CharField()
    expires_at = s.DateTimeField()


class RunSerializer(s.Serializer):
    """One try at answering a revision. Ask again while `state` is `queued` or `running`."""

    id = s.IntegerField(source="pk")
    decision_id = s.IntegerField(source="revision.decision_id")
    revision = s.IntegerField(source="revision.number")
    state = s.ChoiceField(choices=Run.State.choices)
    stage = s.CharField(allow_blank=True)
    progress_fraction = s.FloatField(min_value=0, max_value=1)
    attempt = s.IntegerField()
    moment = s.DateField(help_text="The date the advice is asked for.")
    created_at = s.DateTimeField()
    started_at = s.DateTimeField(allow_null=True)
    finished_at = s.DateTimeField(allow_null=True)
    feasible = s.SerializerMethodField(help_text="False: it finished, and no stack keeps every constraint.")
    report = s.SerializerMethodField(help_text="The address of the report; null until there is one.")
    error = s.SerializerMethodField(help_text="Why it failed; null unless it did.")

    def get_feasible(self, run: Run) -> bool | None:
        return run.report.feasible if hasattr(run, "report") else None

    def get_report(self, run: Run) -> str | None:
        return _report(run.revision.decision_id, run.revision.number) if hasattr(run, "report") else None

    @extend_schema_field(Fault(allow_null=True))
    def get_error(self, run: Run) -> Any:
        told = {"code": run.error_code, "message": run.error, "items": run.error_items}
        return told if run.state == Run.State.FAILED else None


class DecisionLine(s.Serializer):
    id = s.IntegerField(source="decision_id")
    title = s.CharField()
    created_at = s.DateTimeField()
    created_by = s.CharField()
    revision = s.IntegerField(help_text="The newest.")
    run_id = s.IntegerField(allow_null=True, help_text="The newest run of the newest revision; null for a draft.")
    state = s.ChoiceField(choices=Run.State.choices, allow_null=True, help_text="How that run stands.")
    feasible = s.BooleanField(allow_null=True)
    report = s.SerializerMethodField(help_text="The newest report's address; null while there is none.")

    def get_report(self, line: Any) -> str | None:
        return _report(line.decision_id, line.reported_revision) if line.reported_revision else None


class RevisionRun(s.Serializer):
    id = s.IntegerField(source="run_id")
    state = s.ChoiceField(choices=Run.State.choices)
    feasible = s.BooleanField(allow_null=True)
    requested_by = s.CharField()
    created_at = s.DateTimeField()


class RevisionSerializer(s.Serializer):
    number = s.IntegerField()
    based_on = s.IntegerField(source="based_on_number", allow_null=True)
    created_by = s.CharField()
    created_at = s.DateTimeField()
    has_report = s.BooleanField()
    is_settled = s.BooleanField(help_text="It has a report or an open run, and stays as it is.")
    runs = RevisionRun(many=True)


class DecisionSerializer(s.Serializer):
    id = s.IntegerField(source="decision.pk")
    workspace_id = s.IntegerField(source="decision.workspace_id")
    title = s.CharField(source="decision.title")
    created_at = s.DateTimeField(source="decision.created_at")
    created_by = s.CharField(source="decision.created_by.shown_name")
    revisions = RevisionSerializer(many=True, help_text="The newest first.")


class StepSerializer(s.Serializer):
    """One step of a decision's life. The actor's name is the one of that time."""

    id = s.IntegerField(source="step_id")
    step = s.ChoiceField(source="transition", choices=Approval.Transition.choices)
    revision = s.IntegerField(source="revision_number")
    actor = s.CharField()
    at = s.DateTimeField()
    comment = s.CharField(allow_blank=True)
    review_by = s.SerializerMethodField(help_text="When an accepted revision is to be looked at again.")
    supersedes = s.IntegerField(
        source="supersedes.pk", default=None, allow_null=True, help_text="The decision whose place it takes."
    )
    superseded_by = s.IntegerField(
        source="superseded_by.decision_id", default=None, allow_null=True, help_text="The decision that took its place."
    )

    @extend_schema_field(s.DateField(allow_null=True))
    def get_review_by(self, row: Any) -> str | None:
        return row.review_by or None


class LifeSerializer(s.Serializer):
    """How a decision stands, and every step that led to it."""

    decision_id = s.IntegerField(source="decision.pk")
    status = s.ChoiceField(source="decision.status", choices=Decision.Status.choices)
    proposed = StepSerializer(source="life.proposed", allow_null=True, help_text="The proposal that waits.")
    accepted = StepSerializer(source="life.accepted", allow_null=True, help_text="The acceptance that stands.")
    steps = StepSerializer(source="life.log", many=True, help_text="The newest first.")


class DocumentSerializer(s.Serializer):
    """A document in one state. Send `revision` and `version` back with a change, or the ETag as If-Match."""

    decision_id = s.IntegerField()
    revision = s.IntegerField()
    version = s.IntegerField()
    is_settled = s.BooleanField(help_text="Changing it makes the next revision.")
    document = s.DictField()
    refused = s.DictField(help_text="By path: what somebody typed on a page and is no valid answer.")


class NumberSerializer(s.Serializer):
    """A number with its range, or null with the reason why it is unknown."""

    value = s.FloatField(allow_null=True)
    low = s.FloatField(allow_null=True)
    high = s.FloatField(allow_null=True)
    unit = s.CharField()
    kind = s.CharField()
    evidence = s.ListField(child=s.CharField())
    reason = s.CharField(allow_null=True)


class ComparedFact(s.Serializer):
    label = s.CharField()  # type: ignore[assignment]  # the class attribute of this name is not looked at
    before = s.CharField(source="left")
    after = s.CharField(source="right")
    differs = s.BooleanField()


class ComparedNumber(s.Serializer):
    label = s.CharField()  # type: ignore[assignment]
    before = NumberSerializer(source="left", allow_null=True)
    after = NumberSerializer(source="right", allow_null=True)
    relation = s.ChoiceField(choices=list(RELATIONS))
    text = s.CharField()


class ChangedAnswer(s.Serializer):
    path = s.CharField()
    before = s.JSONField(source="left", allow_null=True)
    after = s.JSONField(source="right", allow_null=True)


class Said(s.Serializer):
    text = s.CharField()
    evidence = s.ListField(child=s.CharField())


class Waiting(s.Serializer):
    """A file that a worker is making: ask again in a moment."""

    state = s.ChoiceField(choices=["waiting"])


class MovedFact(s.Serializer):
    """A price or fact behind both reports, or behind one of the two plans, that moved between them."""

    label = s.CharField()  # type: ignore[assignment]  # a name of DRF's own, here of the data
    unit = s.CharField(allow_blank=True)
    before = s.FloatField(source="left")
    after = s.FloatField(source="right")
    is_behind_plan = s.BooleanField(help_text="The bill of one of the plans is made with it.")


class ComparisonSerializer(s.Serializer):
    """What two reports of one decision differ in."""

    facts = ComparedFact(many=True, source="rows")
    numbers = ComparedNumber(many=True, source="pairs")
    made_from = s.ListField(child=s.CharField(), help_text="What both were made from and that differs.")
    changes = ChangedAnswer(many=True, help_text="Answers of the document that differ.")
    gained = Said(many=True, help_text="Warnings that only the later report holds.")
    lost = Said(many=True, help_text="Warnings that only the earlier report holds.")
    moved = MovedFact(many=True, help_text="Prices and facts that moved, those behind a plan first.")


class DeliverySerializer(s.Serializer):
    id = s.IntegerField(source="delivery_id")
    run_id = s.IntegerField()
    state = s.ChoiceField(choices=Delivery.State.choices)
    attempts = s.IntegerField()
    status_code = s.IntegerField(allow_null=True, help_text="What your program answered last.")
    problem = s.CharField(allow_null=True)
    created_at = s.DateTimeField()
    due_at = s.DateTimeField(allow_null=True, help_text="When it is tried next; null once it is settled.")
    delivered_at = s.DateTimeField(allow_null=True)


class WebhookSerializer(s.Serializer):
    url = s.URLField()
    set_by = s.EmailField()
    set_at = s.DateTimeField()
    deliveries = DeliverySerializer(many=True, help_text="The newest 50.")


class FreshWebhook(s.Serializer):
    """The secret that signs messages: this is the only time it is shown."""

    url = s.URLField()
    secret = s.CharField()


class Column(s.Serializer):
    name = s.CharField()
    heading = s.CharField()
    unit = s.CharField(allow_blank=True)


class FilterSerializer(s.Serializer):
    name = s.CharField()
    label = s.CharField()  # type: ignore[assignment]
    values = s.ListField(child=s.CharField())


class TableSerializer(s.Serializer):
    name = s.CharField()
    title = s.CharField()
    lead = s.CharField()
    layer = s.CharField()
    rows_count = s.IntegerField()
    columns = Column(many=True, help_text="Those that lists show first; rows hold more.")
    filters = FilterSerializer(many=True)


class CatalogSerializer(s.Serializer):
    release = s.IntegerField()
    as_of = s.DateField()
    fact_set = s.CharField()
    tables = TableSerializer(many=True)


class Release(s.Serializer):
    number = s.IntegerField()
    published_at = s.DateTimeField()
    actor = s.CharField()
    fact_set = s.CharField()
    price_rows_count = s.IntegerField()


class Releases(s.Serializer):
    rows = Release(many=True)


class AgeLine(s.Serializer):
    names = s.ListField(child=s.CharField(allow_blank=True))
    rows_count = s.IntegerField()
    newest = s.CharField(allow_null=True)
    oldest = s.CharField(allow_null=True)
    undated_fraction = s.FloatField()
    source_commit_fraction = s.FloatField()
    stale_fraction = s.FloatField()


class Freshness(s.Serializer):
    release = s.IntegerField()
    as_of = s.DateField()
    whole = AgeLine()
    by_table = AgeLine(many=True)
    by_provider = AgeLine(many=True)
    by_publisher = AgeLine(many=True)
    by_source = AgeLine(many=True)


class PriceStepSerializer(s.Serializer):
    release = s.IntegerField()
    published_at = s.DateTimeField(allow_null=True)
    amount = s.FloatField(allow_null=True, help_text="Null where there was no public price, or it was withdrawn.")
    reason = s.CharField(allow_blank=True)
    effective_from = s.DateField(allow_null=True)
    observed_at = s.DateField(allow_null=True)
    as_of_basis = s.CharField(allow_blank=True)
    source_id = s.CharField()
    locator = s.CharField(allow_blank=True)


class PriceHistory(s.Serializer):
    meter = s.CharField()
    steps = PriceStepSerializer(many=True, help_text="The oldest first.")


class LatencyFigures(s.Serializer):
    """One series in ms. Null is what so few values cannot tell: an interval needs 6, a 95th percentile 60."""

    count = s.IntegerField(help_text="The values counted; failures are not among them.")
    failures = s.DictField(child=s.IntegerField(), help_text="Class of failure → how many.")
    min_ms = s.FloatField(allow_null=True)
    median_ms = s.FloatField(allow_null=True)
    median_low_ms = s.FloatField(allow_null=True, help_text="With `median_high_ms` it holds the median with 95 %.")
    median_high_ms = s.FloatField(allow_null=True)
    p95_ms = s.FloatField(allow_null=True)
    max_ms = s.FloatField(allow_null=True)
    mad_ms = s.FloatField(allow_null=True, help_text="The median distance from the median.")
    iqr_ms = s.FloatField(allow_null=True, help_text="The width of the middle half.")


class LatencyByPhase(s.Serializer):
    dns = LatencyFigures()
    tcp = LatencyFigures()
    tls = LatencyFigures()
    first_byte = LatencyFigures()


class LatencyReading(s.Serializer):
    """What was seen of one target over one family of addresses, from one place. It is nobody's own latency."""

    target = s.CharField()
    provider = s.CharField()
    region = s.CharField()
    host = s.CharField()
    path = s.CharField()
    family = s.IntegerField(help_text="4 or 6.")
    vantage = s.CharField(help_text="The place it was measured from.")
    observed_at = s.DateTimeField()
    warm = LatencyFigures(help_text="To the first byte, over one open connection.")
    cold = LatencyByPhase(help_text="New connections, by phase.")
    is_cut_short = s.BooleanField(help_text="The time of the run ended before this series did.")
    problem = s.CharField(allow_blank=True, help_text="The last failure in words.")
    addresses = s.ListField(child=s.CharField())
    statuses = s.DictField(child=s.IntegerField(), help_text="Status → how many.")
    tls_version = s.CharField(allow_blank=True)
    certificate_expires = s.CharField(allow_blank=True)
    software = s.CharField()


class LatencyReadings(s.Serializer):
    rows = LatencyReading(many=True)


def _report(decision_id: int, number: int) -> str:
    return reverse("api:report", args=[decision_id, number])


class EndpointSerializer(s.Serializer):
    """A model endpoint of the workspace. Of its key at most the last four letters remain."""

    id = s.IntegerField(source="endpoint_id")
    name = s.CharField()
    kind = s.ChoiceField(choices=Endpoint.Kind.choices)
    place = s.CharField(help_text="Its address, or Bedrock's region.")
    model = s.CharField()
    model_offer_id = s.CharField(allow_blank=True)
    key_ending = s.CharField(allow_blank=True)
    made_by = s.EmailField()
    made_at = s.DateTimeField()
    last_used_at = s.DateTimeField(allow_null=True)


class CostSerializer(s.Serializer):
    """Upper bounds, not estimates: a token is at least one byte of a prompt."""

    requests_count = s.IntegerField()
    tokens = s.IntegerField()
    usd = s.CharField(source="shown_usd")


class DryRunSerializer(s.Serializer):
    """What a probe would send, and at most take. Nothing was sent."""

    address = s.CharField()
    body = s.CharField()
    requests_count = s.IntegerField(source="plan.requests_count")
    price_source = s.ChoiceField(choices=["stated", "catalog", ""], allow_blank=True)
    one = CostSerializer()
    most = CostSerializer()
    problems = s.ListField(child=s.CharField(), help_text="Why it would be refused; empty where it would be sent.")


class EndpointProbeSerializer(s.Serializer):
    """A probe and what it showed. Figures hold for the place it was sent from: `result.vantage`."""

    id = s.IntegerField(source="probe_id")
    endpoint_id = s.IntegerField()
    endpoint = s.CharField()
    state = s.ChoiceField(choices=EndpointProbe.State.choices)
    progress_fraction = s.FloatField()
    error_code = s.CharField(allow_blank=True)
    error = s.CharField(allow_blank=True)
    requested_by = s.EmailField()
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)
    plan = s.DictField()
    result = s.DictField(allow_null=True)
    tokens_at_most = s.IntegerField()
    usd_at_most = s.CharField()
