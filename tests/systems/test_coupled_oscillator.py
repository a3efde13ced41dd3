from math import pi, sqrt

import pytest
import torch
from torch.autograd.functional import jacobian

from systems.coupled_oscillator import CoupledOscillator
from systems.integrators import unroll
from systems.integrators.explicit_midpoint import ExplicitMidpoint
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.trajectories import integrate

CHO = CoupledOscillator()
START = torch.tensor([[1.3, -0.4]], dtype=torch.float64)
PERIOD = 2 * pi / sqrt(0.75)


def test_period_is_7_255():
    assert pytest.approx(7.255, abs=5e-4) == PERIOD
    exponents = torch.linalg.eigvals(jacobian(CHO.field, START[0]))
    assert exponents.imag.abs().tolist() == pytest.approx([sqrt(0.75)] * 2, abs=1e-14)
    round_trip = integrate(CHO, START, PERIOD / 200, 200)
    torch.testing.assert_close(round_trip[:, -1], START, rtol=0, atol=1e-10)
    assert (round_trip[:, 1:-1] - START).norm(dim=-1).min() > 0.01


def test_orbits_are_ellipses_with_axis_ratio_sqrt_3():
    radius = integrate(CHO, START, PERIOD / 400, 400)[0].norm(dim=-1)
    assert float(radius.max() / radius.min()) == pytest.approx(sqrt(3), abs=5e-4)


@pytest.mark.parametrize("alpha", [0.0, -0.3, 0.9])
def test_frequency_is_sqrt_of_one_minus_alpha_squared(alpha):
    exponents = torch.linalg.eigvals(jacobian(CoupledOscillator(alpha).field, START[0]))
    assert exponents.imag.abs().tolist() == pytest.approx([sqrt(1 - alpha**2)] * 2, abs=1e-14)


def test_implicit_midpoint_conserves_the_energy_and_the_explicit_one_does_not():
    def drift(integrator):
        energy = CHO.hamiltonian(unroll(integrator, CHO.field, START, 0.1, 200))
        return float((energy - energy[0]).abs().max())

    assert drift(ImplicitMidpoint()) < 1e-13
    assert drift(ExplicitMidpoint()) > 1e-3


def test_implicit_midpoint_turns_by_two_arctan_of_half_h_omega_a_step():
    h, omega = 0.1, sqrt(0.75)
    step = jacobian(lambda y: ImplicitMidpoint().step(CHO.field, y, h), START[0])
    angles = torch.linalg.eigvals(step).angle().abs().tolist()
    assert angles == pytest.approx([2 * torch.tensor(h * omega / 2).atan().item()] * 2, abs=1e-7)
