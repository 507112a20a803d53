"""The store does not colour the advice: what is read from the database gives the bytes that the files give."""

import datetime as dt

import pytest

from advisor.core.advise import advise
from advisor.core.document import check, known_from, parse
from advisor.core.report import Report
from catalog import files, frame, ingest, queries
from estimator import coefficients
from tests.house.tree import ROOT

MOMENT = dt.date(2026, 11, 23)


def _report(catalog: frame.Catalog) -> Report:
    raw = parse((ROOT / "examples" / "small_team.yaml").read_bytes())
    document = check(raw, complete=True, known=known_from(catalog))
    return advise(document=document, catalog=catalog, coefficients=coefficients.load(), moment=MOMENT)


@pytest.mark.django_db(transaction=True)
def test_a_published_release_gives_the_bytes_that_its_files_give() -> None:
    """Runs on SQLite and again on PostgreSQL: equal to the files' bytes on both, they are equal to each other."""
    number = ingest.publish_files(actor="test", moment=dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC))

    stored = _report(queries.at(release=number, moment=MOMENT))
    shipped = _report(frame.build(facts=files.load(), moment=MOMENT, release=number))

    assert stored.sha256 == shipped.sha256
    assert stored.to_bytes() == shipped.to_bytes()
