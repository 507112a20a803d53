"""What every step of an advice reads: the document, what it was taken to say, and one release of the facts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from advisor.core import own_probes
from advisor.core.answers import Answers, answers
from advisor.core.document import Document
from advisor.core.money import Money
from advisor.core.own_probes import OwnProbe
from catalog.frame import Catalog
from estimator.coefficients import Coefficients


@dataclass(frozen=True)
class Case:
    """One decision at one moment, on one release of the catalog."""

    document: Document
    said: Answers
    catalog: Catalog
    coefficients: Coefficients
    money: Money
    moment: dt.date
    probes: tuple[OwnProbe, ...] = ()  # of the team's own endpoints

    @classmethod
    def of(
        cls,
        *,
        document: Document,
        catalog: Catalog,
        coefficients: Coefficients,
        moment: dt.date,
        probes: Sequence[OwnProbe] = (),
    ) -> "Case":
        """Return the case of a document. Raises DocumentError where a model is no transformer the catalog holds."""
        return cls(
            document=document,
            said=answers(document=document, architectures=catalog.architectures),
            catalog=catalog,
            coefficients=coefficients,
            money=Money.of(catalog),
            moment=moment,
            probes=tuple(probes),
        )

    def evidence(self, id: str) -> dict[str, Any]:
        """Return the entry of an evidence id: a coefficient's, an answer's, an own probe's, else the catalog's."""
        sort = id.split(":", 1)[0]
        if sort == "coefficient":
            return self.coefficients.evidence(id)
        if sort in ("answer", "default"):
            return self.said.evidence(id)
        if sort == "own_probe":
            return own_probes.evidence(self.probes, id)
        return self.catalog.evidence(id)


def evidence_ids(part: Any) -> set[str]:
    """Return every evidence id named anywhere in a report's body."""
    if isinstance(part, Mapping):
        found = set(part["evidence"]) if isinstance(part.get("evidence"), list | tuple) else set()
        return found.union(*(evidence_ids(value) for value in part.values()))
    if isinstance(part, list | tuple):
        return set().union(*(evidence_ids(value) for value in part))
    return set()
