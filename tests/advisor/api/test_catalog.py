"""The catalog by the API: the same rows as its pages, in pages that hold together, and not sent twice."""

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from pyarrow import parquet
from pytest_django import DjangoAssertNumQueries

from advisor.core.shelf.browse import shelf
from advisor.core.shelf.tables import TABLES
from advisor.models import User
from catalog import ingest, queries
from tests.advisor.api.conftest import Program, fault
from tests.catalog.conftest import Spoil, data, spoil  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _catalog(published: int) -> None:
    """The shipped catalog is what is read."""


def text(answer: Any) -> str:
    return answer.getvalue().decode()


def test_the_overview_names_every_table_with_its_filters(ours: Program) -> None:
    told = ours.get("/catalog").json()

    assert [table["name"] for table in told["tables"]] == list(TABLES)
    offers = next(table for table in told["tables"] if table["name"] == "offers")
    assert offers["rows_count"] == len(shelf(queries.current(), "offers"))
    assert {"name": "provider", "label": "Provider", "values": ["aws", "azure", "gcp"]} in offers["filters"]


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_a_table_is_read_once_page_by_page(table: str, ours: Program) -> None:
    ids, address = [], f"/catalog/tables/{table}?limit=500"
    while address:
        page = ours.get(address).json()
        ids += [row["id"] for row in page["rows"]]
        address = f"/catalog/tables/{table}?limit=500&cursor={page['next']}" if page["next"] else ""

    assert len(ids) == page["count"]
    assert sorted(ids) == sorted(shelf(queries.current(), table)["id"])


def test_rows_are_narrowed_searched_and_ordered(ours: Program) -> None:
    page = ours.get("/catalog/tables/offers?provider=aws&basis=on_demand&q=h100&sort=price_usd_per_hour").json()

    prices = [row["price_usd_per_hour"] for row in page["rows"] if row["price_usd_per_hour"] is not None]
    assert {(row["provider"], row["basis"]) for row in page["rows"]} == {("aws", "on_demand")}
    assert all("h100" in row["accelerator"] for row in page["rows"])
    assert len(prices) > 3


def test_unknown_is_null_and_never_zero(ours: Program) -> None:
    page = ours.get("/catalog/tables/offers?priced=unknown&limit=500").json()

    assert page["rows"]
    assert {row["price_usd_per_hour"] for row in page["rows"]} == {None}


@pytest.mark.parametrize(
    ("query", "path"),
    [("colour=red", "colour"), ("sort=nothing", "sort"), ("limit=0", "limit"), ("limit=501", "limit"),
     ("limit=x", "limit"), ("cursor=x", "cursor"), ("as_of=tomorrow", "as_of"), ("as_of=2999-01-01", "as_of"),
     ("release=0", "release"), (f"q={'x' * 201}", "q")],
)  # fmt: skip
def test_what_is_not_understood_is_refused_by_name(query: str, path: str, ours: Program) -> None:
    answer = ours.get(f"/catalog/tables/offers?{query}")

    assert (answer.status_code, [item["path"] for item in fault(answer)["items"]]) == (400, [path])


def test_a_cursor_belongs_to_one_question(ours: Program) -> None:
    cursor = ours.get("/catalog/tables/offers?limit=1&provider=aws").json()["next"]

    assert ours.get(f"/catalog/tables/offers?limit=1&provider=aws&cursor={cursor}").status_code == 200
    assert ours.get(f"/catalog/tables/offers?limit=1&provider=gcp&cursor={cursor}").status_code == 400
    assert ours.get(f"/catalog/tables/instances?limit=1&provider=aws&cursor={cursor}").status_code == 400


def test_a_table_comes_as_csv_by_accept_or_by_its_ending(ours: Program) -> None:
    by_accept = text(ours.get("/catalog/tables/accelerators?vendor=NVIDIA", accept="text/csv"))
    by_ending = text(ours.get("/catalog/tables/accelerators.csv?vendor=NVIDIA"))

    comment, rows = by_ending.split("\r\n", 1)
    assert by_accept == by_ending
    assert comment.startswith("# AI Stack Advisor, catalog release 1")
    listed = ours.get("/catalog/tables/accelerators?vendor=NVIDIA").json()["rows"]
    assert [row["id"] for row in csv.DictReader(io.StringIO(rows))] == [row["id"] for row in listed]


@pytest.mark.parametrize(
    "question", ["offers?provider=aws&sort=price_usd_per_hour", "instances?q=h100", "rules?", "regions?"]
)
def test_a_table_as_parquet_holds_the_rows_of_json_and_csv(question: str, ours: Program) -> None:
    table, asked = question.split("?")
    answer = ours.get(f"/catalog/tables/{table}.parquet?{asked}")
    listed = every_row(ours, question)

    found = parquet.read_table(io.BytesIO(answer.content))
    rows = [
        {name: cell.isoformat() if isinstance(cell, dt.date) else cell for name, cell in row.items()}
        for row in found.to_pylist()
    ]
    _, written = text(ours.get(f"/catalog/tables/{table}.csv?{asked}")).split("\r\n", 1)
    in_csv = list(csv.DictReader(io.StringIO(written)))
    assert answer.content == ours.get(f"/catalog/tables/{question}", accept="application/vnd.apache.parquet").content
    assert [row.pop("catalog_release") for row in rows] == [1] * len(listed)
    assert rows == listed
    assert [row["id"] for row in rows] == [row["id"] for row in in_csv]
    assert set(in_csv[0]) == set(found.column_names)


def every_row(ours: Program, question: str) -> list[dict[str, Any]]:
    """Return the rows of a list as JSON, page by page."""
    page = ours.get(f"/catalog/tables/{question}&limit=500").json()
    rows = page["rows"]
    while page["next"]:
        page = ours.get(f"/catalog/tables/{question}&limit=500&cursor={page['next']}").json()
        rows += page["rows"]
    return list(rows)


def test_parquet_says_types_units_and_what_it_was_made_from(ours: Program) -> None:
    schema = parquet.read_schema(
        io.BytesIO(ours.get("/catalog/tables/offers.parquet?provider=aws&region=us-east-1").content)
    )

    price, days, stated = (schema.field(name) for name in ("price_usd_per_hour", "increment_days", "as_of"))
    assert (str(price.type), str(days.type), str(stated.type)) == ("double", "double", "date32[day]")
    assert str(schema.field("prepaid").type) == "bool"
    assert price.metadata == {b"unit": b"USD/hour", b"title": b"Price"}
    assert days.metadata[b"unit"] == b"days"
    assert schema.metadata[b"catalog_release"] == b"1"
    assert json.loads(schema.metadata[b"narrowed_by"]) == {"provider": "aws", "region": "us-east-1"}


def test_what_is_known_already_is_not_sent_again(ours: Program) -> None:
    for address in ("/catalog", "/catalog/freshness", "/catalog/tables/offers?provider=aws", "/catalog/tables/rules"):
        first = ours.get(address)
        again = ours.get(address, if_none_match=f'"other", W/{first.headers["ETag"]}')
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), address
    assert ours.get("/catalog/tables/rules").headers["ETag"] != ours.get("/catalog").headers["ETag"]


def test_a_row_comes_with_its_prices_and_their_sources(ours: Program) -> None:
    id = "aws/us-east-1/p5.48xlarge/on_demand"

    told = ours.get(f"/catalog/tables/offers/row?id={quote(id)}").json()

    assert told["row"]["id"] == id
    (meter,) = told["prices"]
    assert meter["steps"][-1]["amount"] == told["row"]["price_usd_per_hour"]
    assert meter["steps"][-1]["source_id"]
    assert ours.get("/catalog/tables/offers/row?id=nothing").status_code == 404
    assert ours.get("/catalog/tables/nothing").status_code == 404


def test_releases_and_freshness_are_told(ours: Program) -> None:
    (release,) = ours.get("/catalog/releases").json()["rows"]
    fresh = ours.get("/catalog/freshness").json()

    assert (release["number"], release["actor"]) == (1, "tests")
    assert fresh["whole"]["rows_count"] == sum(line["rows_count"] for line in fresh["by_table"])


def test_an_earlier_release_and_day_can_be_asked_for(ours: Program, data: Path, spoil: Spoil) -> None:  # noqa: F811
    spoil("regions.csv", "aws/us-east-1", name="Renamed")
    ingest.publish_files(actor="tests", moment=timezone.now(), directory=data)
    day = (timezone.now().date() - dt.timedelta(days=30)).isoformat()
    row = "/catalog/tables/regions/row?id=aws/us-east-1"

    now, old = ours.get(row).json(), ours.get(f"{row}&release=1&as_of={day}").json()

    assert (now["release"], now["row"]["name"]) == (2, "Renamed")
    assert (old["release"], old["as_of"]) == (1, day)
    assert old["row"]["name"] != "Renamed"
    assert ours.get("/catalog/tables/regions?release=99").status_code == 404


def test_a_page_of_rows_takes_few_queries(ours: Program, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ours.get("/catalog/tables/offers")

    with django_assert_num_queries(5):  # refused tries, the token, its user's role, the count, the newest release
        ours.get("/catalog/tables/offers?provider=aws&limit=500")


def test_somebody_signed_in_on_the_pages_needs_a_token_here(client: Any, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/api/v1/catalog").status_code == 401
