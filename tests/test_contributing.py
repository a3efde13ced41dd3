"""The examples of CONTRIBUTING.md are complete: taken from the page, put into place, and run."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch

import models
import systems
from bench.attempt import run_cell
from bench.cell import Cell, Task
from bench.data import make_dataset
from bench.protocol import Protocol
from bench.recipe import OneCycle, Recipe
from systems.base import field_of

PAGE = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- example: (\S+) -->\n```python\n(.*?)```", PAGE, flags=re.DOTALL))
SIZES = {"systems/trigo.py": 20, "models/quadratic.py": 40}


@pytest.fixture
def examples_in_place(tmp_path, monkeypatch):
    """Both examples as modules of our packages, forgotten afterwards."""
    for package in (systems, models):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / package.__name__)])
    for name, source in EXAMPLES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    importlib.invalidate_caches()
    yield
    for registry, name in ((systems.base._registry, "trigo"), (models.base._registry, "quadratic")):
        registry._classes.pop(name, None)
    for module in ("systems.trigo", "models.quadratic"):
        sys.modules.pop(module, None)


@pytest.mark.parametrize(("name", "lines"), SIZES.items())
def test_example_is_as_short_as_the_page_says(name, lines):
    code = [line for line in EXAMPLES[name].splitlines() if line.strip()]
    assert len(code) <= lines


def test_examples_train_and_are_judged(examples_in_place):
    protocol = Protocol(
        name="tiny",
        dt=0.05,
        steps=10,
        noise=0.01,
        train_starts=256,
        validation_starts=64,
        test_points=500,
        calibration_points=500,
        grid_per_axis=8,
    )
    schedule = OneCycle(kind="one_cycle", peak=0.05, warm_up=0.3)
    recipe = Recipe(name="tiny", optimizer="adam", learning_rate=1e-3, epochs=20, batch_size=64, schedule=schedule)
    cell = Cell("train", "trigo", "quadratic", "discrete", "implicit_midpoint", "rk2", 8, 0, "tiny", "tiny")
    task = Task(cell, "id", "fingerprint", protocol, recipe)
    row = run_cell(task, lambda: make_dataset("trigo", protocol))
    assert row["status"] == "ok", row["traceback"]
    assert row["h_r2_ru"] > 0.8


def test_the_system_example_is_right(examples_in_place):
    trigo = systems.get("trigo")()
    y = torch.rand(5, 2, dtype=torch.float64)
    torch.testing.assert_close(trigo.field(y), field_of(trigo.hamiltonian, y))
