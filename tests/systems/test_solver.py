"""The solver of the implicit equations: iteration, Newton where it does not contract, and honest failure."""

import pytest
import torch

from systems.double_well import DoubleWell
from systems.integrators import FixedPointSolver, NotSolved, unroll
from systems.integrators.gauss_legendre4 import GaussLegendre4
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.start_guess import RK2

H = 0.3
STIFF = torch.tensor([[0.0, 1.0], [-100.0, 0.0]], dtype=torch.float64)  # rho = 10, h rho / 2 = 1.5: no contraction
START = torch.tensor([[0.7, -1.1], [0.2, 3.0]], dtype=torch.float64)


class Counted:
    def __init__(self, field):
        self.field, self.calls = field, 0

    def __call__(self, y):
        self.calls += 1
        return self.field(y)


def cayley(matrix, y):
    """The step of implicit midpoint for y' = A y in closed form."""
    identity = torch.eye(2, dtype=y.dtype)
    return y @ torch.linalg.solve(identity - H / 2 * matrix, identity + H / 2 * matrix).T


def test_newton_solves_what_the_iteration_does_not():
    midpoint = ImplicitMidpoint()
    torch.testing.assert_close(
        midpoint.step(lambda y: y @ STIFF.T, START, H), cayley(STIFF, START), rtol=1e-12, atol=1e-12
    )
    assert midpoint.solver.report.newton_iterations > 0


def test_contracting_equations_need_no_newton():
    midpoint = ImplicitMidpoint()
    midpoint.step(DoubleWell().field, START, 0.01)
    assert midpoint.solver.report.newton_iterations == 0


def test_an_iteration_that_ends_just_before_it_would_have_converged_goes_on_by_newton():
    full = FixedPointSolver()
    expected = ImplicitMidpoint(full).step(DoubleWell().field, START, 0.1)
    for short in range(1, full.report.iterations + 1):
        midpoint = ImplicitMidpoint(FixedPointSolver(max_iterations=short))
        torch.testing.assert_close(midpoint.step(DoubleWell().field, START, 0.1), expected, rtol=1e-14, atol=1e-14)
        assert (midpoint.solver.report.newton_iterations > 0) == (short < full.report.iterations)


def test_newton_carries_the_gradient_of_the_implicit_function():
    matrix, y = STIFF.clone().requires_grad_(), START.clone().requires_grad_()
    weights = torch.tensor([[0.3, 1.0], [-2.0, 0.5]], dtype=torch.float64)
    found = torch.autograd.grad((weights * ImplicitMidpoint().step(lambda y: y @ matrix.T, y, H)).sum(), (matrix, y))
    expected = torch.autograd.grad((weights * cayley(matrix, y)).sum(), (matrix, y))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("method", [ImplicitMidpoint, GaussLegendre4])
def test_a_batch_where_some_samples_need_newton_has_the_values_and_gradients_of_its_samples(method):
    """At h = 0.5 the iteration contracts at q = 0.3; at q = 4 that of implicit midpoint overflows."""
    starts = torch.tensor([[0.3, 0.1], [4.0, 3.0]], dtype=torch.float64, requires_grad=True)
    midpoint = method()
    together = midpoint.step(DoubleWell().field, starts, 0.5)
    assert midpoint.solver.report.newton_iterations > 0
    (gradient,) = torch.autograd.grad(together.square().sum(), starts)
    for row in (0, 1):
        start = starts[row].detach().requires_grad_()
        alone = method().step(DoubleWell().field, start, 0.5)
        torch.testing.assert_close(together[row], alone, rtol=0, atol=1e-13)
        torch.testing.assert_close(
            gradient[row], torch.autograd.grad(alone.square().sum(), start)[0], rtol=1e-10, atol=1e-12
        )


def test_the_gradient_through_newton_is_the_finite_difference():
    start, eps = torch.tensor([4.0, 3.0], dtype=torch.float64, requires_grad=True), 1e-6
    (gradient,) = torch.autograd.grad(ImplicitMidpoint().step(DoubleWell().field, start, 0.5)[0], start)
    for coordinate in (0, 1):
        move = eps * torch.eye(2, dtype=torch.float64)[coordinate]
        ahead, behind = (ImplicitMidpoint().step(DoubleWell().field, start.detach() + s * move, 0.5) for s in (1, -1))
        assert float(gradient[coordinate]) == pytest.approx(float((ahead - behind)[0]) / (2 * eps), rel=1e-6)


def test_equations_without_solution_are_reported_with_step_h_and_residual():
    """y' = y^2 from 0.3 with h = 1: the midpoint equation has real roots while 2 h y < 1, for two steps only."""
    with pytest.raises(NotSolved, match="at step 3: h = 1, residual = ") as failure:
        unroll(ImplicitMidpoint(), torch.square, torch.full((1, 2), 0.3, dtype=torch.float64), 1.0, 5)
    assert (failure.value.step, failure.value.h) == (3, 1.0)
    assert failure.value.residual > 1e-3


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e200])
def test_a_state_that_is_no_number_any_more_is_not_solved(bad):
    with pytest.raises(NotSolved):
        ImplicitMidpoint().step(DoubleWell().field, torch.tensor([[bad, 0.0]], dtype=torch.float64), 0.1)


@pytest.mark.parametrize("iterations", [0, 1, 4])
def test_a_fixed_number_of_iterations_is_done_exactly(iterations):
    field = Counted(DoubleWell().field)
    found = ImplicitMidpoint(FixedPointSolver(iterations=iterations)).step(field, START, H)
    assert field.calls == 2 + iterations  # two for the prediction
    slope = DoubleWell().field(START + H / 2 * DoubleWell().field(START))
    for _ in range(iterations):
        slope = DoubleWell().field(START + H / 2 * slope)
    torch.testing.assert_close(found, START + H * slope, rtol=0, atol=1e-15)


def test_the_report_counts_solves_and_iterations_and_bounds_the_residual():
    midpoint, field = ImplicitMidpoint(start_guess=RK2()), Counted(DoubleWell().field)
    unroll(midpoint, field, START, 0.1, 3)
    report = midpoint.solver.report
    assert report.solves == 3
    assert report.iterations == field.calls - 3 * 2  # two for each prediction
    assert 3 * 3 < report.iterations < 3 * 40
    assert 0 <= report.residual <= 1


def test_integrators_do_not_share_a_report():
    used, fresh = ImplicitMidpoint(), ImplicitMidpoint()
    used.step(DoubleWell().field, START, 0.1)
    assert fresh.solver.report.solves == 0


def test_a_looser_tolerance_takes_fewer_iterations():
    strict, loose = ImplicitMidpoint(), ImplicitMidpoint(FixedPointSolver(tolerance=1e8))
    for midpoint in (strict, loose):
        midpoint.step(DoubleWell().field, START, 0.1)
    assert loose.solver.report.iterations < strict.solver.report.iterations


def test_a_slow_sample_decides_when_the_iteration_stops():
    fast, slow = torch.tensor([[0.57, 0.0]], dtype=torch.float64), torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    together = ImplicitMidpoint().step(DoubleWell().field, torch.cat((fast, slow)), 0.1)
    alone = ImplicitMidpoint().step(DoubleWell().field, slow, 0.1)
    torch.testing.assert_close(together[1:], alone, rtol=0, atol=1e-15)
