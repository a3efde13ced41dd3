from math import pi, sqrt

import pytest
import torch

from systems.trajectories import draw_starts
from systems.two_body import TwoBody

BODIES = TwoBody()
STARTS = draw_starts(BODIES, BODIES.box, 10_000, torch.Generator().manual_seed(0), accepted_only=False)


def test_the_box_is_bound_and_accepted():
    q1, q2, p1, p2 = STARTS.chunk(4, -1)
    binding = (p1 - p2).square().sum(-1) / 4 - 1 / (q1 - q2).norm(dim=-1)
    assert binding.max() < 0
    assert BODIES.accepts(STARTS).all()


def test_unbound_and_falling_pairs_are_rejected():
    fast, falling = (torch.tensor([1, 0, -1, 0, 0, p, 0, -p], dtype=torch.float64) for p in (0.8, 0.1))
    assert not BODIES.accepts(fast)
    assert not BODIES.accepts(falling)


def test_the_centre_of_mass_moves_uniformly():
    states = BODIES.exact(STARTS[:16], torch.tensor([0.0, 3.0], dtype=torch.float64))
    centre, momentum = (states[..., first : first + 2] + states[..., first + 2 : first + 4] for first in (0, 4))
    torch.testing.assert_close(centre[1] - centre[0], 3.0 * momentum[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("d", [1.0, 2.0])
def test_the_circular_orbit_keeps_its_distance_and_has_the_stated_period(d):
    p, period = 1 / sqrt(2 * d), 2 * pi * sqrt(d**3 / 2)
    start = torch.tensor([d / 2, 0, -d / 2, 0, 0, p, 0, -p], dtype=torch.float64)
    states = BODIES.exact(start, torch.linspace(0, period, 9, dtype=torch.float64))
    distance = (states[:, :2] - states[:, 2:4]).norm(dim=-1)
    torch.testing.assert_close(distance, torch.full_like(distance, d), rtol=0, atol=1e-13)
    torch.testing.assert_close(states[-1], start, rtol=0, atol=1e-12)
    torch.testing.assert_close(states[4, :2], -start[:2], rtol=0, atol=1e-12)
