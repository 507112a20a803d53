"""`manage.py advise` as people run it: a process of its own, its exit code, what it prints and where."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from advisor.core.record.markdown import markdown
from tests.advisor.printed import reader

ROOT = Path(__file__).parents[2]
MOMENT = ("--moment", "2026-11-23")
GOOD = (ROOT / "examples" / "small_team.yaml").read_text()
ALIAS_BOMB = "\n".join(
    ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
)

Advise = Callable[..., subprocess.CompletedProcess[bytes]]


def run(*arguments: str, data_dir: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    own = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ADVISOR_DATA_DIR")}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "advise", *arguments],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        env={**own, "ADVISOR_DATA_DIR": str(data_dir), **environment},
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("advise")


@pytest.fixture(scope="module")
def first(data_dir: Path) -> subprocess.CompletedProcess[bytes]:
    """The first call on a machine that never ran anything: it loads the shipped catalog itself."""
    return run(str(ROOT / "examples" / "small_team.yaml"), "--format", "json", *MOMENT, data_dir=data_dir)


@pytest.fixture
def advise(first: subprocess.CompletedProcess[bytes], data_dir: Path) -> Advise:
    return lambda *arguments, stdin=b"": run(*arguments, *MOMENT, data_dir=data_dir, stdin=stdin)


def changed(**parts: Any) -> str:
    return yaml.safe_dump({**yaml.safe_load(GOOD), **parts})


def workload(**parts: Any) -> str:
    raw = yaml.safe_load(GOOD)
    raw["workloads"][0].update(parts)
    return yaml.safe_dump(raw)


def test_a_fresh_machine_loads_the_catalog_and_answers(first: subprocess.CompletedProcess[bytes]) -> None:
    assert first.returncode == 0, first.stderr.decode()
    assert b"loading the shipped one" in first.stderr
    report = json.loads(first.stdout)
    assert report["moment"] == "2026-11-23"
    assert report["decision"]["feasible"] is True


def test_the_same_document_gives_the_same_bytes(first: subprocess.CompletedProcess[bytes], advise: Advise) -> None:
    again = advise(str(ROOT / "examples" / "small_team.yaml"), "--format", "json")

    assert again.returncode == 0
    assert again.stderr == b""
    assert again.stdout == first.stdout


def test_the_record_comes_as_a_pdf_of_the_same_report(
    first: subprocess.CompletedProcess[bytes], advise: Advise, tmp_path: Path
) -> None:
    target = tmp_path / "record.pdf"

    found = advise(str(ROOT / "examples" / "small_team.yaml"), "--format", "pdf", "-o", str(target))

    assert found.returncode == 0, found.stderr.decode()
    assert target.read_bytes().startswith(b"%PDF-1.7")
    assert hashlib.sha256(first.stdout).hexdigest() in reader(target.read_bytes()).pages[0].extract_text()


def test_the_report_goes_to_a_file_as_markdown(advise: Advise, tmp_path: Path) -> None:
    done = advise(str(ROOT / "examples" / "small_team.yaml"), "-o", str(tmp_path / "report.md"))

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    text = (tmp_path / "report.md").read_text()
    assert "# Assistant for a small team" in text
    assert "## Decision Outcome" in text


def test_the_record_is_word_for_word_that_of_the_kept_report(
    first: subprocess.CompletedProcess[bytes], advise: Advise
) -> None:
    found = advise(str(ROOT / "examples" / "small_team.yaml"), "--format", "md")

    assert found.stdout.decode().strip() == markdown(json.loads(first.stdout)).strip()


def test_a_document_comes_in_on_standard_input_too(first: subprocess.CompletedProcess[bytes], advise: Advise) -> None:
    as_json = json.dumps(yaml.safe_load(GOOD), default=str).encode()

    done = advise("-", "--format", "json", stdin=as_json)

    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == first.stdout


def test_nothing_feasible_is_a_report_and_exit_code_3(advise: Advise, tmp_path: Path) -> None:
    file = tmp_path / "poor.yaml"
    file.write_text(changed(constraints={**yaml.safe_load(GOOD)["constraints"], "budget_usd_per_month": 0.01}))

    done = advise(str(file), "--format", "json")

    assert done.returncode == 3, done.stderr.decode()
    report = json.loads(done.stdout)
    assert report["decision"]["feasible"] is False
    assert "budget" in json.dumps(report["constraints"]).lower()


# One of each sort; what else is refused, and how it is told, is tested without a process in tests/advisor/core.
BAD: list[tuple[str, str | bytes, str, str]] = [
    ("unknown model", workload(kind="online_inference", model="llama-3.1-71b"), "workloads[0].model", "llama-3.1-70b"),
    ("negative tokens", workload(traffic={"input_tokens": -5}), "workloads[0].traffic.input_tokens", "0 or more"),
    ("impossible region", changed(current={"provider": "aws", "region": "mars-1"}), "current.region", "mars-1"),
    ("unknown key", changed(horizn={"months": 3}), "horizn", "'horizon'"),
    ("10 MB", b"decision: " + b"x" * 10_000_000, "", "10,000,010 bytes"),
    ("alias bomb", ALIAS_BOMB, "a0", "anchor &a0 is not allowed"),
    ("binary", bytes(range(256)) * 16, "", "not UTF-8"),
]


@pytest.mark.parametrize(("content", "path", "words"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_exit_code_2_and_a_named_path(
    content: str | bytes, path: str, words: str, advise: Advise, tmp_path: Path
) -> None:
    file = tmp_path / "document.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)

    done = advise(str(file))

    told = done.stderr.decode()
    assert done.returncode == 2, told
    assert done.stdout == b""
    assert "Traceback" not in told
    assert str(file) in told
    assert f"{path or 'document'}: " in told
    assert words in told


@pytest.mark.parametrize("file", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read_is_exit_code_2(file: str, advise: Advise) -> None:
    done = advise(file)

    assert done.returncode == 2
    assert b"cannot be read" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_error_can_be_had_as_json(advise: Advise) -> None:
    done = advise("-", "--format", "json", stdin=workload(traffic={"input_tokens": -5}).encode())

    assert done.returncode == 2
    error = json.loads(done.stderr)["error"]
    assert set(error) == {"code", "message", "items"}
    assert error["items"][0] == {
        "path": "workloads[0].traffic.input_tokens",
        "value": -5,
        "message": "input_tokens must be 0 or more; you gave -5.",
        "accepted": [],
    }


def test_an_error_names_its_line(advise: Advise) -> None:
    done = advise("-", stdin=b"version: 1\nhorizon:\n  months: 0\n")

    assert "line 3: horizon.months: months must be 1 or more" in done.stderr.decode()


def test_the_output_that_cannot_be_written_is_said_without_a_traceback(advise: Advise, tmp_path: Path) -> None:
    done = advise("-", "-o", str(tmp_path / "no" / "such" / "report.md"), stdin=GOOD.encode())

    assert done.returncode == 1
    assert b"cannot be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.db
@pytest.mark.skipif("postgres" not in os.environ.get("DATABASE_URL", ""), reason="needs PostgreSQL: make test-postgres")
def test_an_empty_postgresql_is_told_how_to_be_filled(tmp_path: Path) -> None:
    done = run("-", *MOMENT, data_dir=tmp_path, stdin=GOOD.encode(), DATABASE_URL=os.environ["DATABASE_URL"])

    assert done.returncode == 1
    assert b"manage.py migrate && manage.py load_data" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_database_that_is_away_is_said_without_a_traceback(tmp_path: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/nothing"

    done = run("-", *MOMENT, data_dir=tmp_path, stdin=GOOD.encode(), DATABASE_URL=url)

    assert done.returncode == 1
    assert b"Check DATABASE_URL" in done.stderr
    assert b"Traceback" not in done.stderr
