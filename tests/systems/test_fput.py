import pytest
import torch
from torch.autograd.functional import jacobian

from systems.fput import FPUT

CHAIN = FPUT()
POINTS = torch.randn(16, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_h_is_that_of_the_springs_one_by_one():
    """Hairer, Lubich, Wanner, eq. I.5.1, with q_0 = q_7 = 0: stiff springs 1-2, 3-4, 5-6."""
    q = [0.0, *POINTS[0, :6].tolist(), 0.0]
    expected = float(POINTS[0, 6:].square().sum()) / 2
    expected += sum((q[2 * i] - q[2 * i - 1]) ** 2 / 4 for i in (1, 2, 3))
    expected += sum((q[2 * i + 1] - q[2 * i]) ** 4 for i in (0, 1, 2, 3))
    assert float(CHAIN.hamiltonian(POINTS[0])) == pytest.approx(expected, rel=1e-14)


def test_the_origin_is_a_minimum_with_three_oscillations_and_three_free_modes():
    origin = torch.zeros(12, dtype=torch.float64)
    assert not CHAIN.field(origin).any()
    assert float(CHAIN.hamiltonian(origin)) == 0
    assert CHAIN.hamiltonian(POINTS).min() > 0
    exponents = torch.linalg.eigvals(jacobian(CHAIN.field, origin))
    assert exponents.real.abs().max() < 1e-7
    assert sorted(exponents.imag.tolist()) == pytest.approx([-1] * 3 + [0] * 6 + [1] * 3, abs=1e-7)


def test_reflections_leave_h_alone():
    q, p = POINTS.chunk(2, -1)
    energy = CHAIN.hamiltonian(POINTS)
    for image in ((-q, p), (-q.flip(-1), -p.flip(-1))):
        torch.testing.assert_close(CHAIN.hamiltonian(torch.cat(image, -1)), energy, rtol=1e-14, atol=0)


def test_orbits_are_bounded_for_h_grows_in_every_direction():
    directions = POINTS / POINTS.norm(dim=-1, keepdim=True)
    assert (CHAIN.hamiltonian(20 * directions) > 10 * CHAIN.hamiltonian(5 * directions).clamp(min=0.1)).all()
