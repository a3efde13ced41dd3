"""What each bias tells the net: the penalty and the recombinations against their definitions."""

import pytest
import torch
from torch.autograd.functional import hessian

from models.gradients.backprop import Backprop
from models.separable_hnn import SeparableHNN, recombined
from systems.coupled_oscillator import CoupledOscillator
from systems.henon_heiles import HenonHeiles
from systems.trajectories import Window, integrate, points_and_slopes

STARTS = 0.4 * torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def build(**arguments):
    return SeparableHNN(HenonHeiles(), torch.Generator().manual_seed(0), **{"hidden": (7, 6), **arguments}).double()


def window(steps=6, h=0.05, derivatives=False):
    observed = integrate(HenonHeiles(), STARTS, h, steps).transpose(0, 1)
    return Window(observed[0], observed, h, derivatives=HenonHeiles().field(observed) if derivatives else None)


def test_recombined_samples_of_a_separable_system_are_samples_of_it():
    points, slopes = recombined(window().observed, HenonHeiles().field(window().observed), 3)
    assert points.shape == (7, 80, 4)
    torch.testing.assert_close(HenonHeiles().field(points), slopes)
    assert len(points.flatten(0, 1).unique(dim=0)) == 7 * 80


def test_of_a_coupled_system_they_are_not():
    y = STARTS[None, :, :2]
    points, slopes = recombined(y, CoupledOscillator().field(y), 1)
    assert (CoupledOscillator().field(points) - slopes).abs().max() > 0.1


def test_recombinations_say_nothing_new_to_two_nets_but_do_to_one():
    losses = {
        (inductive, shifts): float(
            build(inductive=inductive, recombinations=shifts).loss(window(), Backprop()).detach()
        )
        for inductive in (True, False)
        for shifts in (0, 3)
    }
    assert losses[True, 3] == pytest.approx(losses[True, 0], rel=1e-12)
    assert abs(losses[False, 3] / losses[False, 0] - 1) > 1e-6


def test_the_penalty_is_the_squared_mean_of_the_mixed_derivatives():
    free, bound = build(), build(penalty=2.0)
    mixed = torch.stack([hessian(free.net, y)[:2, 2:].abs() for y in STARTS]).mean()
    difference = bound.loss(window(), Backprop()) - free.loss(window(), Backprop())
    torch.testing.assert_close(difference, 2 * mixed**2, rtol=1e-9, atol=0)
    difference.backward()
    assert all(parameter.grad is not None for parameter in bound.parameters())
    assert float(build(inductive=True).mixed_derivative(STARTS).detach()) == 0


def test_derivatives_are_the_given_ones_else_differences_of_second_order():
    points, slopes = points_and_slopes(window(derivatives=True))
    torch.testing.assert_close(slopes, HenonHeiles().field(points))
    errors = []
    for h in (0.1, 0.05):
        points, slopes = points_and_slopes(window(h=h))
        errors.append(float((slopes - HenonHeiles().field(points)).norm()))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)
    assert points_and_slopes(window(steps=1))[0].shape == (1, 20, 4)
