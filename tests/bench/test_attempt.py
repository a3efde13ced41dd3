"""One attempt at a cell: the same numbers twice, and a row whatever becomes of it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from bench import attempt
from bench.attempt import run_cell
from bench.cell import Task
from bench.data import Dataset, make_dataset
from bench.resources import Request
from bench.schema import SCHEMA, complete
from models.base import HamiltonianModel
from models.base import _registry as registry
from models.networks import ScalarMLP
from systems.integrators import NotSolved
from systems.trajectories import ReferenceError

pytestmark = pytest.mark.usefixtures("hasty")

PERSONAL = {"worker", "started_at"}  # who and when
REPEATABLE = [f.name for f in SCHEMA if f.metadata[b"unit"] != b"s" and f.name not in PERSONAL]


@pytest.fixture
def shared(protocol) -> Callable[[], Dataset]:
    data = make_dataset("harmonic_oscillator", protocol)
    return lambda: data


def figures(row: dict) -> dict:
    return {name: complete(row)[name] for name in REPEATABLE}


def test_a_trained_cell_fills_its_columns(train_task: Task, shared):
    row = run_cell(train_task, shared)
    assert (row["status"], row["cell_id"], row["attempt"]) == ("ok", train_task.cell_id, 1)
    expected = {"h_mae_ru", "h_mae_sg", "h_mae_gaussian", "field_error", "parameters", "field_evals"}
    expected |= {"train_loss", "validation_loss", "loss_floor", "curve_train", "curve_validation", "wall_s"}
    assert {name for name in expected if row.get(name) is None} == set()
    assert 0 < row["train_s"] + row["eval_s"] <= row["wall_s"]
    assert row["reference_error"] < 1e-10
    assert complete(row)["peak_bytes"] is None


@pytest.mark.parametrize("which", ["train_task", "profile_task"])
def test_the_same_cell_gives_the_same_numbers_to_the_last_bit(request, which: str, shared):
    task = request.getfixturevalue(which)
    first = figures(run_cell(task, shared))
    torch.rand(3)  # the global generator is nobody's
    assert figures(run_cell(task, shared)) == first
    assert first["status"] == "ok"


def test_another_seed_gives_other_numbers(train_task: Task, shared):
    other = replace(train_task, cell=replace(train_task.cell, seed=1))
    assert run_cell(other, shared)["h_mae_ru"] != run_cell(train_task, shared)["h_mae_ru"]


def test_a_cell_that_needs_no_training_needs_no_data(tasks: list[Task]):
    task = next(task for task in tasks if task.cell.model == "constant")
    row = run_cell(task, lambda: pytest.fail("nobody asked for data"))
    assert row["status"] == "ok"
    assert "train_loss" not in row


class Rate(HamiltonianModel):
    """H = rate |y|^2 / 2, the rate fitted to the derivatives that the protocol shares."""

    fits = True

    def __init__(self, system, generator, integrator=None):
        super().__init__(system, generator, integrator)
        self.register_buffer("rate", torch.zeros(()))

    def fit(self, data):
        assert data.generator.initial_seed() != torch.Generator().initial_seed()
        self.rate = data.derivatives[..., 0].mul(data.observed[..., 1]).mean() / data.observed[..., 1].square().mean()
        assert torch.equal(
            data.equations.field(data.observed), torch.stack((data.observed[..., 1], -data.observed[..., 0]), -1)
        )

    def hamiltonian(self, y):
        return self.rate * y.square().sum(-1) / 2


def test_a_fitted_cell_sees_what_the_protocol_shares_and_fills_its_columns(train_task: Task, shared, monkeypatch):
    monkeypatch.setitem(registry._classes, "rate", Rate)
    cell = replace(train_task.cell, model="rate", gradient_mode=None, integrator=None, start_guess=None, recipe=None)
    protocol = train_task.protocol.model_copy(update={"derivatives": "exact", "equations": True})
    row = run_cell(replace(train_task, cell=cell, protocol=protocol, recipe=None), shared)
    assert row["status"] == "ok", row["traceback"]
    assert row["h_mae_ru"] < 0.01
    assert row["train_s"] > 0
    assert row["validation_loss"] == pytest.approx(row["loss_floor"], rel=0.05)
    assert {"train_loss", "curve_train", "field_evals"} & set(row) == set()


def test_a_fit_that_cannot_be_rolled_out_keeps_its_other_figures(train_task: Task, shared, monkeypatch):
    def fail(*_: object) -> float:
        raise NotSolved(28.0, 0.01, 1)

    monkeypatch.setitem(registry._classes, "rate", Rate)
    monkeypatch.setattr(attempt, "validation_loss", fail)
    cell = replace(train_task.cell, model="rate", gradient_mode=None, integrator=None, start_guess=None, recipe=None)
    protocol = train_task.protocol.model_copy(update={"derivatives": "exact", "equations": True})
    row = complete(run_cell(replace(train_task, cell=cell, protocol=protocol, recipe=None), shared))
    assert (row["status"], row["validation_loss"]) == ("ok", None)
    assert row["h_mae_ru"] < 0.01


def test_one_thread_is_used(train_task: Task, shared):
    torch.set_num_threads(2)
    run_cell(train_task, shared)
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("mode", ["discrete", "backprop", "continuous"])
def test_weights_that_are_not_numbers_are_a_row(train_task: Task, shared, monkeypatch, mode: str):
    original = ScalarMLP.gradient
    monkeypatch.setattr(ScalarMLP, "gradient", lambda self, y: original(self, y) * float("nan"))
    row = run_cell(replace(train_task, cell=replace(train_task.cell, gradient_mode=mode)), shared)
    assert row["status"] == "diverged"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("boom"), "error"),
        (NotSolved(1.0, 0.1, 3), "diverged"),
        (MemoryError(), "oom"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "oom"),
        (torch.OutOfMemoryError("CUDA out of memory"), "oom"),
    ],
    ids=lambda value: str(value)[:12],
)
@pytest.mark.parametrize(
    ("phase", "place"), [("build", "build"), ("train", "train"), ("evaluate", "judge"), ("data", "observe")]
)
def test_every_exception_is_a_row_that_says_where(train_task: Task, shared, monkeypatch, error, status, phase, place):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(attempt, place, fail)
    row = complete(run_cell(train_task, shared))
    assert (row["status"], row["phase"], row["exception"]) == (status, phase, type(error).__name__)
    assert row["reason"]
    assert "in fail" in row["traceback"]
    assert row["wall_s"] > 0
    assert row["h_mae_ru"] is None


@pytest.mark.parametrize(("gpus", "says"), [(0.25, False), (1.0, True)])
def test_a_cell_is_held_to_its_share_of_the_card(train_task: Task, monkeypatch, gpus: float, says: bool):
    """A made-up card: whoever is held to less than all of it runs out of memory, and so does who has it all."""
    held = []

    def build(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", held.append)
    monkeypatch.setattr(attempt, "build", build)
    row = complete(run_cell(replace(train_task, request=Request(gpus=gpus)), lambda: pytest.fail("too late")))
    assert (held, row["gpu_share"], row["status"]) == ([gpus], gpus, "oom")
    assert ("does not fit on this card: CUDA out of memory" in row["reason"]) == says


def test_a_cell_without_a_card_asks_nothing_of_one(train_task: Task, shared, monkeypatch):
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda share: pytest.fail(f"held to {share}"))
    row = complete(run_cell(train_task, shared))
    assert (row["status"], row["gpu_share"]) == ("ok", None)


def test_data_that_cannot_be_made_are_a_row(train_task: Task):
    def fail() -> Dataset:
        raise ReferenceError("halving the step changes the reference by 1")

    row = run_cell(train_task, fail)
    assert (row["status"], row["phase"]) == ("error", "data")


def test_a_profile_without_a_recipe_is_a_row(profile_task: Task, shared):
    row = run_cell(replace(profile_task, recipe=None), shared)
    assert row["status"] == "error"
    assert "batch size" in row["reason"]


def test_an_interruption_is_no_row(train_task: Task, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(attempt, "build", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_cell(train_task, lambda: pytest.fail("too late"))


@pytest.mark.parametrize("broken", [False, True])
def test_freed_memory_is_kept_until_the_cell_has_ended_however_it_does(train_task: Task, shared, monkeypatch, broken):
    seen: list[str] = []
    monkeypatch.setattr(attempt, "keep_freed_memory", lambda: seen.append("kept"))
    monkeypatch.setattr(attempt, "give_back", lambda: seen.append("given back"))
    run_cell(train_task, lambda: 1 / 0 if broken else seen.append("worked") or shared())
    assert seen == ["kept", *([] if broken else ["worked"]), "given back"]
