"""Where the iteration starts decides what a step costs, not what it is."""

import pytest
import torch

from systems.double_well import DoubleWell
from systems.integrators import unroll
from systems.integrators.gauss_legendre4 import GaussLegendre4
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.start_guess import RK2, USUAL, Extrapolation, Observation

START = torch.tensor([[0.7, -1.1], [0.2, 1.0]], dtype=torch.float64)
H, STEPS = 0.05, 20


def rollout(method, guess):
    integrator = method(start_guess=guess())
    observed = unroll(method(), DoubleWell().field, START, H, STEPS) + 0.01
    started = integrator.observing(observed[::2], 2)
    return unroll(started, DoubleWell().field, START, H, STEPS), started.solver.report


@pytest.mark.parametrize("guess", [RK2, Extrapolation, Observation])
@pytest.mark.parametrize("method", [ImplicitMidpoint, GaussLegendre4])
def test_the_trajectory_does_not_depend_on_the_guess(method, guess):
    states, report = rollout(method, guess)
    torch.testing.assert_close(states, rollout(method, RK2)[0], rtol=0, atol=1e-13)
    assert report.newton_iterations == 0


def test_extrapolation_needs_fewer_iterations_than_the_observations():
    assert (
        rollout(ImplicitMidpoint, Extrapolation)[1].iterations < rollout(ImplicitMidpoint, Observation)[1].iterations
    )


def test_extrapolation_through_many_slopes_leaves_little_to_iterate_in_small_steps():
    """Three would leave four or five iterations a step."""
    method = ImplicitMidpoint()
    unroll(method, DoubleWell().field, START, 0.005, 200)
    assert method.solver.report.iterations < 2 * 200


def test_where_iterations_are_left_more_slopes_are_used(monkeypatch):
    def iterations(h):
        method = ImplicitMidpoint()
        unroll(method, DoubleWell().field, 2 * START, h, 300)
        return method.solver.report.iterations

    coarse, fine = iterations(0.03), iterations(0.001)
    monkeypatch.setattr("systems.integrators.runge_kutta.REMEMBERED", USUAL)
    assert coarse < 0.95 * iterations(0.03)
    assert fine == pytest.approx(iterations(0.001), abs=10)  # but for the first steps
