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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "subject", "key", "meter"], name="price_once_per_release"),
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
