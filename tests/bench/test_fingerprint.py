"""The fingerprint of the code: which source files a cell depends on."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

import bench.fingerprint as module
from bench.cell import Cell
from bench.fingerprint import fingerprint

CELL = Cell(
    kind="train",
    system="double_well",
    model="fshnn",
    gradient_mode="discrete",
    integrator="implicit_midpoint",
    start_guess="extrapolation",
    seq_len=6,
    seed=0,
    protocol="paper",
    recipe="paper",
)


@pytest.fixture(autouse=True)
def _fresh():
    module._hash_of.cache_clear()
    yield
    module._hash_of.cache_clear()


@pytest.fixture
def edit(monkeypatch):
    """Pretend that a source file has one more line."""
    original = module._source

    def edit(name: str) -> None:
        def source(wanted: str) -> bytes:
            return original(wanted) + b"\n# edited" if wanted == name else original(wanted)

        monkeypatch.setattr(module, "_source", source)
        module._hash_of.cache_clear()

    return edit


@pytest.mark.parametrize(
    "name",
    [
        "systems.double_well",
        "models.fshnn",
        "models.networks",
        "models.gradients.discrete",
        "systems.integrators.implicit_midpoint",
        "systems.integrators.solver",
        "systems.trajectories",
        "bench.train",
        "bench.evaluate",
        "bench.profile",
        "models.true_h",
    ],
)
def test_code_that_the_cell_runs_counts(edit, name: str):
    before = fingerprint(CELL)
    edit(name)
    assert fingerprint(CELL) != before


@pytest.mark.parametrize(
    "name",
    [
        "systems.henon_heiles",
        "models.constant",
        "models.gradients.continuous",
        "systems.integrators.stormer_verlet",
        "bench.store",
        "bench.run",
        "bench.grid",
        "bench.display",
        "reports.build",
    ],
)
def test_code_that_the_cell_does_not_run_leaves_it_alone(edit, name: str):
    before = fingerprint(CELL)
    edit(name)
    assert fingerprint(CELL) == before


def test_cells_without_integrator_and_gradient_mode_have_a_fingerprint():
    cell = replace(CELL, model="constant", gradient_mode=None, integrator=None)
    assert fingerprint(cell) != fingerprint(CELL)


def test_everything_that_a_worker_imports_counts(edit):
    code = "import sys, json, bench.attempt; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [name for name in json.loads(done.stdout) if name.split(".")[0] in module.PACKAGES]
    loaded = [name for name in loaded if name not in ("bench", "bench.judges")]  # a docstring, and no code
    assert "models.gradients.base" in loaded
    before = fingerprint(CELL)
    for name in loaded:
        edit(name)
        assert fingerprint(CELL) != before, name
