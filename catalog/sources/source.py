"""What a source of prices is: the parts it is fetched in, what a fetch keeps, and what reading it finds."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from catalog.files import Facts

SECOND_HAND = frozenset({"genai-prices-library"})  # datasets that repeat what others set: they never displace those


class SourceFailed(Exception):
    """A source gave no usable answer: unreachable, refusing, or of a shape we do not know. Asking again is no help."""


class SourceBusy(SourceFailed):
    """A source throttles or stumbles (429, 5xx, a cut connection) after the tries of one fetch: ask again later."""

    def __init__(self, text: str, *, retry_after_s: float = 60) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class SourceUnreachable(SourceBusy):
    """Nobody answers at its address: no network, no such host, a closed port. Told at once for all its parts."""


class NotConfigured(Exception):
    """What this source needs is not set; the text names it. Not a failure: nobody asked for it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is fetched at once and fails at once: one dataset of one source in one region."""

    source: str  # the word on the command line: aws, azure, google, models
    dataset: str  # the id in sources.yaml of who says so
    region: str  # the provider's own name of it, or "global"


@dataclass(frozen=True, kw_only=True)
class Page:
    """One raw answer, as it is kept: decompressed on disk while it is read."""

    url: str
    path: Path
    version: str = ""


class Keep(Protocol):
    """Keeps raw answers before anything reads them. Bytes come in pieces, so that none need stand in memory whole."""

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        """Write the pieces to disk, hash them, note url, time, size and version. Raises SourceFailed beyond the cap.

        ``url`` must not hold a key; ``version`` is the source's own (a version in its address, an ETag, a date).
        """

    def again(self, *, url: str) -> Page | None:
        """Take over what an earlier fetch kept of this very address, or None. Only for content that never changes."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One price as a source states it, in the catalog's own key and unit.

    ``amount`` is None, with the problem, where the row is meant for us but cannot be taken as it is: an unknown unit,
    another currency, a price of zero. Such rows are quarantined, not dropped.
    """

    subject: Literal["offer", "model_offer"]
    key: str  # of an offer: provider/region/sku/basis; of a model offer: its id
    meter: str  # price_usd_per_hour, or a *_usd_per_mtok column of model_offers
    amount: Decimal | None
    locator: str  # where in the source it stands: a sku, a meter id, a file and its row
    problem: str = ""
    stated: str = ""  # what the source wrote, where it cannot be taken: "0.00 CNY per Quantity"
    effective_from: dt.date | None = None
    as_of: dt.date | None = None  # the source's own date of this row, where it is not the day on which we read it
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """The day on which a model offer ends, as its platform states it."""

    key: str  # the model offer's id
    on: dt.date
    locator: str


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One machine as its provider describes it; what is not stated is None. Compared with the catalog, never taken."""

    provider: str
    sku: str
    vcpus_count: float | None
    memory_gib: float | None
    accelerators_count: float | None
    locator: str
    accelerator_memory_gib: float | None = None  # of one accelerator


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Rows of the source that speak of what the catalog does not hold: machines, regions or models; only counted."""

    count: int
    what: str  # "EC2 machines without a row in instances.csv"


Found = Observed | Retirement | Shape | Outside


class Source(Protocol):
    """One publisher's service. A module of ``catalog.sources`` is one: these names at its top level."""

    @property
    def DATASET(self) -> str:  # noqa: N802 - a constant of the module
        """The id in sources*.yaml of what it reads."""

    def parts(self, *, facts: Facts, regions: Collection[str] | None) -> Sequence[Part]:
        """Return what can be fetched, in the given regions or in all that the catalog knows. Calls nobody.

        Raises NotConfigured.
        """

    def fetch(self, part: Part, *, keep: Keep) -> None:
        """Ask the provider and keep its raw answers, in order. Raises SourceBusy and SourceFailed."""

    def read(self, part: Part, *, pages: Sequence[Page], facts: Facts) -> Iterator[Found]:
        """Read kept answers, in little memory. Pure: the same pages give the same rows. Raises SourceFailed."""
