from math import pi

import pytest
import torch
from dop853 import follow
from torch.autograd.functional import jacobian

from systems.three_body import ThreeBody
from systems.trajectories import draw_starts

BODIES = ThreeBody()
TRIANGLE = torch.tensor(BODIES.box, dtype=torch.float64).mean(-1)


def test_the_triangle_rotates_rigidly_with_the_stated_period():
    period = 2 * pi * 3**0.25
    _, third, whole = follow(BODIES, TRIANGLE, [0, period / 3, period])
    torch.testing.assert_close(whole, TRIANGLE, rtol=0, atol=1e-8)
    torch.testing.assert_close(third, TRIANGLE.unflatten(-1, (2, 3, 2)).roll(-1, 1).flatten(), rtol=0, atol=1e-9)


def test_that_motion_is_as_unstable_as_routh_says():
    """Largest real part of the exponents of the equilibrium, in the frame that rotates with it."""
    omega = 3**-0.25
    turn = torch.kron(torch.eye(6), torch.tensor([[0.0, -1.0], [1.0, 0.0]])).double()
    a = jacobian(BODIES.field, TRIANGLE) - omega * turn
    assert (BODIES.field(TRIANGLE) - omega * turn @ TRIANGLE).norm() < 1e-14
    assert float(torch.linalg.eigvals(a).real.max()) == pytest.approx(omega / 2**0.5, abs=1e-6)
    assert BODIES.lyapunov_time == pytest.approx(2**0.5 / omega)


def test_the_figure_of_eight_closes_after_its_period():
    """Start and period are Simo's, as Chenciner and Montgomery quote him; after a third the bodies swap places."""
    x, z, vx, vz = 0.97000436, -0.24308753, -0.93240737, -0.86473146
    places, momenta = (x, z, -x, -z, 0, 0), (-vx / 2, -vz / 2, -vx / 2, -vz / 2, vx, vz)
    start = torch.tensor([*places, *momenta], dtype=torch.float64)
    period = 6.32591398
    _, third, half, whole = follow(BODIES, start, [0, period / 3, period / 2, period])
    torch.testing.assert_close(whole, start, rtol=0, atol=1e-6)
    assert (half - start).norm() > 1
    swaps = [start.unflatten(-1, (2, 3, 2)).roll(by, 1).flatten() for by in (1, -1)]
    assert min((third - swap).norm() for swap in swaps) < 1e-6


def test_the_box_is_accepted_and_what_is_fast_or_close_is_not():
    drawn = draw_starts(BODIES, BODIES.box, 10_000, torch.Generator().manual_seed(0), accepted_only=False)
    assert BODIES.accepts(drawn).all()
    fast, close = TRIANGLE.clone(), TRIANGLE.clone()
    fast[6:] *= 2
    close[:2] = close[2:4] + 0.1
    assert float(BODIES.hamiltonian(fast)) > 0
    assert float(BODIES.hamiltonian(close)) < 0
    assert not BODIES.accepts(torch.stack((fast, close))).any()


@pytest.mark.parametrize("angle", [0.7])
def test_rotations_of_the_plane_leave_h_alone(angle):
    cos, sin = torch.tensor(angle).double().cos(), torch.tensor(angle).double().sin()
    turned = (TRIANGLE.unflatten(-1, (6, 2)) @ torch.tensor([[cos, sin], [-sin, cos]]).double()).flatten()
    assert float(BODIES.hamiltonian(turned)) == pytest.approx(float(BODIES.hamiltonian(TRIANGLE)), abs=1e-14)
