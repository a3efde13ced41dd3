"""The continuous adjoint is the gradient of the differential equation: near that of the rollout, and not it."""

from math import log2

import pytest
import torch
from stretched_model import Stretched

import systems
from models.gradients.continuous import Continuous
from models.gradients.discrete import Discrete
from systems.integrators.explicit_midpoint import ExplicitMidpoint
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.tao_oscillator import TaoOscillator

SYSTEMS = {name: systems.get(name) for name in ("tao_oscillator", "double_well", "henon_heiles")}
DURATION = 0.8
OBSERVED = 4  # times after the start, equally spaced


def gradients(mode, system, h, times, integrator):
    """(d/dtheta, d/dy0) of sum w y^2 over the observed times of a duration that does not depend on h."""
    model = Stretched(system, torch.Generator().manual_seed(0)).double()
    generator = torch.Generator().manual_seed(1)
    y0 = 0.4 * torch.randn(3, system.dim, dtype=torch.float64, generator=generator)
    weights = torch.randn(OBSERVED + 1, 3, system.dim, dtype=torch.float64, generator=generator)
    y0.requires_grad_()
    steps = round(DURATION / h)
    states = mode().rollout(model, integrator(), y0, h, steps)[:: steps // OBSERVED]
    loss = (weights * states.square())[times].sum()
    *theta, start = torch.autograd.grad(loss, [*model.parameters(), y0])
    return torch.cat([part.flatten() for part in theta]), start


def errors(system, h, times=slice(None), integrator=ImplicitMidpoint):
    """Relative differences to the gradient of the rollout, for the parameters and for the start."""
    return [
        float((ours - exact).norm() / exact.norm())
        for ours, exact in zip(
            gradients(Continuous, system, h, times, integrator),
            gradients(Discrete, system, h, times, integrator),
            strict=True,
        )
    ]


@pytest.mark.parametrize("name", SYSTEMS)
def test_parameter_gradient_is_second_order_away_from_that_of_the_rollout(name):
    coarse, fine = (errors(SYSTEMS[name](), h)[0] for h in (0.1, 0.05))
    assert fine > 1e-8
    assert log2(coarse / fine) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("name", SYSTEMS)
def test_start_gradient_of_an_explicit_method_is_second_order_away(name):
    coarse, fine = (errors(SYSTEMS[name](), h, integrator=ExplicitMidpoint)[1] for h in (0.05, 0.025))
    assert fine > 1e-8
    assert log2(coarse / fine) == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("name", SYSTEMS)
def test_start_gradient_of_implicit_midpoint_is_exact_by_the_cotangent_lift(name):
    assert errors(SYSTEMS[name](), 0.1)[1] < 1e-12


@pytest.mark.parametrize("time", [1, 2, 3, 4])
def test_an_observation_at_any_one_time_makes_lambda_jump(time):
    theta, start = errors(TaoOscillator(), 0.05, times=[time])
    assert 1e-8 < theta < 1e-2
    assert start < 1e-12


def test_an_observation_of_the_start_alone_says_nothing_on_the_parameters():
    theta, _ = gradients(Continuous, TaoOscillator(), 0.1, [0], ImplicitMidpoint)
    assert not theta.any()


def test_the_terminal_term_alone_is_another_gradient():
    """What the paper's eq. 18 leaves: off by a share that no refinement removes."""
    for h in (0.1, 0.025):
        terminal, _ = gradients(Continuous, TaoOscillator(), h, [OBSERVED], ImplicitMidpoint)
        exact, _ = gradients(Discrete, TaoOscillator(), h, slice(None), ImplicitMidpoint)
        assert (terminal - exact).norm() > 0.2 * exact.norm()
