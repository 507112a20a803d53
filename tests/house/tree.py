"""The repository as the house tests see it: its tracked files, its modules, its imports."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("advisor", "catalog", "estimator")
PURE_CATALOG = ("units", "records", "rules", "frame", "files")


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return what git would commit: tracked files and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    return tuple(ROOT / name for name in sorted(set(names)) if name and (ROOT / name).is_file())


def python_files(*folders: str) -> list[Path]:
    """Return the tracked Python files, of these top-level folders if any are given."""
    files = [path for path in tracked_files() if path.suffix == ".py"]
    return [path for path in files if not folders or path.relative_to(ROOT).parts[0] in folders]


def pure_files() -> list[Path]:
    """Return the files that must stay free of frameworks, clocks and chance."""
    core = ROOT / "advisor" / "core"
    pure_catalog = {ROOT / "catalog" / f"{name}.py" for name in PURE_CATALOG}
    return [
        path
        for path in python_files(*ROOMS)
        if path.is_relative_to(ROOT / "estimator") or path.is_relative_to(core) or path in pure_catalog
    ]


def module_name(path: Path) -> str:
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_names(path: Path) -> set[str]:
    """Return the top-level names of all that a file imports."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names
