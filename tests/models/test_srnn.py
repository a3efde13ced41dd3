"""SRNN: separable by construction, so leapfrog is explicit; optimised starts work on it as on every rollout model."""

import pytest
import torch

from bench.starts import optimise_starts
from models.gradients.backprop import Backprop
from models.srnn import SRNN
from systems.double_well import DoubleWell
from systems.henon_heiles import HenonHeiles
from systems.integrators.stormer_verlet import StormerVerlet
from systems.trajectories import Window


def build(system=None, scale=1.5):
    generator = torch.Generator().manual_seed(0)
    model = SRNN(system or DoubleWell(), generator, StormerVerlet(), hidden=(8, 8)).double()
    with torch.no_grad():
        for weight in [*model.net.kinetic.weights, *model.net.potential.weights]:
            weight *= scale  # an untrained net is nearly flat
    return model


def test_velocity_depends_on_p_alone_and_force_on_q_alone():
    model = build(HenonHeiles())
    y = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    jacobian = model.jacobian(y)
    assert bool((jacobian[:, :2, :2] == 0).all() and (jacobian[:, 2:, 2:] == 0).all())
    assert float(jacobian[:, :2, 2:].abs().min()) > 0


def test_a_step_of_its_rollout_solves_nothing():
    model, y = build(), torch.full((3, 2), 0.4, dtype=torch.float64)
    model.rollout(y, 0.1, 5)
    assert model.evaluations == 3 * 3 * 5, "three evaluations a step and point, no iteration"


def test_its_starts_can_be_optimised():
    """On windows of its own motion with noise, the optimised starts are nearer to those that it began at."""
    model = build()
    clean = torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    states = model.rollout(clean, 0.1, 20)
    noise = 0.01 * torch.randn(states.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    window = Window((states + noise)[0], states + noise, 0.1)
    (moved,) = optimise_starts([window], model, Backprop(), 3)
    before, after = ((start - clean).square().mean().sqrt() for start in (window.start, moved.start))
    assert float(before) == pytest.approx(0.01, rel=0.1)
    assert float(after) < 0.5 * float(before)
