"""The walls of the house (DESIGN.md section 2), read from the source."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("systems", "models", "bench", "reports")
ARROWS = {
    "systems": {"systems"},
    "models": {"models", "systems"},
    "bench": {"bench", "models", "systems"},
    "reports": {"reports", "bench.schema", "bench.store"},
}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ids = [str(path.relative_to(ROOT)) for path in FILES]
each_file = pytest.mark.parametrize("path", FILES, ids=ids)


def imports(path: Path) -> Iterator[str]:
    """What a file imports, wherever it stands in it, as `package.module` or `package.module.name`."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides from this test and from the fingerprint"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stands_in(module: str, places: set[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


@each_file
def test_arrows_point_one_way(path: Path):
    package = path.relative_to(ROOT).parts[0]
    ours = {module for module in imports(path) if module.split(".")[0] in PACKAGES}
    assert {module for module in ours if not stands_in(module, ARROWS[package])} == set()


@each_file
def test_only_the_ray_back_end_imports_ray(path: Path):
    if path != ROOT / "bench" / "backends" / "ray.py":
        assert not any(stands_in(module, {"ray"}) for module in imports(path))


@pytest.mark.parametrize("path", sorted((ROOT / "reports").rglob("*.py")), ids=lambda path: path.name)
def test_reports_import_no_torch(path: Path):
    assert not any(stands_in(module, {"torch"}) for module in imports(path))


@pytest.mark.parametrize("path", sorted((ROOT / "systems").rglob("*.py")), ids=lambda path: path.name)
def test_systems_import_torch_and_numpy_only(path: Path):
    roots = {module.split(".")[0] for module in imports(path)}
    assert roots <= {"systems", "torch", "numpy", "jaxtyping"} | sys.stdlib_module_names


@pytest.mark.parametrize("module", ["bench", "bench.schema", "bench.store", "reports", "reports.build"])
def test_reading_a_store_costs_neither_torch_nor_ray(module: str):
    code = f"import sys, {module}; print(sorted({{'torch', 'ray'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@each_file
def test_no_file_is_longer_than_300_lines(path: Path):
    assert len(path.read_text().splitlines()) <= 300


@each_file
def test_no_function_is_longer_than_50_lines(path: Path):
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    too_long = {node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 50}
    assert too_long == set()


def test_there_is_no_drawer_for_odds_and_ends():
    drawers = {"utils", "util", "misc", "helpers", "helper", "common"}
    assert [path for path in FILES if drawers & {path.stem, *path.relative_to(ROOT).parts}] == []
