"""What the catalog remembers: fact sets by content, releases in order, prices that are only ever appended."""

import json
import zlib

from django.db import models
from django.db.models import F, Q


class FactSet(models.Model):
    """The curated files of one load, whole, under the hash of their names and bytes."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    content = models.BinaryField()  # zlib over a JSON object: file name → text

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(sha256=""), name="fact_set_has_a_hash")]

    def __str__(self) -> str:
        return self.sha256[:12]

    @staticmethod
    def pack(texts: dict[str, str]) -> bytes:
        return zlib.compress(json.dumps(texts, sort_keys=True, ensure_ascii=False).encode("utf-8"), level=6)

    @property
    def texts(self) -> dict[str, str]:
        texts: dict[str, str] = json.loads(zlib.decompress(bytes(self.content)))
        return texts


class CatalogRelease(models.Model):
    """One state of the catalog that advice can name. Its prices are those of all published releases up to it."""

    number = models.PositiveIntegerField(primary_key=True)
    fact_set = models.ForeignKey(FactSet, on_delete=models.PROTECT, related_name="releases")
    begun_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)  # empty while its rows are being written
    actor = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=1), name="catalog_release_counts_from_one"),
            models.CheckConstraint(condition=~Q(actor=""), name="catalog_release_has_an_actor"),
            models.CheckConstraint(
                condition=Q(published_at__isnull=True) | Q(published_at__gte=F("begun_at")),
                name="catalog_release_is_published_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"


class Price(models.Model):
    """One price of one offer or model offer as a release stated it. Rows are appended, never changed.

    An offer is wholly its price row; a model offer's other facts stand in the fact set.
    """

    class Subject(models.TextChoices):
        OFFER = "offer", "Offer"
        MODEL_OFFER = "model_offer", "Model offer"

    release = models.ForeignKey(CatalogRelease, on_delete=models.CASCADE, related_name="prices")
    subject = models.CharField(max_length=12, choices=Subject.choices)
    key = models.CharField(max_length=200)  # the offer's or model offer's id
    meter = models.CharField(max_length=40)  # the price column: price_usd_per_hour, input_usd_per_mtok, …
    amount = models.DecimalField(max_digits=20, decimal_places=9, null=True, blank=True)  # USD
    withdrawn = models.BooleanField(default=False)  # the offer, or this meter of it, is gone from this release on
    no_price_reason = models.TextField(blank=True)
    effective_from = models.DateField(null=True, blank=True)
    note = models.TextField(blank=True)
    source_id = models.CharField(max_length=200)
    locator = models.TextField()
    observed_at = models.DateField(null=True, blank=True)
    as_of_basis = models.CharField(max_length=16)
    kind = models.CharField(max_length=24)
    dataset = models.CharField(max_length=300, blank=True, default="")  # dataset/region of a source; blank: the files

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["release", "subject", "key", "meter", "dataset"], name="price_once_per_dataset_and_release"
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gt=0), name="price_is_positive_or_unknown"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=True) | Q(amount__isnull=False) | ~Q(no_price_reason=""),
                name="price_or_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(observed_at__isnull=True, as_of_basis="undated")
                | (Q(observed_at__isnull=False) & ~Q(as_of_basis="undated")),
                name="price_date_agrees_with_basis",
            ),
            models.CheckConstraint(condition=~Q(source_id="") & ~Q(locator=""), name="price_says_who_says_so"),
        ]
        indexes = [models.Index(fields=["subject", "key", "meter"], name="price_history")]

    def __str__(self) -> str:
        return f"{self.key} {self.meter} {self.amount} ({self.release_id})"


class RefreshRun(models.Model):
    """One round through sources, as asked for by a person or a schedule. Its release is published once, at the end."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTLY = "partly", "Partly succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    sources = models.JSONField()  # the words of the command line: ["aws", "azure"]
    regions = models.JSONField(default=list)  # none: all that the catalog knows
    actor = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    release = models.OneToOneField(
        CatalogRelease, on_delete=models.SET_NULL, null=True, blank=True, related_name="refresh_run"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", ended_at__isnull=True) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="refresh_run_ends_once",
            ),
            models.CheckConstraint(condition=~Q(actor=""), name="refresh_run_has_an_actor"),
        ]

    def __str__(self) -> str:
        return f"refresh {self.pk}: {self.state}"


class RefreshPart(models.Model):
    """One dataset of one source in one region, in one run: who works on it, what it found, why it failed."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        NOT_CONFIGURED = "not_configured", "Not configured"
        CANCELLED = "cancelled", "Cancelled"

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    run = models.ForeignKey(RefreshRun, on_delete=models.CASCADE, related_name="parts")
    source = models.CharField(max_length=40)
    dataset = models.CharField(max_length=200, blank=True)  # blank where the whole source is not configured
    region = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=14, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    enqueued_at = models.DateTimeField()
    not_before = models.DateTimeField(null=True, blank=True)  # a throttled part waits until then
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    counts = models.JSONField(default=dict)  # read, added, changed, unchanged, quarantined, refused, missing, outside …

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "source", "dataset", "region"], name="refresh_part_once_a_run"),
            models.UniqueConstraint(
                fields=["source", "dataset", "region"],
                condition=Q(state__in=["queued", "running"]),
                name="refresh_part_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], ended_at__isnull=True)
                | (~Q(state__in=["queued", "running"]) & Q(ended_at__isnull=False)),
                name="refresh_part_ends_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="refresh_part_open")]

    def __str__(self) -> str:
        return f"{self.source} {self.dataset} {self.region}: {self.state}"

    @property
    def name(self) -> str:
        """Return the dataset and region as the rows that come of it bear them, in ``Price.dataset``."""
        return f"{self.dataset}/{self.region}"


class Snapshot(models.Model):
    """One raw answer as it came: its hash, address, time and size. The bytes lie in the data directory, compressed."""

    part = models.ForeignKey(RefreshPart, on_delete=models.CASCADE, related_name="snapshots")
    position = models.PositiveIntegerField()  # the order of the pages of one fetch
    url = models.TextField()
    version = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    fetched_at = models.DateTimeField()
    pruned_at = models.DateTimeField(null=True, blank=True)  # the bytes are gone, the hash stays

    class Meta:
        constraints = [models.UniqueConstraint(fields=["part", "position"], name="snapshot_once_a_page")]
        indexes = [models.Index(fields=["sha256"], name="snapshot_content")]

    def __str__(self) -> str:
        return f"{self.sha256[:12]} {self.url}"


class Confirmation(models.Model):
    """A dataset was read again with a release: its standing prices hold as of this day, but for those named."""

    release = models.ForeignKey(CatalogRelease, on_delete=models.CASCADE, related_name="confirmations")
    dataset = models.CharField(max_length=300)  # dataset/region, as in Price.dataset
    observed_at = models.DateField()
    not_seen = models.JSONField(default=list)  # [key, meter] of what was missing, implausible or refused

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "dataset"], name="confirmation_once_per_release")]

    def __str__(self) -> str:
        return f"{self.dataset} as of {self.observed_at}"


class Retirement(models.Model):
    """The day on which a model offer ends, as one dataset and region states it. Rows are appended.

    The newest word of each counts, and the earliest day among them holds: whoever plans must not be surprised.
    """

    release = models.ForeignKey(CatalogRelease, on_delete=models.CASCADE, related_name="retirements")
    key = models.CharField(max_length=200)  # the model offer's id
    on = models.DateField()
    source_id = models.CharField(max_length=200)
    locator = models.TextField()
    observed_at = models.DateField()
    dataset = models.CharField(max_length=300)  # dataset/region, as in Price.dataset

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["release", "key", "dataset"], name="retirement_once_per_dataset_and_release"
            )
        ]

    def __str__(self) -> str:
        return f"{self.key} ends {self.on}"


class QuarantinedRow(models.Model):
    """A row that a source stated and nobody believes yet: it changes nothing until an operator accepts it."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        REJECTED = "rejected", "Rejected"

    part = models.ForeignKey(RefreshPart, on_delete=models.PROTECT, related_name="quarantined")
    dataset = models.CharField(max_length=300)
    subject = models.CharField(max_length=12)  # as Price.subject, or "shape"
    key = models.CharField(max_length=200)
    meter = models.CharField(max_length=40)
    amount = models.DecimalField(max_digits=20, decimal_places=9, null=True, blank=True)  # none: it cannot be accepted
    stated = models.CharField(max_length=200)  # what the source wrote
    before = models.DecimalField(max_digits=20, decimal_places=9, null=True, blank=True)  # what stood then
    reason = models.CharField(max_length=40)  # a code of catalog.plausible
    text = models.TextField()  # the reason, for people
    effective_from = models.DateField(null=True, blank=True)
    note = models.TextField(blank=True)
    locator = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.TextField(blank=True)
    release = models.ForeignKey(CatalogRelease, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "subject", "key", "meter", "stated"], name="quarantined_once"),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at__isnull=True)
                | ~Q(state="pending") & Q(decided_at__isnull=False),
                name="quarantined_row_is_decided_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "dataset"], name="quarantine_open")]

    def __str__(self) -> str:
        return f"{self.key} {self.meter}: {self.reason} ({self.state})"


class RefreshSchedule(models.Model):
    """How often a source is read by itself. Off until an operator switches it on."""

    source = models.CharField(max_length=40, primary_key=True)
    every_hours = models.PositiveIntegerField()
    is_on = models.BooleanField(default=False)
    next_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(every_hours__gte=1, every_hours__lte=720), name="refresh_schedule_hours")
        ]

    def __str__(self) -> str:
        return f"{self.source} every {self.every_hours} h"


class ProbeRun(models.Model):
    """One round of latency probes, as asked for by a person or a schedule, seen from one place."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        PARTLY = "partly", "Partly succeeded"
        FAILED = "failed", "Failed"

    vantage = models.CharField(max_length=200)  # where the worker stands, in words; never where a user is
    actor = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", ended_at__isnull=True) | (~Q(state="running") & Q(ended_at__isnull=False)),
                name="probe_run_ends_once",
            ),
            models.CheckConstraint(condition=~Q(actor="") & ~Q(vantage=""), name="probe_run_says_who_and_whence"),
        ]

    def __str__(self) -> str:
        return f"probes {self.pk}: {self.state}"


class ProbePart(models.Model):
    """A few targets of one provider in one run: what one worker measures in turns."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    OPEN_STATES = (State.QUEUED, State.RUNNING)

    run = models.ForeignKey(ProbeRun, on_delete=models.CASCADE, related_name="parts")
    provider = models.CharField(max_length=10)
    targets = models.JSONField()  # ids
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    enqueued_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], ended_at__isnull=True)
                | (~Q(state__in=["queued", "running"]) & Q(ended_at__isnull=False)),
                name="probe_part_ends_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "lease_until"], name="probe_part_open")]

    def __str__(self) -> str:
        return f"{self.provider}, {len(self.targets)} targets: {self.state}"


class LatencySeries(models.Model):
    """What one run measured of one target over one family of addresses. Rows are appended, never changed."""

    run = models.ForeignKey(ProbeRun, on_delete=models.CASCADE, related_name="series")
    target = models.CharField(max_length=200)
    provider = models.CharField(max_length=10)
    region = models.CharField(max_length=80)
    host = models.CharField(max_length=253)
    path = models.CharField(max_length=200)
    family = models.PositiveSmallIntegerField()  # 4 or 6
    vantage = models.CharField(max_length=200)
    observed_at = models.DateTimeField()
    cold_ms = models.JSONField()  # of new connections: phase → durations, in the order of measuring
    warm_ms = models.JSONField()  # of one connection: durations to the first byte
    cold_failures = models.JSONField(default=dict)  # class → count
    warm_failures = models.JSONField(default=dict)
    problem = models.TextField(blank=True)  # the last failure in words
    addresses = models.JSONField(default=list)
    statuses = models.JSONField(default=dict)  # status → count
    location = models.CharField(max_length=200, blank=True)  # of a redirect, which was not followed
    server = models.CharField(max_length=80, blank=True)
    tls_version = models.CharField(max_length=20, blank=True)
    alpn = models.CharField(max_length=20, blank=True)
    certificate_expires = models.CharField(max_length=40, blank=True)
    is_cut_short = models.BooleanField(default=False)
    software = models.CharField(max_length=100)  # what measured

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "target", "family"], name="latency_once_a_run"),
            models.CheckConstraint(condition=Q(family__in=[4, 6]), name="latency_of_a_family"),
            models.CheckConstraint(condition=~Q(vantage=""), name="latency_says_whence"),
        ]
        indexes = [models.Index(fields=["target", "family", "vantage"], name="latency_history")]

    def __str__(self) -> str:
        return f"{self.target} IPv{self.family} from {self.vantage}"


class ProbeTargetChange(models.Model):
    """An operator's word on the list of targets: one that is not shipped, or a shipped one switched off."""

    id = models.CharField(max_length=200, primary_key=True)  # provider/region/service
    host = models.CharField(max_length=253, blank=True)  # blank: the shipped target of this id
    path = models.CharField(max_length=200, blank=True)
    is_on = models.BooleanField(default=True)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(host="", is_on=True), name="probe_target_change_says_something")
        ]

    def __str__(self) -> str:
        return f"{self.id}: {'on' if self.is_on else 'off'}"
