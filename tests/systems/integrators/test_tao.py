"""Tao's explicit step for any H, against its definition by flows, and what its binding does to the order."""

from math import log2

import pytest
import torch
from torch.linalg import matrix_exp

from systems.coupled_oscillator import CoupledOscillator
from systems.double_well import DoubleWell
from systems.integrators import field_of_owner, unroll
from systems.integrators.stormer_verlet import StormerVerlet
from systems.integrators.tao import Tao

Y, H = torch.tensor([0.7, -1.1], dtype=torch.float64), 0.1


def flow(hessian, t):
    """exp(t J S) of the quadratic H = z^T S z / 2 in z = (q, x, p, y), canonical with J."""
    zero, one = torch.zeros(2, 2, dtype=torch.float64), torch.eye(2, dtype=torch.float64)
    return matrix_exp(t * torch.cat((torch.cat((zero, one), 1), torch.cat((-one, zero), 1))) @ hessian)


def quadratic(terms):
    """S of sum c u v over terms {(u, v): c}, by the places of u and v in z."""
    s = torch.zeros(4, 4, dtype=torch.float64)
    for (u, v), c in terms.items():
        s[u, v] += c
        s[v, u] += c
    return s


@pytest.mark.parametrize("omega", [0.0, 1.0, 20.0])
def test_a_step_is_the_composition_of_five_flows(omega):
    """For the coupled oscillator all three terms are quadratic, so that matrix exponentials give their flows."""
    q, x, p, y = range(4)
    first = quadratic({(y, y): 0.5, (q, q): 0.5, (q, y): 0.5})
    second = quadratic({(p, p): 0.5, (x, x): 0.5, (x, p): 0.5})
    half = omega / 2
    binding = quadratic({(q, q): half, (x, x): half, (q, x): -omega, (p, p): half, (y, y): half, (p, y): -omega})
    matrix = flow(first, H / 2) @ flow(second, H / 2) @ flow(binding, H) @ flow(second, H / 2) @ flow(first, H / 2)
    expected = (matrix @ Y[[0, 0, 1, 1]])[[q, p]]
    torch.testing.assert_close(Tao(omega).step(CoupledOscillator().field, Y, H), expected, rtol=0, atol=1e-14)


def test_without_binding_and_with_separable_h_it_is_stormer_verlet():
    field = field_of_owner(DoubleWell())
    torch.testing.assert_close(Tao(0.0).step(field, Y, H), StormerVerlet().step(field, Y, H), rtol=0, atol=1e-15)


def test_a_step_takes_four_evaluations_and_solves_nothing():
    calls = []

    def field(y):
        calls.append(y)
        return CoupledOscillator().field(y)

    Tao().step(field, Y, H)
    assert len(calls) == 4


def order(omega, h):
    system, errors = CoupledOscillator(), []
    exact = system.exact(Y, torch.ones(1, dtype=torch.float64))[0]
    for step in (h, h / 2):
        final = unroll(Tao(omega), system.field, Y, step, round(1 / step))[-1]
        errors.append(float((final - exact).norm()))
    return log2(errors[0] / errors[1])


def test_a_strong_binding_reaches_its_order_at_small_steps_only():
    assert order(1.0, 1 / 8) == pytest.approx(2, abs=0.15)
    assert order(20.0, 1 / 8) < 1.2
    assert order(20.0, 1 / 128) == pytest.approx(2, abs=0.15)
