"""The fingerprint of the code that a cell runs: the files of its plug-ins and all that they import of ours.

A change elsewhere (another model, a report) leaves it alone, so finished cells stay finished.
"""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

from bench.cell import Cell

PACKAGES = ("bench", "models", "systems")
COMMON = ("bench.attempt", "models.true_h")


def fingerprint(cell: Cell, rolled_out_by: str | None = None) -> str:
    """Hash of the source of every module that the cell can reach.

    `rolled_out_by` is the integrator that a model is judged with which trains without one.
    """
    integrator = cell.integrator or rolled_out_by
    plugins = {
        f"systems.{cell.system}",
        f"models.{cell.model}",
        *([f"systems.integrators.{integrator}"] if integrator else []),
        *([f"models.gradients.{cell.gradient_mode}"] if cell.gradient_mode else []),
    }
    return _hash_of(frozenset({*COMMON, *plugins}))


@cache
def _hash_of(roots: frozenset[str]) -> str:
    reached, waiting = set(), set(roots)
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= _imports(module) - reached
    digest = hashlib.sha256()
    for module in sorted(reached):
        digest.update(module.encode() + _source(module))
    return digest.hexdigest()[:16]


@cache
def _imports(module: str) -> frozenset[str]:
    """Modules of our packages that a module's import statements name, wherever they stand in it."""
    found = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    found |= {name.rpartition(".")[0] for name in found if name.count(".") > 1}  # a package's own file runs as well
    return frozenset(name for name in found if name.split(".")[0] in PACKAGES and _path(name))


@cache
def _path(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


@cache
def _source(module: str) -> bytes:
    path = _path(module)
    return path.read_bytes() if path else b""
