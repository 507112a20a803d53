"""The catalog as people browse it: prices that compare, ages, order, search, comparison, what a row's page tells."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from advisor.core import age
from advisor.core.shelf import browse, order
from advisor.core.shelf.compare import NotComparable, compare, line
from advisor.core.shelf.detail import detail
from advisor.core.shelf.facts import conditions_text, facts
from advisor.core.shelf.freshness import by, every_row, overall
from advisor.core.shelf.labels import label_of
from advisor.core.shelf.search import search
from advisor.core.shelf.tables import TABLES
from catalog import files, frame

MOMENT = dt.date(2026, 11, 23)
P5 = "aws/us-east-1/p5.48xlarge/on_demand"


@pytest.fixture(scope="module")
def catalog() -> frame.Catalog:
    return frame.build(facts=files.load(), moment=MOMENT, release=1)


# --- prices ----------------------------------------------------------------------------------------------------------


def test_a_price_is_divided_by_accelerators_and_by_gibibytes(catalog: frame.Catalog) -> None:
    row = browse.row_of(catalog=catalog, name="offers", row_id=P5)

    # worked by hand: 55.04 USD an hour, 8 accelerators of 80 GiB, 2,048 GiB of main memory
    assert row["price_usd_per_accelerator_hour"] == pytest.approx(6.88)
    assert row["price_usd_per_accelerator_gib_hour"] == pytest.approx(0.086)
    assert row["price_usd_per_memory_gib_hour"] == pytest.approx(0.026875)


def test_without_a_price_an_accelerator_or_a_memory_there_is_no_divided_price(catalog: frame.Catalog) -> None:
    offers = browse.shelf(catalog, "offers")
    unpriced = offers[offers["price_usd_per_hour"].isna()]
    processors = offers[offers["accelerator"] == ""]

    assert len(unpriced) and len(processors)
    assert unpriced[list(browse.PRICE_COLUMNS)].isna().all().all()
    assert processors["price_usd_per_accelerator_hour"].isna().all()
    assert offers.loc[offers["memory_gib"].isna(), "price_usd_per_memory_gib_hour"].isna().all()
    assert not np.isinf(offers[list(browse.PRICE_COLUMNS)].to_numpy()).any()


def test_a_share_of_an_accelerator_is_priced_as_a_whole_one() -> None:
    offers = pd.DataFrame(
        {
            "price_usd_per_hour": [1.0],
            "accelerators_count": [0.25],
            "accelerator_memory_gb": [math.nan],
            "memory_gb": [1.073741824],
        }
    )

    prices = browse.unit_prices(offers).iloc[0]

    assert prices["price_usd_per_accelerator_hour"] == 4
    assert math.isnan(prices["price_usd_per_accelerator_gib_hour"])
    assert prices["price_usd_per_memory_gib_hour"] == pytest.approx(1)


def test_cheapest_first_never_begins_with_a_price_that_cannot_be_relied_on() -> None:
    rows = pd.DataFrame(
        {
            "price_usd_per_hour": [5.0, 1.0, 0.5, math.nan, 4.0, 0.1],
            "freshness": ["fresh", "stale", "undated", "fresh", "fresh", "fresh"],
            "price_doubt": ["", "", "", "", "", "an outlier"],
        },
        index=["fresh 5", "stale 1", "undated .5", "unknown", "fresh 4", "doubtful .1"],
    )

    up = order.ordered(rows=rows, by="price_usd_per_hour")
    down = order.ordered(rows=rows, by="price_usd_per_hour", descending=True)

    assert list(up.index) == ["fresh 4", "fresh 5", "stale 1", "doubtful .1", "undated .5", "unknown"]
    assert list(down.index) == ["fresh 5", "fresh 4", "stale 1", "undated .5", "doubtful .1", "unknown"]


def test_the_shipped_offers_are_ordered_by_reliance_and_then_by_price(catalog: frame.Catalog) -> None:
    rows = order.ordered(rows=browse.shelf(catalog, "offers"), by="price_usd_per_accelerator_hour")

    known = rows[rows["price_usd_per_accelerator_hour"].notna()]
    ranks = order.rank_of_price(known)
    assert ranks.is_monotonic_increasing
    for rank in (0, 1, 2):
        assert known.loc[ranks == rank, "price_usd_per_accelerator_hour"].is_monotonic_increasing
    assert rows["price_usd_per_accelerator_hour"].iloc[len(known) :].isna().all()
    assert len(rows) == len(catalog.offers)


def test_texts_are_ordered_as_people_count() -> None:
    rows = pd.DataFrame({"sku": ["g10", "", "G2", "g2.x"]}, index=list("abcd"))

    assert list(order.ordered(rows=rows, by="sku").index) == ["c", "d", "a", "b"]
    assert list(order.ordered(rows=rows, by="sku", descending=True).index) == ["a", "d", "c", "b"]


def test_truths_are_ordered_and_nothing_can_be_ordered_too() -> None:
    rows = pd.DataFrame({"in_eu": [True, False, True], "rdma": [None, True, False]}, index=list("abc"))

    assert list(order.ordered(rows=rows, by="in_eu").index) == ["b", "a", "c"]
    assert list(order.ordered(rows=rows, by="rdma").index) == ["c", "b", "a"]
    assert len(order.ordered(rows=rows[:0], by="rdma")) == 0


# --- ages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "from today"), (1, "1 day old"), (13, "13 days old"), (14, "2 weeks old"), (59, "8 weeks old"),
        (61, "2 months old"), (126, "4 months old"), (729, "23 months old"), (731, "2 years old"),
        (math.nan, "undated"), (-3, "dated after today"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_words(days: float, text: str) -> None:
    assert age.age_text(days) == text


def test_a_fact_is_stale_from_the_day_after_its_limit_and_undated_is_neither() -> None:
    days = pd.Series([180, 181, 45, 46, 9000, math.nan])
    sort = pd.Series(["list price", "list price", age.SPOT, age.SPOT, age.PUBLISHED, "list price"])

    assert list(age.freshness(days=days, sort=sort)) == ["fresh", "stale", "fresh", "stale", "fresh", "undated"]


def test_every_kind_that_a_row_may_have_has_a_limit(catalog: frame.Catalog) -> None:
    kinds = {row.kind for row in catalog.rows.values()}

    assert kinds <= set(age.LIMITS)
    assert all(limit.days > 0 and limit.why for limit in age.LIMITS.values())


def test_spot_prices_age_faster_and_published_texts_not_at_all(catalog: frame.Catalog) -> None:
    offers = browse.shelf(catalog, "offers")
    spot = offers[(offers["basis"] == "spot") & (offers["age_days"] > 45)]
    licences = browse.shelf(catalog, "licences")

    assert len(spot) and (spot["freshness"] == "stale").all()
    assert "stale" not in set(licences["freshness"])
    assert licences["age_days"].max() > 5000


def test_freshness_counts_each_row_once_and_its_shares_are_of_all_rows(catalog: frame.Catalog) -> None:
    rows = every_row(catalog)
    offers = next(one for one in by(rows=rows, columns=["table"]) if one.names == ("offers",))

    assert len(rows) == sum(len(browse.shelf(catalog, name)) for name in TABLES)
    assert overall(rows).rows_count == len(rows) == sum(one.rows_count for one in by(rows=rows, columns=["source"]))
    undated = (catalog.offers["price_as_of_basis"] == "undated").sum()
    assert offers.undated_fraction == pytest.approx(undated / len(catalog.offers))
    assert offers.newest == catalog.offers["price_as_of"].max()
    assert offers.oldest == catalog.offers.loc[catalog.offers["price_as_of"] != "", "price_as_of"].min()


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_every_row_with_its_source_and_what_its_lists_show(name: str, catalog: frame.Catalog) -> None:
    table, rows = TABLES[name], browse.shelf(catalog, name)
    columns = {*(one.name for one in table.columns), *(one.column for one in table.filters), *table.searched}

    assert len(rows) == sum(id.startswith(table.prefix) for id in catalog.rows)
    assert columns | {table.label} | set(browse.PROVENANCE) <= set(rows.columns)
    for column in ("source", "source_url", "source_licence", "locator", "kind"):
        assert (rows[column] != "").all(), column
    assert ((rows["as_of"] == "") == rows["age_days"].isna()).all()
    assert rows.columns.is_unique
    assert rows.index.is_unique


def test_every_row_of_the_catalog_stands_in_a_table(catalog: frame.Catalog) -> None:
    assert len(catalog.rows) == len(every_row(catalog))


def test_browsing_leaves_the_catalogs_frames_as_they_are() -> None:
    facts = files.load()
    untouched, used = (frame.build(facts=facts, moment=MOMENT, release=1) for _ in range(2))

    for name in TABLES:
        browse.shelf(used, name)

    for field in dataclasses.fields(used):
        if isinstance(getattr(used, field.name), pd.DataFrame):
            pd.testing.assert_frame_equal(getattr(used, field.name), getattr(untouched, field.name))


def test_filters_narrow_to_what_they_name(catalog: frame.Catalog) -> None:
    wanted = {"provider": "aws", "accelerator": "h100-sxm-80gb", "basis": "on_demand"}

    rows = order.narrowed(catalog=catalog, name="offers", wanted=wanted)
    among = order.narrowed(catalog=catalog, name="accelerators", wanted={"provider": "gcp"})
    nothing = order.narrowed(catalog=catalog, name="offers", wanted={"provider": "oracle"})

    assert P5 in rows.index
    assert set(rows["provider"] + rows["accelerator"] + rows["basis"]) == {"awsh100-sxm-80gbon_demand"}
    assert all("gcp" in providers.split(";") for providers in among["providers"])
    assert len(nothing) == 0


# --- search ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["h100 sxm", "H100-SXM", "h100sxm", "  H100_sxm 80gb ", "sxm h100"])
def test_search_does_not_mind_case_spaces_dashes_or_order(query: str, catalog: frame.Catalog) -> None:
    groups = {group.table.name: group for group in search(catalog=catalog, query=query)}

    assert groups["accelerators"].rows.index[0] == "h100-sxm-80gb"
    assert groups["offers"].count > 100


def test_search_puts_the_row_of_that_very_name_first(catalog: frame.Catalog) -> None:
    groups = {group.table.name: group for group in search(catalog=catalog, query="p5.4xlarge")}

    assert groups["instances"].rows.index[0] == "aws/p5.4xlarge"


@pytest.mark.parametrize("query", ["", "   ", "--", "zzqqzz"])
def test_search_for_nothing_finds_nothing(query: str, catalog: frame.Catalog) -> None:
    assert search(catalog=catalog, query=query) == []


# --- comparing -------------------------------------------------------------------------------------------------------


def test_the_best_is_marked_only_where_every_value_is_known_and_they_differ() -> None:
    more = line(name="bf16_tflops", values=[989.0, 312.0], dated=False)
    gap = line(name="bf16_tflops", values=[989.0, None], dated=True)
    same = line(name="bf16_tflops", values=[312.0, 312.0], dated=True)
    undated = line(name="input_usd_per_mtok", values=[1.0, 2.0], dated=False)
    cheaper = line(name="input_usd_per_mtok", values=[1.0, 2.0, 1.0], dated=True)
    neutral = line(name="params_total", values=[8e9, 70e9], dated=True)

    assert [cell.is_best for cell in more.cells] == [True, False]
    assert (any(cell.is_best for cell in gap.cells), gap.remark) == (False, "differs; no best, one is unknown")
    assert (any(cell.is_best for cell in same.cells), same.remark) == (False, "same")
    assert (any(cell.is_best for cell in undated.cells), undated.remark) == (False, "differs; no best, one is undated")
    assert [cell.is_best for cell in cheaper.cells] == [True, False, True]
    assert not any(cell.is_best for cell in neutral.cells)


def test_a_comparison_tells_prices_with_the_offer_they_come_from(catalog: frame.Catalog) -> None:
    found = compare(catalog=catalog, name="accelerators", ids=["h100-sxm-80gb", "trainium2"])

    price = next(one for one in found.lines if one.name == "price_usd_per_accelerator_hour")
    offer = browse.row_of(catalog=catalog, name="offers", row_id=price.cells[0].offer_id)
    assert price.cells[0].value == offer["price_usd_per_accelerator_hour"]
    assert (offer["basis"], offer["freshness"], offer["price_doubt"]) == ("on_demand", "fresh", "")
    assert price.cells[1].value is None and price.cells[1].reason
    assert not any(cell.is_best for cell in price.cells)


@pytest.mark.parametrize(
    ("name", "ids", "said"),
    [
        ("accelerators", [], "you chose none"),
        ("accelerators", ["h100-sxm-80gb"], "you chose one"),
        ("accelerators", ["h100-sxm-80gb", "h100-sxm-80gb"], "you chose one"),
        ("accelerators", ["a10-24gb", "l4-24gb", "t4-16gb", "trainium1", "trainium2"], "you chose 5"),
        ("accelerators", ["h100-sxm-80gb", "h9000"], "no accelerator called h9000"),
        ("rules", ["C001", "C002"], "cannot be compared"),
        ("nothing", [], "cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(
    name: str, ids: list[str], said: str, catalog: frame.Catalog
) -> None:
    with pytest.raises(NotComparable, match=said):
        compare(catalog=catalog, name=name, ids=ids)


# --- a row -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_a_row_in_full_names_a_source_for_each_of_its_parts(name: str, catalog: frame.Catalog) -> None:
    rows = browse.shelf(catalog, name)
    for row_id in list(rows.index)[:: max(1, len(rows) // 12)]:
        found = detail(catalog=catalog, name=name, row_id=row_id)

        assert found.title
        assert found.parts[0].row_id == row_id
        for part in found.parts:
            assert part.facts
            assert part.origin.source and part.origin.url and part.origin.locator and part.origin.kind
            assert all(fact.value is not None for fact in part.facts)
        assert all(section.count >= len(section.rows) > 0 for section in found.sections)


def test_an_offer_tells_only_its_own_facts_and_hands_the_others_to_their_own_source(catalog: frame.Catalog) -> None:
    found = detail(catalog=catalog, name="offers", row_id=P5)

    own = {fact.name for fact in found.parts[0].facts}
    assert "price_usd_per_hour" in own and "vcpus_count" not in own and "bf16_tflops" not in own
    assert {part.table.name for part in found.parts} == {"offers", "instances", "accelerators", "terms", "regions"}


def test_a_row_that_is_not_there_raises(catalog: frame.Catalog) -> None:
    with pytest.raises(KeyError):
        detail(catalog=catalog, name="accelerators", row_id="h9000")


def test_an_architecture_tells_the_memory_of_its_whole_context(catalog: frame.Catalog) -> None:
    found = detail(catalog=catalog, name="architectures", row_id="llama-3.1-8b")

    cached = next(fact for fact in found.parts[0].facts if fact.name == "kv_cache_bytes_per_token")
    # 32 layers x 2 x 8 heads x 128 wide x 2 bytes, and 131,072 tokens of it are 16 GiB
    assert cached.value == 32 * 2 * 8 * 128 * 2 == 131_072
    assert "16 GiB" in found.passages[0].lines[0]
    assert any("700 million monthly users" in text for text in found.passages[1].lines)


def test_a_model_without_a_known_scope_says_so(catalog: frame.Catalog) -> None:
    offers = browse.shelf(catalog, "model-offers")
    row_id = offers.index[(offers["scope"] == "unstated")][0]

    found = detail(catalog=catalog, name="model-offers", row_id=row_id)

    assert any("does not state where" in text for text in found.passages[0].lines)


def test_a_coupling_observation_tells_its_seven_answers_and_its_steps(catalog: frame.Catalog) -> None:
    found = detail(catalog=catalog, name="coupling", row_id="aws/own_silicon/accelerator-model_layer")

    titles = {passage.title: passage.lines for passage in found.passages}
    assert len(titles["The seven observations"]) == 7
    assert "It needs one vendor's compiler: yes (weight 2)." in titles["The seven observations"]
    assert "rewrite CUDA kernels in NKI" in titles["What a move takes"]


def test_a_converted_storage_price_tells_what_its_source_states(catalog: frame.Catalog) -> None:
    found = detail(catalog=catalog, name="storage-prices", row_id="aws/us-east-1/aws-ebs/ebs-gp3")

    price = next(fact for fact in found.parts[0].facts if fact.name == "price_usd_per_gb_month")
    assert price.value == pytest.approx(0.08 / 1.073741824)
    assert "The source states $0.08 per GiB and month" in found.passages[0].lines[0]


def test_a_model_whose_retirement_has_come_is_told_from_one_that_will_retire(catalog: frame.Catalog) -> None:
    offers = browse.shelf(catalog, "model-offers")
    dated = offers[offers["retirement_date"] != ""]

    assert set(dated["retired"]) == {"yes", "no"}
    assert (dated.loc[dated["retired"] == "yes", "retirement_date"] <= MOMENT.isoformat()).all()
    assert (offers.loc[offers["retirement_date"] == "", "retired"] == "").all()


def test_conditions_are_told_in_words() -> None:
    told = conditions_text({"accelerator": ["a", "b"], "team_size": {"ge": 3, "lt": 10}, "self_serve": True})

    assert told == ["accelerator is a or b", "team size is at least 3 and below 10", "self serve is yes"]


def test_what_is_blank_is_listed_as_not_on_file(catalog: frame.Catalog) -> None:
    row = browse.row_of(catalog=catalog, name="accelerators", row_id="a10-24gb")
    stated = browse.record(catalog=catalog, name="accelerators", row_id="a10-24gb")

    known, unknown = facts(table=TABLES["accelerators"], row=row, record=stated)

    assert label_of("fp8_tflops") in unknown
    assert "fp8_tflops" not in {fact.name for fact in known}
