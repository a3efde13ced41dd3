from math import log

import pytest
import torch
from dop853 import follow
from torch.autograd.functional import jacobian

from systems.lyapunov import largest_exponents
from systems.toda import Toda

TODA = Toda()
POINTS = torch.randn(16, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_the_origin_is_the_least_with_the_stated_frequencies():
    origin = torch.zeros(6, dtype=torch.float64)
    assert not TODA.field(origin).any()
    assert float(TODA.hamiltonian(origin)) == 0
    assert TODA.hamiltonian(POINTS).min() > 0
    exponents = torch.linalg.eigvals(jacobian(TODA.field, origin))
    assert exponents.real.abs().max() < 1e-7
    expected = [-(3**0.5)] * 2 + [0, 0] + [3**0.5] * 2
    assert sorted(exponents.imag.tolist()) == pytest.approx(expected, abs=1e-7)


def test_the_three_integrals_are_independent_and_hold_along_the_motion():
    def integrals(y):
        return torch.stack((TODA.hamiltonian(y), *TODA.invariants(y).values()), -1)

    for y in POINTS:
        assert torch.linalg.matrix_rank(jacobian(integrals, y)) == 3
    found = integrals(follow(TODA, POINTS / 2, range(6)))
    torch.testing.assert_close(found, found[:1].expand_as(found), rtol=0, atol=1e-9)


def test_the_integrals_are_in_involution():
    """Their Poisson bracket vanishes: without that, three integrals do not make it integrable."""
    for y in POINTS:
        a, b = (jacobian(lambda y, name=name: TODA.invariants(y)[name], y) for name in ("momentum", "third"))
        assert float(a[:3] @ b[3:] - a[3:] @ b[:3]) == pytest.approx(0, abs=1e-13)


@pytest.mark.slow
def test_no_motion_is_chaotic():
    """At energies about 5, where Henon-Heiles would escape: tangent vectors grow in proportion to time, ln(T)/T."""

    def roll_out(y, steps):
        return follow(TODA, y, [0, steps])[-1]

    found = largest_exponents(roll_out, POINTS, POINTS.flip(0), 1.0, 100, 10)
    assert TODA.hamiltonian(POINTS).median() > 3
    assert found.max() < 2 * log(100) / 100


def test_at_rest_on_the_whole_and_to_third_order_it_is_henon_heiles():
    """In normal coordinates of the ring: 3/2 (u^2 + v^2) + 3 sqrt(2)/4 (v^2 u - u^3/3) + fourth order."""
    u, v = torch.tensor([0.3, -0.2], dtype=torch.float64)
    eps = 1e-2
    along, across = torch.tensor([1, -2, 1]).double() / 6**0.5, torch.tensor([1, 0, -1]).double() / 2**0.5

    def potential(scale):
        q = scale * (u * across + v * along)
        return TODA.hamiltonian(torch.cat((q, 0 * q)))

    odd = (potential(eps) - potential(-eps)) / 2 / eps**3
    even = (potential(eps) + potential(-eps)) / 2 / eps**2
    assert float(even) == pytest.approx(1.5 * float(u**2 + v**2), rel=1e-4)
    assert float(odd) == pytest.approx(3 * 2**0.5 / 4 * float(v**2 * u - u**3 / 3), rel=1e-4)
