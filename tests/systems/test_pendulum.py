from math import acos, pi

import pytest
import torch
from torch.autograd.functional import jacobian

from systems.integrators import unroll
from systems.integrators.gauss_legendre6 import GaussLegendre6
from systems.pendulum import Pendulum
from systems.trajectories import draw_starts

PENDULUM = Pendulum()


def state(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("turns", [-1, 0, 1])
def test_centres_have_energy_zero_and_frequency_one(turns):
    centre = state(2 * pi * turns, 0)
    assert float(PENDULUM.hamiltonian(centre)) == 0
    exponents = torch.linalg.eigvals(jacobian(PENDULUM.field, centre))
    assert sorted(exponents.imag.tolist()) == pytest.approx([-1, 1], abs=1e-12)
    assert exponents.real.abs().max() < 1e-12


@pytest.mark.parametrize("q", [-pi, pi])
def test_saddles_have_energy_two_and_exponents_plus_minus_one(q):
    saddle = state(q, 0)
    assert float(PENDULUM.hamiltonian(saddle)) == pytest.approx(2, abs=1e-15)
    exponents = torch.linalg.eigvals(jacobian(PENDULUM.field, saddle))
    assert sorted(exponents.real.tolist()) == pytest.approx([-1, 1], abs=1e-12)


@pytest.mark.parametrize(("p", "turns_over"), [(1.99, False), (2.01, True)])
def test_it_turns_over_above_energy_two(p, turns_over):
    states = unroll(GaussLegendre6(), PENDULUM.field, state(0, p), 0.05, 400)
    assert bool(states[-1, 0].abs() > 2 * pi) == turns_over
    assert bool((states[:, 0].abs() < pi).all()) != turns_over


def test_most_of_the_box_is_accepted_and_swings_about_the_nearest_centre():
    drawn = draw_starts(PENDULUM, PENDULUM.box, 100_000, torch.Generator().manual_seed(0), accepted_only=False)
    accepted = PENDULUM.accepts(drawn)
    assert float(accepted.double().mean()) == pytest.approx(0.770, abs=0.004)
    assert not PENDULUM.accepts(drawn[PENDULUM.hamiltonian(drawn) > 1.9]).any()
    swinging = drawn[accepted][:300]
    states = unroll(GaussLegendre6(), PENDULUM.field, swinging, 0.1, 500)
    centres = 2 * pi * (swinging[:, 0] / (2 * pi)).round()
    assert float((states[..., 0] - centres).abs().max()) < acos(1 - 1.9)


def test_the_period_of_a_wide_swing_is_that_of_the_elliptic_integral():
    """From rest at 90 degrees: T = 4 K(sin^2 45 degrees) = 7.416298709205487."""
    period = 7.416298709205487
    states = unroll(GaussLegendre6(), PENDULUM.field, state(pi / 2, 0), period / 400, 400)
    torch.testing.assert_close(states[-1], states[0], rtol=0, atol=1e-10)
