"""The documentation names what is really there, and nothing else."""

import re

import pytest

from advisor import settings
from advisor.core.shelf.browse import ADDED_COLUMNS
from advisor.core.units_of_names import unit_of
from catalog import frame, records
from estimator.columns import ENDS, ESTIMATE_COLUMNS, MANAGED_COLUMNS
from tests.house.tree import ROOT, python_files

TABLES = (
    records.Accelerator, records.Instance, records.CpuFamily, records.Region, records.AcceleratorRegion,
    records.Architecture, records.NetworkingOption, records.StorageOption, records.OrchestrationOption,
    records.StoragePrice, records.EgressPrice, records.Coupling, records.ModelVendor,
)  # fmt: skip
GLOSSARY_ROW = re.compile(r"^\| `(\w+)`( ★)? \|([^|]*)\| [^|]+ \|$", re.M)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _glossary() -> dict[str, str]:
    """Return the glossary's names, the three of a starred one each, with their units."""
    names: dict[str, str] = {}
    for name, star, unit in GLOSSARY_ROW.findall(_read("docs/glossary.md")):
        for full in [f"{name}_{end}" for end in ENDS] if star else [name]:
            assert full not in names, f"{full} stands twice in the glossary"
            names[full] = unit.strip()
    return names


def _columns() -> tuple[set[str], set[str]]:
    """Return the columns that the glossary has to explain, and all that it may."""
    must = {*frame.OFFER_COLUMNS, *frame.MODEL_OFFER_COLUMNS, *ESTIMATE_COLUMNS, *MANAGED_COLUMNS, *ADDED_COLUMNS}
    may = set(must)
    for record in TABLES:
        for name in record.model_fields:
            may.add(name)
            if frame.column_kind(record=record, name=name) != "text" and name != "memory_gib":
                must.add(name)
    return must, may


def test_the_glossary_explains_every_quantity_of_every_frame() -> None:
    must, may = _columns()
    names = set(_glossary())

    assert must - names == set(), "columns without a line in docs/glossary.md"
    assert names - may == set(), "lines of docs/glossary.md that no frame has"


def test_a_name_ends_in_the_unit_that_the_glossary_gives() -> None:
    wrong = [
        (name, unit, found)
        for name, unit in _glossary().items()
        if (found := unit_of(re.sub(r"_(low|typical|high)$", "", name))) and unit != found
    ]

    assert wrong == []


def test_the_glossary_gives_the_units_of_the_estimator() -> None:
    names = _glossary()

    for name, column in (ESTIMATE_COLUMNS | MANAGED_COLUMNS).items():
        assert names[name].replace("₂", "2") == column.unit.replace("kg CO2e", "kgCO2e"), name


def test_every_setting_that_is_read_is_documented_and_the_other_way_round() -> None:
    source = _read("advisor/settings.py")
    read = set(
        re.findall(
            r'(?:_text|_choice|_flag|_items|_secret|_count|_networks|_address|environ\.get)\(\s*"([A-Z_]+)"', source
        )
    )
    documented = set(re.findall(r"^\| `([A-Z_]+)`", _read("docs/settings.md"), re.M))

    assert len(read) > 5
    assert read == documented


def test_only_the_settings_module_reads_the_environment() -> None:
    allowed = {
        "advisor/settings.py",
        "advisor/celery.py",
        "advisor/wsgi.py",
        "advisor/management/commands/runstack.py",
        "advisor/management/speed_http.py",  # the server it starts stands on the database of the bench
        "catalog/sources/aws_session.py",  # whether there are AWS credentials, by AWS's own variables
    }
    readers = {
        str(path.relative_to(ROOT))
        for path in python_files("advisor", "catalog", "estimator")
        if re.search(r"os\.(environ|getenv)", path.read_text(encoding="utf-8"))
    }

    assert readers - allowed == set()


def test_the_readme_names_the_two_commands_and_every_command_of_manage_py() -> None:
    readme = _read("README.md")
    commands = {
        path.stem
        for path in python_files("advisor", "catalog")
        if path.parent.name == "commands" and path.stem != "__init__"
    }

    assert "make run" in readme
    assert "make test" in readme
    assert {name for name in commands if f"manage.py {name}" not in readme} == set()


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        (document.name, target)
        for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]

    assert broken == []


@pytest.mark.parametrize("record", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda path: path.stem)
def test_a_decision_record_has_its_parts(record) -> None:
    text = record.read_text(encoding="utf-8")

    assert re.match(r"\d{4}-[a-z0-9-]+$", record.stem)
    for part in ("Status: ", "Date: ", "## Context", "## Options", "## Decision", "## Consequences"):
        assert part in text, f"{record.name} lacks {part!r}"


def test_the_schedule_calls_tasks_that_exist() -> None:
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    sources = "".join(
        path.read_text(encoding="utf-8") for path in python_files("advisor", "catalog") if path.stem.endswith("tasks")
    )

    assert {name for name in names if f'name="{name}"' not in sources} == set()
