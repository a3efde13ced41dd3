"""How symplectic implicit midpoint is when its iteration is cut short (reference/models.md, 4.5).

A count of m iterations means m corrections after the slope of the explicit midpoint rule: m = 0 is RK2.
"""

import pytest
import torch
from torch.autograd.functional import jacobian

from systems.base import apply_j
from systems.integrators import FixedPointSolver
from systems.integrators.explicit_midpoint import ExplicitMidpoint
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.tao_oscillator import TaoOscillator

Y = torch.tensor([0.7, -1.1], dtype=torch.float64)


def defect(iterations, h):
    midpoint = ImplicitMidpoint(FixedPointSolver(iterations=iterations))
    m = jacobian(lambda y: midpoint.step(TaoOscillator().field, y, h), Y)
    j = apply_j(torch.eye(2, dtype=torch.float64)).T
    return float((m.T @ j @ m - j).norm())


@pytest.mark.parametrize(
    ("iterations", "at_0_1", "at_0_05"),
    [(0, 1.7e-3, None), (1, 4.7e-5, 2.1e-6), (2, 1.0e-5, 2.7e-7), (3, 1.6e-7, 1.3e-9), (5, 5e-10, 8e-13)],
)
def test_defect_after_a_fixed_number_of_iterations(iterations, at_0_1, at_0_05):
    assert defect(iterations, 0.1) == pytest.approx(at_0_1, rel=0.1)
    if at_0_05 is not None:
        assert defect(iterations, 0.05) == pytest.approx(at_0_05, rel=0.1)


def test_converged_iteration_is_symplectic_to_rounding():
    assert defect(None, 0.1) < 1e-14


def test_no_iteration_is_the_explicit_midpoint_rule():
    implicit = ImplicitMidpoint(FixedPointSolver(iterations=0)).step(TaoOscillator().field, Y, 0.1)
    torch.testing.assert_close(implicit, ExplicitMidpoint().step(TaoOscillator().field, Y, 0.1), rtol=0, atol=0)
