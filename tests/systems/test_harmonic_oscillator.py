from math import cos, pi, sin

import torch

from systems.harmonic_oscillator import HarmonicOscillator
from systems.trajectories import integrate

START = torch.tensor([[0.8, -0.3], [0.1, 1.1]], dtype=torch.float64)


def test_period_is_two_pi():
    states = integrate(HarmonicOscillator(), START, pi / 100, 200)
    torch.testing.assert_close(states[:, -1], START, rtol=0, atol=1e-12)
    torch.testing.assert_close(states[:, 100], -START, rtol=0, atol=1e-12)


def test_flow_is_the_rotation_by_minus_t():
    t = 0.7
    rotation = torch.tensor([[cos(t), sin(t)], [-sin(t), cos(t)]], dtype=torch.float64)
    found = integrate(HarmonicOscillator(), START, t / 50, 50)[:, -1]
    torch.testing.assert_close(found, START @ rotation.T, rtol=0, atol=1e-12)
