"""The pure core is pure, and prices come in without frames: seen in a fresh interpreter, and in the source."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.management.commands import runstack
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
LOAD_AS_A_WORKER = """
import json, sys
from advisor.celery import app
app.loader.import_default_modules()
print(json.dumps([sorted(app.tasks), sorted({name.split(".")[0] for name in sys.modules})]))
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


def test_the_price_worker_loads_all_tasks_of_its_queue_and_neither_frames_nor_pages(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "ADVISOR_DATA_DIR": str(tmp_path)} | runstack._price_worker().environment

    result = subprocess.run(
        [sys.executable, "-c", LOAD_AS_A_WORKER], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    tasks, modules = json.loads(result.stdout)
    assert {"catalog.refresh_part", "catalog.tend_refreshes", "catalog.probe_regions"} <= set(tasks)
    assert {"boto3", "httpx2"} <= set(modules)
    assert {"pandas", "numpy", "plotly", "rest_framework", "estimator"} & set(modules) == set()


def test_a_worker_that_is_told_nothing_loads_all_tasks(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "ADVISOR_DATA_DIR": str(tmp_path), "CELERY_SKIP_CHECKS": "true"}

    result = subprocess.run(
        [sys.executable, "-c", LOAD_AS_A_WORKER], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert {"advisor.write_advice", "catalog.refresh_part"} <= set(json.loads(result.stdout)[0])


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
