from math import sqrt

import pytest
import torch
from torch.autograd.functional import jacobian

from systems.henon_heiles import HenonHeiles
from systems.integrators import unroll
from systems.integrators.rk4 import RK4
from systems.trajectories import draw_starts

HH = HenonHeiles()
SADDLES = [(0.0, 1.0), (sqrt(3) / 2, -0.5), (-sqrt(3) / 2, -0.5)]


def state(*values):
    return torch.tensor(values, dtype=torch.float64)


def box_sample(count, accepted_only=False):
    return draw_starts(HH, HH.box, count, torch.Generator().manual_seed(0), accepted_only=accepted_only)


def test_origin_is_a_minimum_with_frequencies_one_and_one():
    assert not HH.field(state(0, 0, 0, 0)).any()
    assert float(HH.hamiltonian(state(0, 0, 0, 0))) == 0
    exponents = torch.linalg.eigvals(jacobian(HH.field, state(0, 0, 0, 0)))
    assert exponents.imag.abs().tolist() == pytest.approx([1] * 4, abs=1e-12)


@pytest.mark.parametrize("position", SADDLES)
def test_saddles_have_energy_one_sixth(position):
    saddle = state(*position, 0, 0)
    assert HH.field(saddle).abs().max() < 1e-15
    assert float(HH.hamiltonian(saddle)) == pytest.approx(1 / 6, abs=1e-15)
    exponents = torch.linalg.eigvals(jacobian(HH.field, saddle))
    assert sorted(exponents.real.tolist()) == pytest.approx([-1, 0, 0, 1], abs=1e-7)
    assert float(exponents.imag.max()) == pytest.approx(sqrt(3), abs=1e-7)


def test_bounded_motion_holds_53_5_percent_of_the_box():
    y = box_sample(200_000)
    inside = (y[:, 1] > -0.5) & (y[:, 1] < 1 - sqrt(3) * y[:, 0].abs())
    assert float((inside & (HH.hamiltonian(y) < 1 / 6)).double().mean()) == pytest.approx(0.535, abs=0.01)


def test_accepted_starts_have_energy_at_most_0_16_and_stay_in_the_triangle():
    y = box_sample(300, accepted_only=True)
    assert HH.hamiltonian(y).max() <= 0.16
    x, z = unroll(RK4(), HH.field, y, 0.1, 500)[..., :2].unbind(-1)
    assert (z > -0.5).all()
    assert (z < 1 - sqrt(3) * x.abs()).all()


def test_starts_beyond_the_saddles_are_rejected_though_their_energy_is_low():
    beyond = state([0, 1.6, 0, 0], [2, -1.2, 0, 0])
    assert (HH.hamiltonian(beyond) < 0.16).all()
    assert not HH.accepts(beyond).any()


def test_motion_above_the_saddles_can_escape():
    start = state(0, 0, 0, 0.7)
    assert HH.hamiltonian(start) > 1 / 6
    assert not HH.accepts(start)
    assert unroll(RK4(), HH.field, start, 0.01, 500)[:, 1].max() > 2
