"""The weak-form loss: what the truth leaves of it, and that nothing but the truth has less."""

import pytest
import torch

from models.gradients.backprop import Backprop
from models.true_h import TrueH
from models.weak_form import WeakFormHNN
from systems.double_well import DoubleWell
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.trajectories import Window, draw_starts, integrate

SYSTEM = DoubleWell()


class Scaled(TrueH):
    """a times the true field."""

    def __init__(self, scale=1.0):
        super().__init__(SYSTEM, torch.Generator())
        self.scale = scale

    def field(self, y):
        return self.scale * super().field(y)


def window(steps, h=0.02, sigma=0.0, count=2000):
    stream = torch.Generator().manual_seed(0)
    clean = integrate(SYSTEM, draw_starts(SYSTEM, SYSTEM.box, count, stream, accepted_only=False), h, steps)
    observed = clean.transpose(0, 1)
    observed = observed + sigma * torch.randn(observed.shape, dtype=torch.float64, generator=stream)
    return Window(observed[0], observed, h)


def loss(model, data):
    with torch.no_grad():
        return float(WeakFormHNN.loss(model, data, Backprop()))


@pytest.mark.parametrize("steps", [6, 32])
def test_the_truth_has_no_loss_without_noise_and_a_scaled_one_has(steps):
    data = window(steps)
    assert loss(Scaled(), data) < 1e-12
    off = [loss(Scaled(scale), data) for scale in (0.9, 1.1)]
    assert off[0] == pytest.approx(off[1], rel=1e-3)
    assert off[0] == pytest.approx(loss(Scaled(0.0), data) / 100, rel=1e-3), "linear in f, so quadratic in the error"


@pytest.mark.parametrize("steps", [6, 32])
def test_the_truth_leaves_the_variance_of_the_noise(steps):
    """In a short window; in a long one the noise enters through f as well."""
    assert loss(Scaled(), window(steps, h=0.001, sigma=0.01)) == pytest.approx(2 * 0.01**2, rel=0.05)


def test_observations_further_apart_are_a_window_of_larger_steps():
    data = window(32)
    sparse = Window(data.start, data.observed[::4], data.h, every=4)
    coarse = Window(data.start, data.observed[::4], 4 * data.h)
    model = WeakFormHNN(SYSTEM, torch.Generator().manual_seed(1), ImplicitMidpoint()).double()
    assert loss(model, sparse) == loss(model, coarse)


def test_gradient_descent_finds_the_field():
    """From data without noise: what a few hundred steps leave of the error is the net's."""
    data = window(6, count=300)
    model = WeakFormHNN(SYSTEM, torch.Generator().manual_seed(1), ImplicitMidpoint()).double()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    y = data.observed[3]
    errors = []
    for step in range(301):
        optimiser.zero_grad()
        model.loss(data, Backprop()).backward()
        optimiser.step()
        if step % 300 == 0:
            errors.append(float((model.field(y) - SYSTEM.field(y)).detach().norm() / SYSTEM.field(y).norm()))
    assert errors[1] < 0.1 * errors[0]
