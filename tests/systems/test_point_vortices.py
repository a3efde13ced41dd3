from math import cos, pi, sin

import pytest
import torch
from dop853 import follow

from systems.point_vortices import PointVortices
from systems.trajectories import draw_starts

VORTICES = PointVortices()
SQUARE = torch.tensor(VORTICES.box, dtype=torch.float64).mean(-1)
STARTS = draw_starts(VORTICES, VORTICES.box, 64, torch.Generator().manual_seed(0), accepted_only=False)


def turned(y, angle):
    q, p = y.chunk(2, -1)
    return torch.cat((cos(angle) * q - sin(angle) * p, sin(angle) * q + cos(angle) * p), -1)


@pytest.mark.parametrize("t", [0.5, 2 * pi / 1.5])
def test_the_square_turns_rigidly_with_angular_velocity_three_halves(t):
    end = follow(VORTICES, SQUARE, [0, t])[-1]
    torch.testing.assert_close(end, turned(SQUARE, 1.5 * t), rtol=0, atol=1e-9)


def test_the_field_is_that_of_vortices_of_strength_2_pi_in_a_plane_fluid():
    """Biot and Savart: each moves as the others stir, by strength/(2 pi distance), across the line between."""
    y = STARTS[0]
    z = torch.complex(y[:4], y[4:])
    velocity = torch.stack([sum(1j / (z[i] - z[j]).conj() for j in range(4) if j != i) for i in range(4)])
    torch.testing.assert_close(VORTICES.field(y), torch.cat((velocity.real, velocity.imag)), rtol=0, atol=1e-14)


def test_a_pair_by_itself_turns_with_angular_velocity_2_over_d_squared():
    far = 1e5  # the other two: what they do to the pair is of order 1/far
    d = 0.5
    y = torch.tensor([d / 2, -d / 2, far, -far, 0, 0, far, -far], dtype=torch.float64)
    field = VORTICES.field(y)
    assert float(field[4] / y[0]) == pytest.approx(2 / d**2, rel=1e-6)
    assert float(field[5] / y[1]) == pytest.approx(2 / d**2, rel=1e-6)


def test_rotations_and_shifts_of_the_plane_leave_h_alone_and_carry_the_field():
    energy, shift = VORTICES.hamiltonian(STARTS), torch.tensor([0.3] * 4 + [-0.8] * 4, dtype=torch.float64)
    for image in (turned(STARTS, 0.7), STARTS + shift):
        torch.testing.assert_close(VORTICES.hamiltonian(image), energy, rtol=0, atol=1e-13)
    torch.testing.assert_close(
        VORTICES.field(turned(STARTS, 0.7)), turned(VORTICES.field(STARTS), 0.7), rtol=0, atol=1e-13
    )


def test_the_box_is_accepted_and_close_pairs_are_not():
    assert VORTICES.accepts(STARTS).all()
    close = SQUARE.clone()
    close[[1, 5]] = close[[0, 4]] + 0.1
    assert not VORTICES.accepts(close)
