"""What changed between two releases: added, removed, moved, corrected, or only dated anew."""

import datetime as dt
from decimal import Decimal

import pytest

from advisor.core.shelf.changes import Changes, changes
from catalog import files, frame

MOMENT = dt.date(2026, 11, 23)
P5 = "aws/us-east-1/p5.48xlarge/on_demand"


@pytest.fixture(scope="module")
def facts() -> files.Facts:
    return files.load()


@pytest.fixture(scope="module")
def before(facts: files.Facts) -> frame.Catalog:
    return frame.build(facts=facts, moment=MOMENT, release=1)


def changed(facts: files.Facts, before: frame.Catalog, table: str, row_id: str, **fields: object) -> Changes:
    rows = tuple(row.model_copy(update=fields) if row.id == row_id else row for row in getattr(facts, table))
    return changes(before, frame.build(facts=files.replace(facts, **{table: rows}), moment=MOMENT, release=2))


def test_the_same_facts_make_no_change(facts: files.Facts, before: frame.Catalog) -> None:
    found = changes(before, frame.build(facts=facts, moment=MOMENT, release=2))

    assert found.is_empty
    assert found.by_file() == []


def test_a_price_that_moved_tells_before_after_and_share(facts: files.Facts, before: frame.Catalog) -> None:
    found = changed(facts, before, "offers", P5, price_usd_per_hour=Decimal("41.28"), locator="another line")

    (move,) = found.moves
    assert (move.before, move.after) == (Decimal("55.04"), Decimal("41.28"))
    assert move.fraction == pytest.approx(-0.25)  # 41.28 is three quarters of 55.04
    assert (move.id, move.meter, move.reason) == (f"offer:{P5}", "price_usd_per_hour", "")
    assert "p5.48xlarge" in move.label
    assert (found.facts, found.added, found.removed, found.redated_count) == ((), (), (), 0)
    assert found.by_file() == [("offers.csv", 0, 0, 1)]


def test_a_price_that_was_lost_tells_the_reason_and_no_share(facts: files.Facts, before: frame.Catalog) -> None:
    found = changed(facts, before, "offers", P5, price_usd_per_hour=None, no_price_reason="sold as Capacity Block")

    (move,) = found.moves
    assert (move.after, move.fraction, move.reason) == (None, None, "sold as Capacity Block")
    assert found.facts == ()


def test_a_corrected_fact_is_told_by_file_and_key(facts: files.Facts, before: frame.Catalog) -> None:
    found = changed(facts, before, "accelerators", "h100-sxm-80gb", tdp_w=600.0)

    (one,) = found.facts
    assert (one.file, one.field, one.before, one.after) == ("accelerators.csv", "tdp_w", 700.0, 600.0)
    assert found.moves == ()


def test_rows_that_only_got_another_date_are_counted_apart(facts: files.Facts, before: frame.Catalog) -> None:
    found = changed(facts, before, "accelerators", "h100-sxm-80gb", observed_at=dt.date(2026, 11, 20))

    assert (found.redated_count, found.facts, found.is_empty) == (1, (), False)


def test_rows_added_and_removed_are_named(facts: files.Facts, before: frame.Catalog) -> None:
    rule = facts.rules[0].model_copy(update={"id": "C999", "title": "A rule of tomorrow"})
    later = files.replace(facts, rules=(*facts.rules, rule), offers=facts.offers[1:])

    found = changes(before, frame.build(facts=later, moment=MOMENT, release=2))

    assert found.added == (("rule:C999", "A rule of tomorrow"),)
    assert [id for id, _ in found.removed] == [f"offer:{facts.offers[0].id}"]
    assert found.by_file() == [("offers.csv", 0, 1, 0), ("rules.yaml", 1, 0, 0)]
