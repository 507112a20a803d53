"""Raw answers on disk, by their hash: kept before anything reads them, so that any price can be traced to its bytes."""

import gzip
import hashlib
import logging
import re
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from catalog.models import QuarantinedRow, RefreshPart, Snapshot
from catalog.part_lease import Lease
from catalog.sources.source import Page, SourceFailed

logger = logging.getLogger(__name__)

PAGE_MAX_BYTES = 2 * 1024**3
KEPT_FETCHES = 2  # of each dataset and region; older bytes are deleted, their hashes stay
_PIECE = 1024 * 1024


class Keeper:
    """Keeps the answers of one part's fetch, in order. A :class:`catalog.sources.source.Keep`."""

    def __init__(self, *, lease: Lease, folder: Path) -> None:
        self.pages: list[Page] = []
        self._lease, self._folder = lease, folder

    def __call__(self, *, url: str, pieces: Iterable[bytes], version: str = "") -> Page:
        """Write the pieces to disk, hash them, note url, time, size and version. Raises SourceFailed beyond 2 GB."""
        path = self._folder / f"{len(self.pages):06d}"
        digest, size = hashlib.sha256(), 0
        with path.open("wb") as plain:
            for piece in pieces:
                plain.write(piece)
                digest.update(piece)
                size += len(piece)
                if size > PAGE_MAX_BYTES:
                    raise SourceFailed(f"One answer is larger than {PAGE_MAX_BYTES >> 30} GB.")
                self._lease.check()
        page = self._note(url=url, version=version, sha256=digest.hexdigest(), size=size, path=path)
        _store(
            path, sha256=digest.hexdigest()
        )  # after the row, which keeps `prune` from the same bytes of an older one
        return page

    def again(self, *, url: str) -> Page | None:
        """Take over what was kept before from this very address, if its bytes are still there.

        Only for addresses whose content never changes (a version stands in them). Bytes that could not be read, or are
        not those of the hash, are not taken.
        """
        kept = Snapshot.objects.filter(url=url, pruned_at__isnull=True, part__state=RefreshPart.State.SUCCEEDED)
        last = kept.order_by("-fetched_at").first()
        if last is None:
            return None
        path, digest = self._folder / f"{len(self.pages):06d}", hashlib.sha256()
        try:
            with gzip.open(_place(last.sha256), "rb") as packed, path.open("wb") as plain:
                while piece := packed.read(_PIECE):
                    plain.write(piece)
                    digest.update(piece)
                    self._lease.check()
        except (OSError, EOFError, zlib.error):  # pruned meanwhile, or a disk that failed
            return None
        if digest.hexdigest() != last.sha256:
            return None
        return self._note(url=url, version=last.version, sha256=last.sha256, size=last.size_bytes, path=path)

    def _note(self, *, url: str, version: str, sha256: str, size: int, path: Path) -> Page:
        with self._lease.writing():
            Snapshot.objects.create(
                part=self._lease.part,
                position=len(self.pages),
                url=url,
                version=version[:200],
                sha256=sha256,
                size_bytes=size,
                fetched_at=timezone.now(),
            )
        page = Page(url=url, path=path, version=version)
        self.pages.append(page)
        return page


@contextmanager
def keeper(*, lease: Lease) -> Iterator[Keeper]:
    """Give a keeper for one try of a part; its plain files go when the block ends, the compressed ones stay.

    Each try has a folder of its own: a worker that lost the part may still write into its. Raises LeaseLost.
    """
    part = lease.part
    with lease.writing():
        Snapshot.objects.filter(part=part).delete()  # of a try that was cut off
    for left in (_directory() / "open").glob(f"{part.pk}.*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = _directory() / "open" / f"{part.pk}.{part.attempt}"
    folder.mkdir(parents=True)
    try:
        yield Keeper(lease=lease, folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prune() -> int:
    """Delete the bytes of older fetches and return how many snapshots lost them.

    Kept are the newest fetches of each dataset and region, and whatever a waiting row of the quarantine came from.
    """
    keep: set[int] = set(
        QuarantinedRow.objects.filter(state=QuarantinedRow.State.PENDING).values_list("part_id", flat=True)
    )
    seen: dict[tuple[str, str, str], int] = {}
    rows = RefreshPart.objects.filter(state=RefreshPart.State.SUCCEEDED).order_by("-ended_at")
    for part_id, *name in rows.values_list("pk", "source", "dataset", "region"):
        key = (name[0], name[1], name[2])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= KEPT_FETCHES:
            keep.add(part_id)
    keep |= set(RefreshPart.objects.filter(state__in=RefreshPart.OPEN_STATES).values_list("pk", flat=True))
    old = Snapshot.objects.filter(pruned_at__isnull=True).exclude(part_id__in=keep)
    hashes = set(old.values_list("sha256", flat=True))
    count = old.update(pruned_at=timezone.now())
    still = set(Snapshot.objects.filter(pruned_at__isnull=True, sha256__in=hashes).values_list("sha256", flat=True))
    for sha256 in hashes - still:
        try:
            _place(sha256).unlink(missing_ok=True)
        except OSError:  # a disk that fails; the run that has just been closed is none the worse
            logger.exception("An old answer could not be deleted.")
    return count


def export(*, directory: Path, dataset: str | None = None) -> list[Path]:
    """Write the newest kept answers, scrubbed, as files that a local peer can serve, and return their paths."""
    rows = Snapshot.objects.filter(pruned_at__isnull=True, part__state=RefreshPart.State.SUCCEEDED)
    if dataset is not None:
        rows = rows.filter(part__dataset=dataset)
    written = []
    for row in rows.select_related("part").order_by("part_id", "position"):
        if not _place(row.sha256).exists():
            continue  # deleted since the rows were asked for
        folder = directory / row.part.dataset / (row.part.region or "global")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{row.position:04d}.txt"
        with gzip.open(_place(row.sha256), "rt", encoding="utf-8") as packed, path.open("w", encoding="utf-8") as plain:
            plain.write(f"{row.url}\n")  # the address first, then the answer
            for line in packed:
                plain.write(scrubbed(line))
        written.append(path)
    return written


_PRIVATE = (
    (re.compile(r"\b\d{12}\b"), "123456789012"),  # the number of an AWS account
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "AKIAEXAMPLEEXAMPLE00"),
    (re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"), "AIzaExampleExampleExampleExampleExample"),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "00000000-0000-0000-0000-000000000000"),
)


def scrubbed(text: str) -> str:
    """Return the text without account numbers, keys and subscription ids."""
    for pattern, instead in _PRIVATE:
        text = pattern.sub(instead, text)
    return text


def _store(path: Path, *, sha256: str) -> None:
    place = _place(sha256)
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{time.monotonic_ns()}")
    with path.open("rb") as plain, gzip.GzipFile(half, "wb", compresslevel=1, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, _PIECE)
    half.replace(place)


def _place(sha256: str) -> Path:
    return _directory() / sha256[:2] / f"{sha256}.gz"


def _directory() -> Path:
    return Path(settings.DATA_DIR) / "snapshots"
