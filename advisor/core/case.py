"""What every step of an advice reads: the document, what it was taken to say, and one release of the facts."""

import datetime as dt
from dataclasses import dataclass

from advisor.core.answers import Answers
from advisor.core.document import Document
from advisor.core.money import Money
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
