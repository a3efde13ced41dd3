"""The triple jumps are compositions of three steps, and their coefficients say the same."""

import pytest
import torch

from systems.coupled_oscillator import CoupledOscillator
from systems.double_well import DoubleWell
from systems.integrators import FixedPointSolver, field_of_owner
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.runge_kutta import displace
from systems.integrators.stormer_verlet import StormerVerlet
from systems.integrators.yoshida4 import TRIPLE_JUMP, Yoshida4
from systems.integrators.yoshida4_midpoint import Yoshida4Midpoint

Y, H = torch.tensor([[0.7, -1.1], [0.2, 0.4]], dtype=torch.float64), 0.1


def test_the_jumps_add_up_to_a_step_and_their_cubes_to_nothing():
    assert sum(TRIPLE_JUMP) == pytest.approx(1, abs=1e-15)
    assert sum(share**3 for share in TRIPLE_JUMP) == pytest.approx(0, abs=1e-14)
    assert TRIPLE_JUMP[::-1] == TRIPLE_JUMP


@pytest.mark.parametrize(("composed", "basic"), [(Yoshida4, StormerVerlet), (Yoshida4Midpoint, ImplicitMidpoint)])
@pytest.mark.parametrize("system", [CoupledOscillator(), DoubleWell()])
def test_a_step_is_three_steps_of_the_basic_method(composed, basic, system):
    field, y = field_of_owner(system), Y
    for share in TRIPLE_JUMP:
        y = basic().step(field, y, share * H)
    torch.testing.assert_close(composed().step(field, Y, H), y, rtol=0, atol=1e-14)


def test_coefficients_are_symplectic_and_of_order_four():
    a, b = (torch.tensor(part, dtype=torch.float64) for part in (Yoshida4Midpoint.a, Yoshida4Midpoint.b))
    weighted = b[:, None] * a
    torch.testing.assert_close(weighted + weighted.T, torch.outer(b, b), rtol=0, atol=1e-15)
    c = a.sum(1)
    conditions = [b.sum(), b @ c, b @ c**2, b @ a @ c, b @ c**3, (b * c) @ a @ c, b @ a @ c**2, b @ a @ a @ c]
    expected = [1, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 8, 1 / 12, 1 / 24]
    assert [float(condition) for condition in conditions] == pytest.approx(expected, abs=1e-14)


def test_slopes_belong_to_the_stages_that_the_coefficients_give():
    midpoint, field = Yoshida4Midpoint(), CoupledOscillator().field
    slopes = midpoint.slopes(field, Y, H)
    torch.testing.assert_close(slopes, field(displace(Y, H, midpoint.a, slopes)), rtol=0, atol=1e-13)


def test_separable_h_makes_the_jumps_of_stormer_verlet_explicit():
    solver = FixedPointSolver()
    Yoshida4(solver).step(field_of_owner(DoubleWell()), Y, H)
    assert solver.report.solves == 0
    Yoshida4(solver).step(CoupledOscillator().field, Y, H)
    assert solver.report.solves == 6  # a kick and a drift a jump


def test_the_report_of_the_solver_counts_every_jump():
    midpoint = Yoshida4Midpoint()
    midpoint.step(CoupledOscillator().field, Y, H)
    assert midpoint.solver.report.solves == 3
