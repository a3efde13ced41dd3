"""Initial-state optimisation: it finds the start that least squares finds."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from bench.attempt import build, observe_both, training_columns
from bench.data import make_dataset
from bench.recipe import OptimisedStart
from bench.starts import improved_start, optimise_starts
from models import gradients
from models.base import HamiltonianModel
from systems.base import apply_j
from systems.coupled_oscillator import CoupledOscillator
from systems.integrators.rk4 import RK4
from systems.trajectories import Window

STEPS, STEP, SIGMA = 12, 0.3, 0.01


class Scaled(HamiltonianModel):
    """H = a H_true with a = 1 to begin with: the truth, as something that can be trained."""

    integrates = True

    def __init__(self):
        system = CoupledOscillator()
        super().__init__(system, torch.Generator(), RK4())
        self.system, self.scale = system, nn.Parameter(torch.ones((), dtype=torch.float64))

    def hamiltonian(self, y):
        return self.scale * self.system.hamiltonian(y)

    def gradient(self, y):
        return -self.scale * apply_j(self.system.field(y))


@pytest.fixture(params=["backprop", "discrete"])
def gradient(request):
    return gradients.get(request.param)()


@pytest.fixture(scope="module")
def problem():
    """A model, a noisy window of its own motion, and the true starts; the flow is linear and no rotation."""
    stream = torch.Generator().manual_seed(0)
    starts = torch.randn(400, 2, dtype=torch.float64, generator=stream)
    clean = Scaled().rollout(starts, STEP, STEPS)
    observed = clean + SIGMA * torch.randn(clean.shape, dtype=torch.float64, generator=stream)
    return Scaled(), Window(observed[0], observed, STEP), starts


def flow_of(model):
    """The matrices of the linear flow at all times, one below the other, from its action on a basis."""
    return model.rollout(torch.eye(2, dtype=torch.float64), STEP, STEPS).transpose(1, 2).reshape(-1, 2)


def least_squares_start(model, window):
    """The exact minimiser."""
    flow = flow_of(model)
    seen = window.observed.transpose(1, 2).reshape(-1, window.observed.shape[1])
    return torch.linalg.lstsq(flow, seen).solution.T


def test_a_few_iterations_find_the_start_of_least_squares(problem, gradient):
    model, window, _ = problem
    best = least_squares_start(model, window)
    distances = []
    for iterations in (0, 2, 8):
        (moved,) = optimise_starts([window], model, gradient, iterations)
        distances.append(float((moved.start - best).norm() / (window.start - best).norm()))
    assert distances[0] == 1
    assert distances[1] < 0.2
    assert distances[2] < 1e-3


def test_the_noise_of_the_start_falls_to_that_of_least_squares(problem, gradient):
    """Covariance sigma^2 (F^T F)^-1, about 1/13 of that of one observation."""
    model, window, starts = problem
    (moved,) = optimise_starts([window], model, gradient, 6)
    expected = SIGMA * float((flow_of(model).T @ flow_of(model)).inverse().trace() / 2) ** 0.5
    before, after = ((start - starts).square().mean().sqrt() for start in (window.start, moved.start))
    assert float(before) == pytest.approx(SIGMA, rel=0.1)
    assert float(after) == pytest.approx(expected, rel=0.1)
    assert expected < 0.4 * SIGMA
    assert moved.observed is window.observed


def test_no_sample_minds_its_neighbours(problem, gradient):
    """The steps are chosen sample by sample: a far start in the batch changes nothing for the others."""
    model, window, _ = problem
    disturbed = window.start.clone()
    disturbed[0] += 5.0
    moved = improved_start(model, gradient, window)
    assert (moved - window.start).abs().max() > 1e-3
    beside = improved_start(model, gradient, replace(window, start=disturbed))
    torch.testing.assert_close(beside[1:], moved[1:], rtol=1e-9, atol=1e-12)


def test_a_start_that_cannot_be_improved_stays():
    still = torch.zeros(3, 2, dtype=torch.float64)
    window = Window(still, torch.zeros(5, 3, 2, dtype=torch.float64), STEP)
    moved = improved_start(Scaled(), gradients.get("discrete")(), window)
    torch.testing.assert_close(moved, still, rtol=0, atol=0)


def test_training_optimises_after_the_warm_up_and_is_off_by_default(train_task, protocol, monkeypatch):
    data = make_dataset("harmonic_oscillator", protocol)
    calls = []
    monkeypatch.setattr("bench.starts.improved_start", lambda model, _, window: calls.append(1) or window.start)
    for start, expected in ((None, 0), (OptimisedStart(kind="optimised", warm_up=1, iterations=3), 3 * 2)):
        task = replace(train_task, recipe=train_task.recipe.model_copy(update={"start": start}))
        model, gradient = build(task.cell)
        training_columns(model, gradient, task, *observe_both(task, data))
        assert len(calls) == expected, "two epochs of two batches, the first epoch warm-up"
