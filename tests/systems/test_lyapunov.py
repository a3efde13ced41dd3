"""Largest Lyapunov exponents of Henon-Heiles, against the table of reference/models.md, 1.1.3."""

import pytest
import torch

from systems.henon_heiles import HenonHeiles
from systems.integrators import field_of_owner, unroll
from systems.integrators.yoshida4 import Yoshida4
from systems.lyapunov import largest_exponents

HH = HenonHeiles()


def exponents(energy: float, orbits: int, horizon: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    starts = HenonHeiles.section.draw(energy, orbits, generator)
    directions = torch.randn(orbits, 4, dtype=torch.float64, generator=generator)

    def roll_out(y, steps):
        return unroll(Yoshida4(), field_of_owner(HH), y, 0.1, steps)[-1]

    return largest_exponents(roll_out, starts, directions, 0.1, round(horizon / 0.1), 100)


def test_a_pair_grows_as_the_tangent_vector_does():
    """Against the Jacobian of the same steps by automatic differentiation."""
    starts = HenonHeiles.section.draw(0.125, 3, torch.Generator().manual_seed(1))
    direction = torch.ones(3, 4, dtype=torch.float64)

    def last(y):
        return unroll(Yoshida4(), field_of_owner(HH), y, 0.1, 30)[-1]

    found = largest_exponents(lambda y, steps: last(y), starts, direction, 0.1, 30, 30)
    tangents = [
        torch.autograd.functional.jvp(last, start, one / 2)[1] for start, one in zip(starts, direction, strict=True)
    ]
    torch.testing.assert_close(found, torch.stack(tangents).norm(dim=-1).log() / 3, rtol=1e-6, atol=1e-7)


def test_orbits_that_are_not_finite_have_no_exponent():
    y = torch.ones(2, 2, dtype=torch.float64)
    blown = torch.tensor([1.0, 1e300], dtype=torch.float64)[:, None]
    found = largest_exponents(lambda y, n: y * blown.repeat(2, 1) ** n, y, y, 0.1, 40, 10)
    assert found.isnan().tolist() == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("energy", "share", "middle"), [(1 / 12, 0.0, None), (1 / 8, 0.59, 0.054), (1 / 6, 0.96, 0.132)]
)
def test_shares_and_exponents_are_those_of_the_table(energy: float, share: float, middle: float | None):
    """64 orbits to T = 1000: three standard errors of both shares (the table's are of 100 orbits), and at least 0.02.

    The exponents of single orbits at that T spread by about a fifth, so their median by less.
    """
    orbits = 64
    found = exponents(energy, orbits, 1000.0)
    chaotic = found[found > 0.015]
    error = (share * (1 - share) * (1 / orbits + 1 / 100)) ** 0.5
    assert len(chaotic) / orbits == pytest.approx(share, abs=max(0.02, 3 * error))
    if middle:
        assert float(chaotic.median()) == pytest.approx(middle, rel=0.2)
