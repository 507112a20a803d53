"""The shipped list of what is probed: hosts of single regions, never a name that the nearest edge answers for all."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from catalog import files
from catalog.records import Evidenced, Id, Provider, Text

FILE = Path(__file__).with_name("targets.csv")
WORDS = r"^[a-z0-9][a-z0-9-]*$"
Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$", max_length=253)]


class ProbeTarget(Evidenced):
    """targets.csv. One address of one region that answers anybody, with any status, over HTTPS."""

    id: Id
    provider: Provider
    region: Text
    service: Annotated[str, StringConstraints(pattern=WORDS, max_length=40)]
    host: Host
    path: Annotated[str, StringConstraints(pattern=r"^/[!-~]*$", max_length=200)]
    note: str | None = None

    @model_validator(mode="after")
    def _id_says_what_it_is(self) -> Self:
        if self.id != f"{self.provider}/{self.region}/{self.service}":
            raise ValueError(f"its columns say {self.provider}/{self.region}/{self.service}")
        return self


@lru_cache(maxsize=1)
def shipped() -> tuple[ProbeTarget, ...]:
    """Return the shipped targets, sorted by id. Raises catalog.files.DataError for a row that does not hold."""
    return files.rows(file=FILE.name, text=FILE.read_text(encoding="utf-8"), record=ProbeTarget)
