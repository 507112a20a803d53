"""The pure core is pure: seen in a fresh interpreter, and in its source."""

import ast
import json
import subprocess
import sys

import pytest

from tests.house.tree import ROOT, module_name, parsed, pure_files

FRAMEWORKS = {
    "django", "rest_framework", "celery", "kombu", "redis", "psycopg", "boto3", "gunicorn", "requests", "typst",
}  # fmt: skip
LIST_MODULES = """
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""
CLOCK_AND_CHANCE = {
    "now",
    "utcnow",
    "today",
    "time",
    "time_ns",
    "monotonic",
    "perf_counter",
    "urandom",
    "uuid4",
    "uuid1",
}


def test_pure_modules_load_no_framework_in_a_fresh_interpreter() -> None:
    modules = [module_name(path) for path in pure_files()]

    result = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, json.dumps(modules)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert "estimator.workload" in modules
    assert "advisor.core.document" in modules
    assert "catalog.records" in modules
    assert FRAMEWORKS & set(json.loads(result.stdout)) == set()


@pytest.mark.parametrize("path", pure_files(), ids=module_name)
def test_pure_code_asks_no_clock_and_throws_no_dice(path) -> None:
    calls = [
        (node.lineno, node.func.attr)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_AND_CHANCE
    ]
    unseeded = [
        node.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("default_rng")
        and not node.args + node.keywords
    ]

    assert calls == []
    assert unseeded == []
