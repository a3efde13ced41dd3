"""The two models that need no training bound every table: one from above, one from below."""

import pytest
import torch

import systems
from models.base import rollout_loss
from models.constant import Constant
from models.true_h import TrueH
from systems.harmonic_oscillator import HarmonicOscillator
from systems.integrators.gauss_legendre4 import GaussLegendre4
from systems.trajectories import Window, draw_starts, integrate

SIGMA = 0.01


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_constant_predicts_zero_and_no_motion():
    constant, y = Constant(HarmonicOscillator(), generator(), GaussLegendre4()), torch.randn(3, 2)
    assert not constant.hamiltonian(y).any()
    assert not constant.field(y).any()
    torch.testing.assert_close(constant.rollout(y, 0.1, 2), y.expand(3, 3, 2), rtol=0, atol=0)


@pytest.mark.parametrize("name", systems.names())
def test_true_h_is_the_system(name):
    system = systems.get(name)()
    model, y = TrueH(system, generator()), torch.randn(5, system.dim, dtype=torch.float64)
    torch.testing.assert_close(model.hamiltonian(y), system.hamiltonian(y), rtol=0, atol=0)
    torch.testing.assert_close(model.field(y), system.field(y), rtol=0, atol=0)
    assert model.separable == system.separable
    assert not list(model.parameters())


@pytest.mark.parametrize(("noisy_start", "floor"), [(False, 2 * SIGMA**2), (True, 4 * SIGMA**2)])
def test_true_h_reaches_the_noise_floor_and_no_less(noisy_start, floor):
    """2 n sigma^2 from the true start; from a noisy one sigma^2 (2 n + |d phi|^2) = 4 n sigma^2 (a rotation)."""
    system = HarmonicOscillator()
    starts = draw_starts(system, system.box, 4000, generator(), accepted_only=False)
    states = integrate(system, starts, 0.1, 5).transpose(0, 1)
    observed = states + SIGMA * torch.randn(states.shape, dtype=torch.float64, generator=generator(1))
    window = Window(observed[0] if noisy_start else states[0], observed, 0.1)
    loss = rollout_loss(TrueH(system, generator(), GaussLegendre4()), window)
    assert float(loss) == pytest.approx(floor, rel=0.04)
