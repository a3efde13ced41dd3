"""Every model that learns learns the harmonic oscillator, to an error that is stated here."""

import pytest

import models
from bench.attempt import run_cell
from bench.cell import Task
from bench.data import make_dataset
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.protocol import Protocol, load_protocol
from bench.recipe import Recipe

SYSTEM = "harmonic_oscillator"
CONSTANT = 0.37  # h_mae_ru of the constant predictor: what a model must beat by far
BOUNDS = {  # a column of the row, and at most how large; about twice what was measured
    "fshnn": ("h_mae_ru", 0.015),
    "hnn": ("h_mae_ru", 0.01),
    "polynomial": ("h_mae_ru", 1.2e-3),
    "sampled_hnn": ("h_mae_ru", 5e-4),
    "weak_form": ("h_mae_ru", 0.012),
    "weak_gauss_newton": ("h_mae_ru", 1.7e-3),
    "neural_ode": ("field_error", 0.1),
    "nssnn": ("h_mae_ru", 0.04),
    "ode_to_ode": ("validation_loss", 8e-4),
    "second_order_neural_ode": ("field_error", 0.1),
    "separable_hnn": ("h_mae_ru", 0.05),
    "shnn": ("h_mae_ru", 0.02),
    "srnn": ("h_mae_ru", 0.02),
    "pinn": ("rollout_error", 0.03),
    "sympflow": ("h_mae_ru", 0.03),
    "sympnet": ("rollout_error", 0.02),
}
RECIPE = Recipe.model_validate(
    {
        "name": "short",
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "epochs": 8,
        "batch_size": 64,
        "schedule": {"kind": "one_cycle", "peak": 3e-2, "warm_up": 0.3},
    }
)
SLOW = (
    "fshnn",
    "hnn",
    "neural_ode",
    "nssnn",
    "ode_to_ode",
    "pinn",
    "sampled_hnn",
    "second_order_neural_ode",
    "separable_hnn",
    "shnn",
    "srnn",
    "sympflow",
    "weak_gauss_newton",
)
LEARNERS = [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in models.names()
    if models.get(name).trainable
]


@pytest.fixture(scope="module")
def dataset():
    return make_dataset(SYSTEM, load_protocol("smoke"))


def offering(protocol: Protocol, needs: frozenset[str]) -> Protocol:
    """The protocol with what a model needs, and nothing else."""
    changes = {
        "derivatives": {"derivatives": "exact"},
        "equations": {"equations": True},
        "noise-free data": {"noise": 0.0},
    }
    return protocol.model_copy(update={key: value for need in needs for key, value in changes[need].items()})


def planned(name: str) -> Task:
    """The task of a model's cell, as a grid plans it, under the short recipe; in the matched size if it has one."""
    preset = "matched" if "matched" in models.get(name).presets else "paper"
    axes = {"system": SYSTEM, "model": name, "preset": preset, "seq_len": 16, "seed": 0}
    block = Block.model_validate({**axes, "protocol": "smoke", "recipe": "one_cycle"})
    (found,) = expand(Grid(name="g", cells=[block]), Filters())
    protocol = offering(found.task.protocol, models.get(name).needs(preset))
    recipe = RECIPE if found.task.recipe else None
    return Task(found.task.cell, "id", "fingerprint", protocol, recipe)


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_the_harmonic_oscillator(name: str, dataset):
    column, bound = BOUNDS[name]  # a new model states its error here
    row = run_cell(planned(name), lambda: dataset)
    assert row["status"] == "ok", row["traceback"]
    assert row[column] < bound
    if row.get("validation_loss") is not None:
        assert row["validation_loss"] < 3 * row["loss_floor"] + 1e-12


def test_the_stated_errors_prove_something():
    assert all(bound < CONSTANT / 5 for column, bound in BOUNDS.values() if column == "h_mae_ru")
