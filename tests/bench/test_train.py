"""Training: what batches depend on, that the loss falls, and that it does not fall below the noise."""

from dataclasses import replace

import pytest
import torch

import models
import systems
from bench.attempt import build, observe_both, training_columns
from bench.cell import Cell, Task
from bench.data import Dataset, make_dataset
from bench.protocol import Protocol
from bench.recipe import Plateau, Recipe
from bench.schedule import PlateauSchedule
from bench.train import Diverged, finite, train, training_batches, validation_window
from models.base import rollout_loss
from systems import integrators
from systems.trajectories import Window

STEPS = 4


@pytest.fixture(scope="module")
def wide() -> Protocol:
    """Few trajectories to train on, and enough to validate on that sampling errors are small."""
    return Protocol(
        name="wide",
        dt=0.05,
        steps=20,
        noise=0.01,
        train_starts=512,
        validation_starts=4096,
        test_points=100,
        calibration_points=100,
        grid_per_axis=5,
    )


@pytest.fixture(scope="module")
def datasets(wide: Protocol) -> dict[str, Dataset]:
    return {name: make_dataset(name, wide) for name in ("harmonic_oscillator", "coupled_oscillator")}


@pytest.fixture
def task(train_task: Task, wide: Protocol) -> Task:
    return replace(train_task, protocol=wide)


def validation(task: Task, dataset: Dataset) -> Window:
    return validation_window(replace(task.cell, seq_len=STEPS), observe_both(task, dataset)[1])


def losses_by_window(model: models.Model, window: Window) -> torch.Tensor:
    states = model.rollout(window.start, window.h, window.steps)
    return (states[1:] - window.observed[1:]).square().sum(-1).mean(0).double()


def truth(system: str, integrator: str = "gauss_legendre6") -> models.Model:
    return models.get("true_h")(systems.get(system)(), torch.Generator(), integrators.get(integrator)())


@pytest.mark.parametrize("system", ["harmonic_oscillator", "coupled_oscillator"])
def test_the_loss_of_the_true_hamiltonian_is_the_noise_that_its_flow_carries(task: Task, datasets, system: str):
    """E ||phi_i(y + s x_0) - phi_i(y) - s x_i||^2 = s^2 (||dphi_i||_F^2 + 2n) for a linear flow phi_i."""
    task = replace(task, cell=replace(task.cell, system=system))
    losses = losses_by_window(truth(system), validation(task, datasets[system]))
    times = torch.arange(1, STEPS + 1, dtype=torch.float64) * task.protocol.dt
    flow = systems.get(system)().exact(torch.eye(2, dtype=torch.float64), times)
    expected = task.protocol.noise**2 * (flow.square().sum((-2, -1)) + 2).mean()
    error = losses.std() / len(losses) ** 0.5
    assert abs(losses.mean() - expected) < 4 * error
    assert error < 0.02 * expected


def test_the_floor_is_four_n_sigma_squared_where_the_flow_is_a_rotation(task: Task, datasets):
    losses = losses_by_window(truth("harmonic_oscillator"), validation(task, datasets["harmonic_oscillator"]))
    assert float(losses.mean()) == pytest.approx(4 * 0.01**2, rel=0.06)


def test_without_noise_the_true_hamiltonian_has_no_loss(task: Task, datasets):
    silent = replace(task, protocol=task.protocol.model_copy(update={"noise": 0.0}))
    window = validation(silent, datasets["harmonic_oscillator"])
    assert float(rollout_loss(truth("harmonic_oscillator"), window)) < 1e-11


@pytest.fixture(scope="module")
def learned(request, datasets) -> dict:
    """The training columns of a cell that trained for long enough to come near the floor."""
    cell = Cell(
        kind="train",
        system="harmonic_oscillator",
        model="fshnn",
        gradient_mode="discrete",
        integrator="implicit_midpoint",
        start_guess="extrapolation",
        seq_len=STEPS,
        seed=0,
        protocol="wide",
        recipe="thorough",
    )
    recipe = Recipe.model_validate(
        {
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "epochs": 15,
            "batch_size": 64,
            "schedule": {"kind": "one_cycle", "peak": 3e-2, "warm_up": 0.2},
        }
    )
    task = Task(cell, "id", "code", request.getfixturevalue("wide"), recipe)
    model, gradient = build(cell)
    return training_columns(model, gradient, task, *observe_both(task, datasets["harmonic_oscillator"]))


def test_the_loss_falls(learned: dict):
    assert learned["curve_train"][-1] < 0.2 * learned["curve_train"][0]
    assert learned["curve_validation"][-1] < 0.2 * learned["curve_validation"][0]
    assert len(learned["curve_train"]) == len(learned["curve_learning_rate"]) == 15
    assert learned["train_loss"] == learned["curve_train"][-1]


def test_no_learned_loss_is_below_the_floor(learned: dict):
    floor = learned["loss_floor"]
    assert learned["validation_loss"] > floor * (1 - 3 / 4096**0.5)
    assert learned["validation_loss"] < 1.5 * floor


def test_an_evaluation_is_counted_for_every_point(learned: dict):
    epochs, steps = 15, STEPS
    assert learned["field_evals"] >= epochs * steps * 2, "a predictor and a corrector a step at the least"
    assert learned["field_evals"] < epochs * steps * 50


def test_batches_are_windows_of_every_trajectory_once(task: Task, recipe: Recipe, datasets):
    observations = observe_both(task, datasets["harmonic_oscillator"])[0]
    batches = training_batches(task.cell, recipe, observations)
    windows = list(batches.epoch())
    assert batches.count == len(windows) == 512 // 32
    assert {window.observed.shape for window in windows} == {(STEPS + 1, 32, 2)}
    starts = torch.cat([window.start for window in windows])
    belongs = (starts[:, None, None] == observations.observed).all(-1).any(-1)
    assert belongs.sum(0).tolist() == [1] * 512
    assert all(torch.equal(window.start, window.observed[0]) for window in windows)


def test_windows_carry_the_derivatives_of_the_true_states_where_the_protocol_shares_them(task: Task, datasets):
    sharing = replace(task, protocol=task.protocol.model_copy(update={"derivatives": "exact", "equations": True}))
    window = validation(sharing, datasets["harmonic_oscillator"])
    q_dot, p_dot = window.derivatives.unbind(-1)
    noise = torch.stack((p_dot + window.observed[..., 0], q_dot - window.observed[..., 1]))
    assert float(noise.std()) == pytest.approx(task.protocol.noise, rel=0.02)
    assert torch.equal(window.observed, validation(task, datasets["harmonic_oscillator"]).observed)
    torch.testing.assert_close(window.equations.field(window.start), truth("harmonic_oscillator").field(window.start))
    secret = validation(task, datasets["harmonic_oscillator"])
    assert (secret.derivatives, secret.equations) == (None, None)


def test_a_rollout_may_start_from_the_true_state(task: Task, datasets):
    clean = replace(task, protocol=task.protocol.model_copy(update={"start_state": "true"}))
    window = validation(clean, datasets["harmonic_oscillator"])
    residual = (window.start - window.observed[0]).std()
    assert float(residual) == pytest.approx(0.01, rel=0.05)


def test_epochs_differ_and_a_second_pass_repeats_them(task: Task, recipe: Recipe, datasets):
    observations = observe_both(task, datasets["harmonic_oscillator"])[0]
    batches = training_batches(task.cell, recipe, observations)
    first, second = next(batches.epoch()).start, next(batches.epoch()).start
    assert not torch.equal(first, second)
    assert torch.equal(next(training_batches(task.cell, recipe, observations).epoch()).start, first)


def test_fewer_trajectories_than_a_batch_make_one_batch(task: Task, recipe: Recipe, datasets):
    large = recipe.model_copy(update={"batch_size": 1000})
    batches = training_batches(task.cell, large, observe_both(task, datasets["harmonic_oscillator"])[0])
    assert [len(window.start) for window in batches.epoch()] == [512]


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize("warm_up", [0.1, 0.2, 0.5])
def test_a_cycle_of_any_length_has_a_schedule(task: Task, recipe: Recipe, datasets, iterations: int, warm_up: float):
    schedule = recipe.schedule.model_copy(update={"warm_up": warm_up})
    short = recipe.model_copy(update={"epochs": iterations, "batch_size": 512, "schedule": schedule})
    model, gradient = build(task.cell)
    train_set, validation_set = observe_both(task, datasets["harmonic_oscillator"])
    window = validation_window(replace(task.cell, seq_len=1), validation_set)
    batches = replace(training_batches(task.cell, short, train_set), steps=1)
    curves = train(model, gradient, batches, short, window)
    assert all(0 <= rate <= recipe.schedule.peak for rate in curves.learning_rate)


def test_the_plateau_schedule_lowers_the_rate_when_nothing_gets_better():
    optimizer = torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=1.0)
    schedule = PlateauSchedule(optimizer, Plateau(kind="plateau", factor=0.5, patience=2))
    rates = []
    for loss in (3.0, 2.0, 2.0, 2.0, 2.0, 1.0):
        schedule.after_epoch(loss)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_has_diverged(value: float):
    with pytest.raises(Diverged, match="the training loss of epoch 3 is"):
        finite(torch.tensor(value), "training loss of epoch 3")


def test_modes_train_alike(task: Task, recipe: Recipe, datasets):
    """backprop and discrete are both exact: after a few iterations in float64 the losses agree."""
    curves = {}
    for mode in ("backprop", "discrete"):
        chosen = replace(task, recipe=recipe, cell=replace(task.cell, gradient_mode=mode, dtype="float64"))
        model, gradient = build(chosen.cell)
        columns = training_columns(model, gradient, chosen, *observe_both(chosen, datasets["harmonic_oscillator"]))
        curves[mode] = columns["curve_train"]
    assert curves["backprop"] == pytest.approx(curves["discrete"], rel=1e-8)
