"""A grid so small that it can run inside a test, and rows that look like those that it leaves."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import bench.profile
from bench.cell import Task
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.measure import time_phases
from bench.protocol import Protocol, load_protocol
from bench.recipe import Recipe, load_recipe

if TYPE_CHECKING:
    from s3_server import Server

TINY = Path(__file__).parent / "tiny"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder of its own with grid.toml, protocol.toml and recipe.toml, to be changed at will."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def protocol() -> Protocol:
    return load_protocol(str(TINY / "protocol.toml"))


@pytest.fixture
def recipe() -> Recipe:
    return load_recipe(str(TINY / "recipe.toml"))


@pytest.fixture
def tasks() -> list[Task]:
    """The tasks of the tiny grid: constant, fshnn with seeds 0 and 1, and one profile."""
    grid = load_grid(str(TINY / "grid.toml"))
    return [planned.task for planned in expand(grid, Filters(), TINY)]


@pytest.fixture
def train_task(tasks: list[Task]) -> Task:
    return next(task for task in tasks if task.cell.model == "fshnn" and task.cell.kind == "train")


@pytest.fixture
def profile_task(tasks: list[Task]) -> Task:
    return next(task for task in tasks if task.cell.kind == "profile")


@pytest.fixture
def make_row() -> Callable[..., dict]:
    """Rows of the cells "0", "1", ... that differ in their numbers."""

    def make(number: int, **columns) -> dict:
        row = {"cell_id": str(number), "attempt": 1, "status": "ok", "started_at": f"2026-01-01T00:00:{number:03}"}
        return {**row, "wall_s": float(number), **columns}

    return make


@pytest.fixture
def hasty(monkeypatch) -> None:
    """Time with the fewest repeats: the figures do not matter here."""
    monkeypatch.setattr(bench.profile, "time_phases", partial(time_phases, budget_s=0.0))


@pytest.fixture(scope="session")
def running() -> "Iterator[Server]":
    """One S3 for all tests of a process."""
    from s3_server import serving  # takes seconds to import

    with serving() as server:
        yield server


@pytest.fixture
def server(running: "Server", monkeypatch) -> "Iterator[Server]":
    """The S3 with a bucket, its credentials in the environment, and little patience with it."""
    from s3_server import CREDENTIALS

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("bench.store.bucket.PAUSE_S", (0.01, 0.05))
    yield running
    running.fault = lambda number, method: None


@pytest.fixture
def address(server: "Server", request) -> str:
    """A prefix of the bucket that no other test uses."""
    return server.address(f"results/{request.node.name.partition('[')[0]}")
