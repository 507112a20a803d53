"""`manage.py bench`: what it prints and writes, and that its figures count what they say. Never how fast it was."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from advisor.management import speed_http, speed_sources, stopwatch
from advisor.management.commands.bench import GROUPS
from advisor.management.speed_estimator import World, gpt3_search, mixed_spaces
from advisor.management.stopwatch import Case
from catalog import files, frame
from estimator import coefficients
from tests.advisor.factories import MOMENT

ROOT = Path(__file__).parents[2]
FIELDS = {
    "id", "title", "unit", "n", "runs", "min", "median", "p99", "max", "median_by_processor_time",
    "target", "met", "met_by_processor_time", "note",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    catalog = frame.build(facts=files.load(), moment=MOMENT.date(), release=1)
    return World(catalog=catalog, coefficients=coefficients.load())


def a_case(**parts: Any) -> Case:
    return Case(**({"id": "a.b", "title": "a thing", "unit": "ms", "action": lambda: 7} | parts))


def test_a_figure_keeps_the_order_of_its_runs_and_what_they_dealt_with() -> None:
    figure = stopwatch.figure(a_case(runs=5))

    assert set(figure) == FIELDS
    assert (figure["n"], figure["runs"]) == (7, 5)
    assert 0 <= figure["min"] <= figure["median"] <= figure["max"]
    assert (figure["target"], figure["met"]) == (None, None)


def test_a_figure_counts_the_timed_runs_only() -> None:
    calls: list[int] = []

    stopwatch.figure(a_case(action=lambda: calls.append(1) or 1, warm=2), runs=3)

    assert len(calls) == 2 + 3


@pytest.mark.parametrize(
    ("unit", "target", "met"), [("ms", 1e9, True), ("ms", 0.0, False), ("rows/s", 1e-9, True), ("rows/s", 1e99, False)]
)
def test_a_target_is_the_longest_time_or_the_least_rate(unit: str, target: float, met: bool) -> None:
    figure = stopwatch.figure(a_case(unit=unit, target=target))

    assert figure["met"] is met


def test_a_rate_is_the_items_of_a_run_over_its_time() -> None:
    once = stopwatch.figure(a_case(unit="rows/s", action=lambda: sum(1 for _ in range(1000))))

    assert once["n"] == 1000
    assert once["median"] > 1000  # a thousand steps of a loop take well under a second


def test_the_gpt3_space_is_at_least_as_large_as_the_one_it_is_compared_with(world: World) -> None:
    count, layout = gpt3_search(world)

    assert count >= 467_808
    assert layout.startswith("TP")


def test_the_mixed_space_holds_every_kind_of_model_and_more_than_a_million_layouts(world: World) -> None:
    spaces = mixed_spaces(world)

    assert sum(len(space) for space in spaces) > 1_000_000
    assert {float(space.shape.experts) > 1 for space in spaces} == {True, False}
    assert len({space.links.key() for space in spaces}) > 20


def test_the_command_prints_a_table_and_writes_the_same_figures(tmp_path: Path, capsys: Any) -> None:
    output = tmp_path / "bench.json"

    call_command("bench", "--only", "catalog", "gpt3", "--runs", "1", "--output", str(output))

    written = json.loads(output.read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert [figure["id"] for figure in written["figures"]] == ["gpt3.search", "catalog.load", "catalog.build"]
    for figure in written["figures"]:
        assert set(figure) == FIELDS
        assert figure["id"] in printed
    assert set(written["machine"]) == {
        "processor", "cores", "system", "python", "numpy", "pandas", "openblas_threads",
    }  # fmt: skip
    assert len(written["load_before"]) == len(written["load_after"]) == 3
    assert "load average" in printed


WRK_SAID = """Running 5s test @ http://127.0.0.1:8000/api/v1/runs/1
  1 threads and 2 connections
  Latency Distribution
     50%  812.00us
     75%    1.10ms
     99%    1.02s
  644 requests in 5.07s, 1.06MB read
Requests/sec:    127.02
"""


def test_the_servers_answers_are_counted_only_where_all_succeeded() -> None:
    count, latency_ms = speed_http.told_by_wrk(WRK_SAID)

    assert (count, latency_ms) == (644, {"50": 0.812, "99": 1020.0})
    with pytest.raises(speed_http.NotMeasured, match="Non-2xx"):
        speed_http.told_by_wrk(f"{WRK_SAID}  Non-2xx or 3xx responses: 91\n")
    with pytest.raises(speed_http.NotMeasured, match="unable to connect"):
        speed_http.told_by_wrk("unable to connect to 127.0.0.1:8000 Connection refused")


def test_the_command_refuses_a_group_it_does_not_know() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("bench", "--only", "coffee")


@pytest.mark.slow
def test_the_site_is_measured_on_a_database_of_its_own(tmp_path: Path) -> None:
    output = tmp_path / "bench.json"
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}

    done = subprocess.run(
        [
            sys.executable,
            "manage.py",
            "bench",
            "--only",
            "release",
            "web",
            "api",
            "--runs",
            "1",
            "--output",
            str(output),
        ],
        cwd=ROOT,
        env=environment | {"ADVISOR_DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    ids = [figure["id"] for figure in json.loads(output.read_text(encoding="utf-8"))["figures"]]
    assert ids == [
        "catalog.current_cold", "catalog.current_cached", "web.start", "web.questions", "web.report",
        "web.catalog", "web.catalog_offers", "web.catalog_row", "web.catalog_search",
        "api.run", "api.decisions", "api.report", "api.offers", "api.row", "api.csv", "api.known", "api.estimates",
    ]  # fmt: skip
    assert not list((tmp_path / "data").glob("*.sqlite3"))


def test_the_memory_of_a_command_is_its_own_and_not_that_of_who_starts_it(tmp_path: Path) -> None:
    ours = bytearray(150_000_000)  # written to, so that it is resident while the others run
    code = "import sys; held = b'x' * int(sys.argv[1]); print('held')"

    small = stopwatch.from_outside([sys.executable, "-c", code, "1"], env={}, cwd=tmp_path)
    large = stopwatch.from_outside([sys.executable, "-c", code, "100000000"], env={}, cwd=tmp_path)

    assert small[0] == large[0] == "held"
    assert small[1] < 100 < large[1] < small[1] + 110
    assert len(ours) == 150_000_000


@pytest.mark.slow
def test_a_whole_refresh_of_an_offer_file_stays_within_its_memory(tmp_path: Path) -> None:
    site = speed_sources.OfferSite(tmp_path / "site", size_bytes=80_000_000)  # held whole, it would not

    refreshed = site.refreshed(data=tmp_path / "data")

    machines = {row.sku for row in files.load().instances if row.provider == "aws"}
    assert refreshed.counts.startswith(f"{3 * len(machines)} read")  # an hour, one year, three years
    assert refreshed.peak_mb < speed_sources.MEMORY_TARGET_MB


def test_every_group_is_explained(capsys: Any) -> None:
    text = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")

    assert [group for group in GROUPS if f"`{group}`" not in text] == []
