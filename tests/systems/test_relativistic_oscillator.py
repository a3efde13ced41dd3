import pytest
import torch
from torch.autograd.functional import jacobian

from systems.relativistic_oscillator import RelativisticOscillator
from systems.trajectories import draw_starts, integrate

OSCILLATOR = RelativisticOscillator()
STARTS = draw_starts(OSCILLATOR, OSCILLATOR.box, 32, torch.Generator().manual_seed(0), accepted_only=False)


def test_the_origin_is_a_minimum_with_energy_one_and_frequencies_one_and_one():
    origin = torch.zeros(4, dtype=torch.float64)
    assert not OSCILLATOR.field(origin).any()
    assert float(OSCILLATOR.hamiltonian(origin)) == 1
    assert OSCILLATOR.hamiltonian(STARTS).min() > 1
    exponents = torch.linalg.eigvals(jacobian(OSCILLATOR.field, origin))
    assert exponents.imag.abs().tolist() == pytest.approx([1] * 4, abs=1e-12)


def test_nothing_is_faster_than_light():
    velocity = OSCILLATOR.field(1000 * STARTS)[:, :2].norm(dim=-1)
    assert velocity.max() < 1
    assert velocity.max() > 0.999


@pytest.mark.parametrize("still", [0, 1])
def test_motion_along_one_axis_stays_on_it(still):
    y = STARTS.clone()
    y[:, [still, still + 2]] = 0.0
    assert not OSCILLATOR.field(y)[:, [still, still + 2]].any()


def test_orbits_stay_where_their_energy_lets_them():
    """H <= E leaves |q|^2 <= 2 (E - 1) and |p|^2 <= E^2 - 1."""
    energy = OSCILLATOR.hamiltonian(STARTS)[:, None]
    q, p = integrate(OSCILLATOR, STARTS, 0.2, 50).chunk(2, -1)
    assert (q.square().sum(-1) <= 2 * (energy - 1) + 1e-9).all()
    assert (p.square().sum(-1) <= energy**2 - 1 + 1e-9).all()


def test_the_angular_momentum_is_changed_by_the_quartic_term_alone():
    q1, q2, p1, p2 = STARTS.T
    v1, v2, f1, f2 = OSCILLATOR.field(STARTS).T
    torque = v1 * p2 - v2 * p1 + q1 * f2 - q2 * f1
    torch.testing.assert_close(torque, -q1 * q2**3 / 20, rtol=0, atol=1e-15)
