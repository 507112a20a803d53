"""Measure how long things take, and on what machine: for `manage.py bench`."""

import ctypes
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RATES = ("evaluations/s", "steps/s", "rows/s", "requests/s")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to measure. ``action`` does it once and returns how many items that were; ``prepare`` comes before each
    run and is not measured; ``told`` says after the runs what a note cannot know before. Where
    another process does the work (``is_elsewhere``) the processor time of this one says nothing.

    ``unit`` is "s", "ms" or one of RATES. ``warm`` untimed runs come first. A target is the least rate or the longest
    time, by the clock.
    """

    id: str
    title: str
    unit: str
    action: Callable[[], int]
    prepare: Callable[[], None] | None = None
    runs: int = 7
    warm: int = 1
    target: float | None = None
    note: str = ""
    told: Callable[[], str] | None = None
    is_elsewhere: bool = False


def figure(case: Case, *, runs: int | None = None) -> dict[str, Any]:
    """Return a case's figure: by the clock the least, middle, worst in a hundred and most of several runs.

    Beside them stands the middle by processor time.

    Processor time is what this process used itself: on a machine that others use too it is the steadier of the two.
    """
    count, clock, processor = 0, [], []
    for _ in range(case.warm):
        _prepare(case)
        case.action()
    for _ in range(runs or case.runs):
        _prepare(case)
        started, used = time.perf_counter(), time.process_time()
        count = case.action()
        clock.append(_in_unit(time.perf_counter() - started, unit=case.unit, count=count))
        processor.append(_in_unit(time.process_time() - used, unit=case.unit, count=count))
    median = statistics.median(clock)
    alone = None if case.is_elsewhere else statistics.median(processor)
    return {
        "id": case.id,
        "title": case.title,
        "unit": case.unit,
        "n": count,
        "runs": len(clock),
        "min": min(clock),
        "median": median,
        "p99": float(np.quantile(clock, 0.01 if case.unit in RATES else 0.99)),
        "max": max(clock),
        "median_by_processor_time": alone,
        "target": case.target,
        "met": _meets(median, target=case.target, unit=case.unit),
        "met_by_processor_time": _meets(alone, target=case.target, unit=case.unit),
        "note": case.told() if case.told else case.note,
    }


def _prepare(case: Case) -> None:
    if case.prepare:
        case.prepare()


def _in_unit(seconds: float, *, unit: str, count: int) -> float:
    if unit in RATES:
        return count / max(seconds, 1e-9)
    return seconds * {"s": 1.0, "ms": 1e3}[unit]


def _meets(value: float | None, *, target: float | None, unit: str) -> bool | None:
    if target is None or value is None:
        return None
    return value >= target if unit in RATES else value <= target


_FROM_OUTSIDE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stderr=subprocess.STDOUT)
used = os.wait4(child.pid, 0)[2]
print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def from_outside(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> tuple[str, float]:
    """Return what a command says, and the most memory its process had resident, as the kernel counted it. [MB]

    A process begins with the peak of the one that starts it, so it is started by one that is small.
    """
    starter = [sys.executable, "-I", "-c", _FROM_OUTSIDE, *command]
    done = subprocess.run(starter, env=env, cwd=cwd, stdout=subprocess.PIPE, text=True, check=True)
    said, _, peak_bytes = done.stdout.rstrip().rpartition("\n")
    return said, int(peak_bytes) / 1e6


def machine() -> dict[str, Any]:
    """Return what the figures were measured on: processor, cores open to this process, versions, BLAS threads."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "openblas_threads": _openblas_threads(),
    }


def load() -> list[float]:
    """Return the mean number of processes that ran or waited to, over the last 1, 5 and 15 minutes."""
    return [round(value, 2) for value in os.getloadavg()]


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or "unknown"


def _openblas_threads() -> int | None:
    """Ask the OpenBLAS that numpy brought along; None where it is another library."""
    try:
        mapped = re.findall(r"/\S*openblas\S*", Path("/proc/self/maps").read_text(encoding="utf-8"))
        libraries = [ctypes.CDLL(path) for path in sorted(set(mapped)) if "numpy" in path]
    except OSError:
        return None
    return _threads(libraries)


def _threads(libraries: Iterable[ctypes.CDLL]) -> int | None:
    for library in libraries:
        for name in ("scipy_openblas_get_num_threads64_", "openblas_get_num_threads"):
            if hasattr(library, name):
                return int(getattr(library, name)())
    return None
