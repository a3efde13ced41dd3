import pytest
import torch
from torch.autograd.functional import jacobian

from systems.damped_oscillator import DampedOscillator
from systems.trajectories import draw_starts, integrate

DAMPED = DampedOscillator()
G = DAMPED.damping
STARTS = draw_starts(DAMPED, DAMPED.box, 16, torch.Generator().manual_seed(0), accepted_only=False)
A_COORDINATE = torch.eye(4, dtype=torch.float64)


def test_sum_and_difference_obey_the_damped_and_the_anti_damped_equation():
    """s'' = -s - g s' for every state: second derivatives along the flow, D f f."""
    x1, x2, _, _ = A_COORDINATE
    for along, sign in ((x1 + x2, -1), (x1 - x2, 1)):
        velocity = DAMPED.field(STARTS) @ along
        acceleration = torch.stack([jacobian(DAMPED.field, y) @ DAMPED.field(y) for y in STARTS]) @ along
        torch.testing.assert_close(acceleration, -STARTS @ along + sign * G * velocity, rtol=0, atol=1e-14)


def test_the_physical_momentum_is_the_velocity_of_the_mean():
    f = DAMPED.field(STARTS)
    torch.testing.assert_close(f[:, 0] + f[:, 1], STARTS[:, 2] - STARTS[:, 3], rtol=0, atol=1e-15)


def test_the_physical_plane_is_invariant_and_has_energy_zero():
    x, p = torch.randn(2, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    plane = torch.stack((x, x, p, -p), -1)
    assert not DAMPED.hamiltonian(plane).any()
    states = integrate(DAMPED, plane, 0.1, 100)
    torch.testing.assert_close(states[..., 0], states[..., 1], rtol=0, atol=1e-13)
    torch.testing.assert_close(states[..., 2], -states[..., 3], rtol=0, atol=1e-13)


def test_exponents_at_the_origin():
    exponents = torch.linalg.eigvals(jacobian(DAMPED.field, torch.zeros(4, dtype=torch.float64)))
    assert sorted(exponents.real.tolist()) == pytest.approx([-G / 2, -G / 2, G / 2, G / 2], abs=1e-14)
    assert exponents.imag.abs().tolist() == pytest.approx([(1 - G**2 / 4) ** 0.5] * 4, abs=1e-14)
