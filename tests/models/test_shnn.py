"""SHNN: which pairs its loss takes, and that the correction of what it learned is nearer to the truth."""

from math import sin, tan

import pytest
import torch

from models.gradients.backprop import Backprop
from models.shnn import SHNN
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.trajectories import Window


def build(system=None, **arguments):
    arguments = {"hidden": (16, 16), **arguments}
    return SHNN(system or HarmonicOscillator(), torch.Generator().manual_seed(0), **arguments).double()


def turning(h, times, count=40):
    """Noise-free observations of the harmonic oscillator."""
    starts = torch.randn(count, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    observed = HarmonicOscillator().exact(starts, h * torch.arange(times, dtype=torch.float64))
    return Window(starts, observed, h)


@pytest.mark.parametrize(("stride", "every", "apart"), [(1, 1, 1), (3, 1, 3), (10, 1, 5), (3, 2, 3)])
def test_the_loss_is_the_mean_residual_over_all_pairs_that_far_apart(stride, every, apart):
    model, window = build(HenonHeiles(), stride=stride), turning(0.1, 6)
    window = Window(torch.zeros(40, 4).double(), torch.cat((window.observed, window.observed**2), -1), 0.1, every)
    h, residuals = 0.1 * every * apart, []
    for first in range(6 - apart):
        y0, y1 = window.observed[first], window.observed[first + apart]
        g_q, g_p = model.net.gradient((y0 + y1) / 2).chunk(2, dim=-1)
        residuals.append((y1 - y0) / h - torch.cat((g_p, -g_q), -1))
    expected = torch.stack(residuals).square().mean()
    torch.testing.assert_close(model.loss(window, Backprop()), expected, rtol=1e-12, atol=0)
    assert float(model.step) == pytest.approx(h)
    assert model.evaluations == 40 * (6 - apart)


def fit(model, window):
    """Least squares without noise, by L-BFGS."""
    optimiser = torch.optim.LBFGS(model.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = model.loss(window, Backprop())
        loss.backward()
        return loss

    optimiser.step(closure)
    assert float(closure().detach()) < 1e-5


def h_error(h, truth):
    difference = h - truth
    return float((difference - difference.mean()).abs().mean().detach())


@pytest.mark.parametrize("scheme", ["symplectic_euler", "implicit_midpoint", "stormer_verlet"])
def test_a_coarse_step_costs_what_theory_says_and_the_correction_takes_it_back(scheme):
    """At h = 0.5, H~ of the oscillator is known (test_one_step.py); so are the errors of H~ and of its correction."""
    h, points = 0.5, turning(0.5, 1, 200).start
    model = build(scheme=scheme, stride=1)
    fit(model, turning(h, 3, 200))
    truth = HarmonicOscillator().hamiltonian(points)
    raw, corrected = h_error(model.net(points), truth), h_error(model.hamiltonian(points), truth)
    q, p = points.unbind(-1)
    h_tilde = {
        "symplectic_euler": tan(h) / h * (q**2 + p**2) / 2 + (1 / torch.cos(torch.tensor(h)) - 1) / h * q * p,
        "implicit_midpoint": 2 * tan(h / 2) / h * (q**2 + p**2) / 2,
        "stormer_verlet": tan(h / 2) / h * q**2 + sin(h) / h * p**2 / 2,
    }[scheme]
    assert raw == pytest.approx(h_error(h_tilde, truth), rel=0.15)
    assert corrected < 0.6 * raw
    model.correct = False
    assert h_error(model.hamiltonian(points), truth) == raw


def test_before_training_there_is_nothing_to_correct():
    model, y = build(), turning(0.1, 1).start
    torch.testing.assert_close(model.hamiltonian(y), model.net(y), rtol=0, atol=0)


@pytest.mark.parametrize(("correct", "separable"), [(True, False), (False, True)])
def test_a_correction_mixes_q_and_p(correct, separable):
    assert build(scheme="stormer_verlet", correct=correct).separable is separable
    assert not build(scheme="implicit_midpoint", correct=correct).separable
