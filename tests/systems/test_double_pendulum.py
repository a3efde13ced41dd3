from math import pi, sqrt

import pytest
import torch
from torch.autograd.functional import jacobian

from systems.double_pendulum import DoublePendulum
from systems.integrators import unroll
from systems.integrators.rk4 import RK4
from systems.trajectories import draw_starts

PENDULA = DoublePendulum()
SLOW, FAST = sqrt(2 - sqrt(2)), sqrt(2 + sqrt(2))
MIXED = 2**0.25


def state(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("q", "energy", "real", "imaginary"),
    [
        ((0, 0), -3, [0, 0, 0, 0], [-FAST, -SLOW, SLOW, FAST]),
        ((0, pi), -1, [-MIXED, 0, 0, MIXED], [-MIXED, 0, 0, MIXED]),
        ((pi, 0), 1, [-MIXED, 0, 0, MIXED], [-MIXED, 0, 0, MIXED]),
        ((pi, pi), 3, [-FAST, -SLOW, SLOW, FAST], [0, 0, 0, 0]),
    ],
)
def test_equilibria_have_the_stated_energies_and_exponents(q, energy, real, imaginary):
    point = state(*q, 0, 0)
    assert PENDULA.field(point).abs().max() < 1e-15
    assert float(PENDULA.hamiltonian(point)) == pytest.approx(energy, abs=1e-15)
    exponents = torch.linalg.eigvals(jacobian(PENDULA.field, point))
    assert sorted(exponents.real.tolist()) == pytest.approx(real, abs=1e-7)
    assert sorted(exponents.imag.tolist()) == pytest.approx(imaginary, abs=1e-7)


def test_the_kinetic_energy_is_that_of_the_two_masses():
    """Of the velocities in the plane, (x, z)' of a mass on a rod being v (cos q, sin q)."""
    y = draw_starts(PENDULA, PENDULA.box, 32, torch.Generator().manual_seed(0), accepted_only=False)
    q, p = y.chunk(2, -1)
    v = PENDULA.field(y)[:, :2]
    first = v[:, :1] * torch.stack((q[:, 0].cos(), q[:, 0].sin()), -1)
    second = first + v[:, 1:] * torch.stack((q[:, 1].cos(), q[:, 1].sin()), -1)
    kinetic = (first.square() + second.square()).sum(-1) / 2
    potential = PENDULA.hamiltonian(torch.cat((q, 0 * p), -1))
    torch.testing.assert_close(PENDULA.hamiltonian(y) - potential, kinetic, rtol=0, atol=1e-13)
    cos = (q[:, 0] - q[:, 1]).cos()
    torch.testing.assert_close(p, torch.stack((2 * v[:, 0] + cos * v[:, 1], cos * v[:, 0] + v[:, 1]), -1))


def test_neighbours_part_exponentially_at_high_energy():
    """Growth rates of a small distance over t = 60, renewed every 2, from rest at (2, 2) and at (0.1, 0.1)."""
    starts, apart, span = state((2, 2, 0, 0), (0.1, 0.1, 0, 0)), 1e-7, 60
    near, logarithms = starts + apart * state(1, 0, 0, 0), torch.zeros(2, dtype=torch.float64)
    for _ in range(span // 2):
        starts, near = unroll(RK4(), PENDULA.field, torch.stack((starts, near)), 0.1, 20)[-1]
        distance = (near - starts).norm(dim=-1, keepdim=True)
        near = starts + (near - starts) * apart / distance
        logarithms += (distance / apart).log()[:, 0]
    wide, narrow = (logarithms / span).tolist()
    assert wide > 0.2
    assert narrow < 0.1
