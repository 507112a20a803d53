"""The catalog's pages: who gets them, what they show, what they refuse, how many queries they take."""

import csv
import datetime as dt
import io
import shutil
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pandas as pd
import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from advisor.core import csv_export
from advisor.core.shelf.browse import shelf
from advisor.core.shelf.tables import TABLES
from catalog import files, ingest, queries
from catalog.models import CatalogRelease, Price
from tests.advisor.factories import MOMENT, a_member, a_user

pytestmark = pytest.mark.django_db

P5 = "aws/us-east-1/p5.48xlarge/on_demand"
P5_CELLS = f"{P5},aws,us-east-1,p5.48xlarge,on_demand"
PAGES = {  # each with its queries: session, user, the newest release, and what it reads beside the catalog
    "/catalog": 4,
    "/catalog/search?q=h100": 3,
    "/catalog/compare?of=accelerators&id=h100-sxm-80gb&id=trainium2": 3,
    "/catalog/freshness": 3,
    "/catalog/releases": 4,
    "/catalog/releases/1": 4,
    "/catalog/offers?provider=aws&sort=price_usd_per_hour": 3,
    "/catalog/offers.csv?provider=aws": 3,
    "/catalog/instances/aws/p5.48xlarge": 4,
    f"/catalog/offers/{P5}": 4,
    "/catalog/accelerators/h100-sxm-80gb": 3,
    "/catalog/regions/aws/eu-west-1": 5,  # what probes have seen is two of them
}


@pytest.fixture
def client(published: int) -> Client:
    client = Client()
    client.force_login(a_member(role="viewer"))
    return client


def publish_changed(directory: Path, *edits: tuple[str, str, str]) -> int:
    """Publish the shipped files with some texts exchanged: file, old, new."""
    data = Path(shutil.copytree(files.DIRECTORY, directory / "data"))
    for file, old, new in edits:
        text = (data / file).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (data / file).write_text(text.replace(old, new), encoding="utf-8")
    return ingest.publish_files(actor="tests", moment=MOMENT, directory=data)


def content(answer: HttpResponseBase) -> str:
    return (answer.getvalue() if answer.streaming else answer.content).decode()  # type: ignore[attr-defined]


# --- who gets them ---------------------------------------------------------------------------------------------------


def test_nobody_gets_in_without_signing_in(published: int) -> None:
    for address in PAGES:
        answer = Client().get(address)
        assert (answer.status_code, urlsplit(answer.url).path) == (302, "/sign-in"), address


def test_whoever_is_signed_in_reads_every_page_and_writes_none(client: Client) -> None:
    for address in PAGES:
        assert client.get(address).status_code == 200, address
        assert client.post(address).status_code == 405, address


def test_somebody_without_a_workspace_reads_it_too(published: int) -> None:
    client = Client()
    client.force_login(a_user())

    assert client.get("/catalog").status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_a_page_takes_few_queries_however_long_its_list(
    address: str, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get(address)  # the release is in memory from now on

    with django_assert_num_queries(PAGES[address]):
        content(client.get(address))


def test_before_anything_is_published_the_pages_say_how_to_load_it(client: Client) -> None:
    CatalogRelease.objects.update(published_at=None)

    answer = client.get("/catalog/offers")

    assert answer.status_code == 503
    assert b"manage.py load_data" in answer.content


# --- the browser's copy ----------------------------------------------------------------------------------------------


def test_a_browser_keeps_a_page_until_the_release_moves(client: Client, tmp_path: Path) -> None:
    client.get("/catalog/offers")  # the first visit brings the cookie that guards forms; from then on pages are kept
    first = client.get("/catalog/offers")
    again = client.get("/catalog/offers", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.content) == (304, b"")
    for answer in (first, again):
        assert "Cookie" in answer.headers["Vary"]
        assert {"private", "no-cache"} <= set(answer.headers["Cache-Control"].split(", "))

    publish_changed(tmp_path, ("offers.csv", f"{P5_CELLS},55.04,", f"{P5_CELLS},50,"))
    assert client.get("/catalog/offers", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_page_that_went_compressed_is_kept_too(client: Client) -> None:
    compressing = {"Accept-Encoding": "gzip"}
    client.get("/catalog/offers")
    first = client.get("/catalog/offers", headers=compressing)
    again = client.get("/catalog/offers", headers={**compressing, "If-None-Match": first.headers["ETag"]})

    assert (first.headers["Content-Encoding"], first.headers["ETag"][:3]) == ("gzip", 'W/"')
    assert {"Cookie", "Accept-Encoding"} <= set(first.headers["Vary"].split(", "))
    assert (again.status_code, again.content) == (304, b"")


def test_another_person_does_not_get_the_first_ones_page(client: Client) -> None:
    mark = client.get("/catalog").headers["ETag"]
    other = Client()
    other.force_login(a_member())

    assert other.get("/catalog", headers={"If-None-Match": mark}).status_code == 200


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_list_a_row_and_an_export(name: str, client: Client) -> None:
    rows = shelf(queries.current(timezone.now().date()), name)

    assert client.get(f"/catalog/{name}").status_code == 200
    for row_id in (rows.index[0], rows.index[-1]):
        page = content(client.get(f"/catalog/{name}/{row_id}"))
        assert "Where this comes from" in page
    lines = content(client.get(f"/catalog/{name}.csv")).splitlines()
    assert lines[0].startswith("# AI Stack Advisor, catalog release")


def test_a_list_shows_the_price_of_each_offer_or_the_reason_why_it_has_none(client: Client) -> None:
    priced = content(client.get("/catalog/offers?provider=aws&accelerator=h100-sxm-80gb&basis=on_demand&q=us-east-1"))
    unpriced = content(client.get("/catalog/offers?accelerator=trainium3"))
    doubtful = content(client.get("/catalog/offers?priced=doubtful"))
    undated = content(client.get("/catalog/offers?age=undated"))

    assert "$55.04" in priced and "$6.88" in priced and "$0.086" in priced
    assert "not self-serve: no public price" in unpriced and "$0" not in unpriced
    assert "doubtful:" in doubtful and "an outlier, confirm it" in doubtful
    assert undated.count('<span class="tag tag-caution">undated</span>') == 50
    assert "price, as of 20" not in undated


def test_a_narrowed_list_can_be_kept_as_a_bookmark(client: Client) -> None:
    page = content(client.get("/catalog/offers?provider=gcp&basis=spot&sort=-price_usd_per_hour&page=2"))

    assert '<option value="gcp" selected>Google Cloud</option>' in page
    assert '<option value="spot" selected>spot</option>' in page
    assert "51–100 of" in page
    assert 'aria-sort="descending"' in page
    assert "?provider=gcp&amp;basis=spot&amp;sort=-price_usd_per_hour&amp;page=3" in page


def test_a_filter_with_too_many_values_to_offer_holds_where_an_address_sets_it(client: Client) -> None:
    without = content(client.get("/catalog/offers"))
    narrowed = content(client.get("/catalog/offers?sku=p5.48xlarge&basis=on_demand"))

    assert 'name="sku"' not in without
    assert '<option value="p5.48xlarge" selected>p5.48xlarge</option>' in narrowed
    assert narrowed.count("/catalog/offers/aws/") == narrowed.count("/p5.48xlarge/on_demand") > 3


@pytest.mark.parametrize(
    "query", ["page=0", "page=999999", "page=x", "page=²", "sort=nothing", "provider=%00", "q=%25%5C(", "color=red"]
)
def test_an_odd_address_still_gives_a_list(query: str, client: Client) -> None:
    assert client.get(f"/catalog/instances?{query}").status_code == 200


def test_a_list_that_nothing_meets_says_so_and_leads_back(client: Client) -> None:
    page = content(client.get("/catalog/offers?provider=aws&accelerator=tpu-v6e"))

    assert "No offer meets all of this" in page
    assert 'href="/catalog/offers"' in page


@pytest.mark.parametrize(
    "address",
    [
        "/catalog/nothing",
        "/catalog/nothing.csv",
        "/catalog/accelerators/h9000",
        "/catalog/nothing/x",
        "/catalog/releases/9",
    ],
)
def test_what_is_not_there_is_not_found(address: str, client: Client) -> None:
    assert client.get(address).status_code == 404


def test_what_was_typed_is_shown_as_text(client: Client) -> None:
    for address in ("/catalog/search?q=<script>x", "/catalog/offers?q=<script>x", "/catalog/compare?of=<script>x"):
        assert "<script>x" not in content(client.get(address))


# --- export ----------------------------------------------------------------------------------------------------------


def exported(client: Client, address: str) -> list[dict[str, str]]:
    first, _, rest = content(client.get(address)).partition("\r\n")
    assert first.startswith("# AI Stack Advisor, catalog release ")
    return list(csv.DictReader(io.StringIO(rest, newline="")))


def test_an_export_holds_the_rows_of_its_list_with_all_columns_and_their_provenance(client: Client) -> None:
    answer = client.get("/catalog/offers.csv?provider=aws&accelerator=h100-sxm-80gb")
    rows = exported(client, "/catalog/offers.csv?provider=aws&accelerator=h100-sxm-80gb")
    table = shelf(queries.current(timezone.now().date()), "offers")
    wanted = table[(table["provider"] == "aws") & (table["accelerator"] == "h100-sxm-80gb")]

    assert answer.streaming
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="catalog-offers-release-1.csv"' in answer.headers["Content-Disposition"]
    assert {row["id"] for row in rows} == set(wanted.index)
    assert list(rows[0]) == [*table.columns, "catalog_release"]
    one = next(row for row in rows if row["id"] == P5)
    assert (one["price_usd_per_hour"], one["as_of"], one["as_of_basis"], one["kind"]) == (
        "55.04", "2026-07-20", "stated", "list price",
    )  # fmt: skip
    assert one["source_url"].startswith("https://") and one["locator"] and one["catalog_release"] == "1"


def test_an_unknown_figure_is_exported_blank_with_its_reason(client: Client) -> None:
    for row in exported(client, "/catalog/offers.csv?priced=unknown"):
        assert row["price_usd_per_hour"] == row["price_usd_per_accelerator_hour"] == ""
        assert row["price_reason"]


@pytest.mark.parametrize("name", TABLES)
def test_no_cell_of_any_export_would_run_in_a_spreadsheet(name: str, client: Client) -> None:
    for row in exported(client, f"/catalog/{name}.csv"):
        for value in row.values():
            assert not value.startswith(("=", "+", "-", "@", "\t", "\r")) or float(value) < 0, value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"), ("+49", "'+49"), ("-5", "'-5"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("\rx", "'\rx"), ("\n=1", "'\n=1"), ("  =1", "'  =1"), ("＝1", "'＝1"), ("a=1", "a=1"),
        (-5.0, "-5"), (0.0184375, "0.0184375"), (671025397760.0, "671025397760"), (True, "yes"), (False, "no"),
        (None, ""), (float("nan"), ""), ("", ""), ("1e5", "1e5"),
    ],
)  # fmt: skip
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe_and_a_number_does_not(
    value: object, written: str
) -> None:
    assert csv_export.cell(value) == written


def test_an_export_comes_in_pieces_and_loses_no_row() -> None:
    rows = pd.DataFrame({"id": [f"row,{number}\n" for number in range(1001)]})

    pieces = list(csv_export.lines(rows=rows, first_line="two\r\nlines"))
    read = list(csv.reader(io.StringIO("".join(pieces), newline="")))

    assert len(pieces) == 2 + 6
    assert pieces[0] == "# two lines\r\n"
    assert [row[0] for row in read[2:]] == list(rows["id"])


# --- a row, a comparison, a search -----------------------------------------------------------------------------------


def test_a_fact_shows_source_locator_date_basis_kind_and_age(client: Client) -> None:
    page = content(client.get(f"/catalog/offers/{P5}"))

    for shown in ("$55.04 per hour", "zz_generated.pricing_aws.go", "2026-07-20, stated", "list price", "months old"):
        assert shown in page
    assert 'href="https://github.com/aws/karpenter-provider-aws"' in page
    assert "Price by release" in page


def test_the_course_of_a_price_ends_with_the_newest_release_whatever_day_that_states(client: Client) -> None:
    release = ingest.begin(actor="tests", moment=timezone.now())
    today = timezone.now().date()
    Price.objects.create(
        release=release, subject="offer", key=P5, meter="price_usd_per_hour", amount=Decimal("0.25"),
        source_id="aws-ec2-price-list", locator="x", effective_from=dt.date(2024, 3, 1), observed_at=today,
        as_of_basis="fetched", kind="list price", dataset="x/us-east-1",
    )  # fmt: skip
    ingest.publish_appended(release=release, moment=timezone.now())

    page = content(client.get(f"/catalog/offers/{P5}"))

    assert f"55.04 USD/hour on 2026-07-20, 0.25 from {today} on (−99.5%); between 0.25 and 55.04." in page


def test_a_price_that_begins_later_says_from_when_it_holds_and_todays_stays(client: Client) -> None:
    begins = timezone.now().date() + dt.timedelta(days=30)
    release = ingest.begin(actor="tests", moment=timezone.now())
    Price.objects.create(
        release=release, subject="offer", key=P5, meter="price_usd_per_hour", amount=Decimal("44.25"),
        source_id="aws-ec2-price-list", locator="x", effective_from=begins, observed_at=timezone.now().date(),
        as_of_basis="fetched", kind="list price", dataset="x/us-east-1",
    )  # fmt: skip
    ingest.publish_appended(release=release, moment=timezone.now())

    page = content(client.get(f"/catalog/offers/{P5}"))

    assert f"holds from {begins} on" in page
    assert "$55.04 per hour" in page and "$44.25 per hour" not in page


def test_a_comparison_says_what_differs_and_what_is_best(client: Client) -> None:
    page = content(client.get("/catalog/compare?of=accelerators&id=h100-sxm-80gb&id=a100-40gb&id=trainium2"))

    assert "differs" in page and "same" in page and "no best, one is unknown" in page
    assert page.count(">best<") >= 2
    assert "/catalog/offers/aws/us-east-1/p5.48xlarge/on_demand" in page


def test_a_choice_that_cannot_be_compared_says_why_and_leads_to_the_lists(client: Client) -> None:
    empty, one = client.get("/catalog/compare"), client.get("/catalog/compare?of=accelerators&id=h100-sxm-80gb")

    assert (empty.status_code, one.status_code) == (200, 400)
    assert "you chose one" in content(one)
    assert 'href="/catalog/model-offers"' in content(one)


def test_a_search_groups_what_it_finds_and_an_empty_one_helps(client: Client) -> None:
    found, nothing = (content(client.get(f"/catalog/search?q={text}")) for text in ("H100+SXM", "zzqqzz"))

    assert 'href="/catalog/accelerators/h100-sxm-80gb"' in found
    assert "offers that hold it" in found
    assert "Nothing in this catalog holds" in nothing and "fewer letters" in nothing


# --- releases and freshness ------------------------------------------------------------------------------------------


def test_with_a_single_release_the_pages_say_that_there_is_nothing_to_compare_with(client: Client) -> None:
    assert "one release so far" in content(client.get("/catalog/releases"))
    assert "first release of this installation" in content(client.get("/catalog/releases/1"))
    assert "No price of this instance has moved" in content(client.get("/catalog/instances/aws/p5.48xlarge"))


def test_a_second_release_tells_what_it_changed(client: Client, tmp_path: Path) -> None:
    number = publish_changed(
        tmp_path,
        ("offers.csv", f"{P5_CELLS},55.04,", f"{P5_CELLS},41.28,"),
        ("rules.yaml", "title: Neuron silicon needs the Neuron SDK", "title: Neuron silicon needs its SDK"),
    )

    listed, page = (content(client.get(address)) for address in ("/catalog/releases", f"/catalog/releases/{number}"))
    instance = content(client.get("/catalog/instances/aws/p5.48xlarge"))

    assert f"/catalog/releases/{number}" in listed and "one release so far" not in listed
    for shown in (
        "$55.04 per hour",
        "$41.28 per hour",
        "−25.0%",
        "rules.yaml",
        "needs the Neuron SDK",
        "needs its SDK",
    ):
        assert shown in page
    assert "$41.28" in instance and f"/catalog/offers/{P5}" in instance
    assert "first release of this installation" in content(client.get("/catalog/releases/1"))


def test_freshness_says_what_its_dates_mean_and_where_its_limits_come_from(client: Client) -> None:
    page = content(client.get("/catalog/freshness"))

    for shown in ("Source commit", "never newer", "45 days", "180 days", "By source", "By region", "litellm"):
        assert shown in page
