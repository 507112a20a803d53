"""Rules about the repository's files that no linter knows."""

import ast
import re
import sys
import tomllib

import pytest

from tests.house.tree import ROOMS, ROOT, imported_names, module_name, parsed, python_files, tracked_files

IMPORT_NAMES = {
    "pyyaml": "yaml",
    "django-csp": "csp",
    "argon2-cffi": "argon2",
    "djangorestframework": "rest_framework",
}
COMES_WITH = {
    "botocore": "boto3",
    "drf_spectacular_sidecar": "drf_spectacular",
    "kombu": "celery",
    "pydantic_core": "pydantic",
    "urllib3": "boto3",
}
# Named in settings or on a command line instead of imported, or the driver of something that is.
USED_WITHOUT_IMPORT = {"argon2", "csp", "gunicorn", "psycopg", "whitenoise"}
FIXED_BY_THE_OWNER = {"rest_framework", "djangorestframework", "plotly"}  # declared before their first use
REGISTRIES = re.compile(
    r"pypi\.org(?!/project/)|pythonhosted\.org|registry\.npmjs|--(extra-)?index-url|--find-links|PIP_INDEX_URL|\.jfrog\.|artifactory",
    re.I,
)
MACHINE_PATHS = re.compile(r"\.\./shared|/work/|/farm\b|/root/|/home/\w+/|/Users/\w+/")
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}
RIM = (
    "advisor/web/",
    "advisor/services/runs.py",  # the run itself: an unexpected error becomes the run's state
    "advisor/services/endpoint_probes.py",  # the same for a probe
    "advisor/services/probing.py",  # the same of a part of a probe run
    "advisor/api/",
    "advisor/tasks.py",
    "advisor/price_tasks.py",
    "advisor/management/",
    "catalog/refresh.py",  # a part of a refresh, likewise
    "catalog/sources/aws_session.py",  # raised again in another thread
    "catalog/management/",
)


def _text_files():
    for path in tracked_files():
        if path == ROOT / "tests" / "house" / "test_repository.py" or "vendor" in path.parts:
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _requirement_name(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ;]", requirement, maxsplit=1)[0].lower()


def _declared() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [_requirement_name(requirement) for requirement in project["dependencies"]]


def test_no_file_names_a_package_registry() -> None:
    found = [str(path.relative_to(ROOT)) for path, text in _text_files() if REGISTRIES.search(text)]

    # pyproject's and the Makefile's lock command say that no index shall be written down.
    assert [name for name in found if name != "Makefile"] == []


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert [str(path.relative_to(ROOT)) for path, text in _text_files() if MACHINE_PATHS.search(text)] == []


def test_locks_hold_a_hash_for_every_package_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pinned = re.findall(r"^[a-z0-9].*==", text, re.M)
        blocks = re.split(r"\n(?=[a-z0-9])", text.strip())
        assert len(blocks) == len(pinned) > 10
        assert all("--hash=sha256:" in block for block in blocks)
        assert "://" not in text


def test_every_dependency_is_locked() -> None:
    locked = {
        _requirement_name(line) for line in (ROOT / "requirements.txt").read_text().splitlines() if line[:1].isalnum()
    }

    assert set(_declared()) <= locked


def test_dependencies_are_what_the_code_imports() -> None:
    used = set().union(*(imported_names(path) for path in python_files(*ROOMS)))
    third_party = {COMES_WITH.get(name, name) for name in used - set(sys.stdlib_module_names) - set(ROOMS)}
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in _declared()}

    assert third_party - declared == set(), "imported but not declared in pyproject.toml"
    assert declared - third_party - USED_WITHOUT_IMPORT - FIXED_BY_THE_OWNER == set(), (
        "declared in pyproject.toml but never imported"
    )


def test_every_dependency_says_what_it_is_for() -> None:
    lines = (
        (ROOT / "pyproject.toml").read_text(encoding="utf-8").split("dependencies = [")[1].split("\n]")[0].splitlines()
    )

    assert [line for line in lines if line.strip() and "#" not in line] == []


@pytest.mark.parametrize("path", [path for path in python_files() if path.name == "__init__.py"], ids=module_name)
def test_package_files_are_empty(path) -> None:
    assert path.read_text(encoding="utf-8").strip() == ""


def test_no_module_has_a_vague_name() -> None:
    assert [module_name(path) for path in python_files(*ROOMS) if path.stem in VAGUE] == []


@pytest.mark.parametrize("path", python_files(*ROOMS), ids=module_name)
def test_imports_stand_at_the_top(path) -> None:
    if path == ROOT / "advisor" / "apps.py":
        pytest.skip("AppConfig.ready is the one place where Django asks for a late import")

    late = [
        inner.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert late == []


@pytest.mark.parametrize("path", python_files(*ROOMS), ids=module_name)
def test_broad_exceptions_are_caught_at_the_rim_only(path) -> None:
    broad = [
        node.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]

    assert broad == [] or str(path.relative_to(ROOT)).startswith(RIM)
