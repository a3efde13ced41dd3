"""The small matrices of the closed-form adjoint against LAPACK."""

import pytest
import torch

from models.gradients.runge_kutta_adjoint import INVERTED, inverse, inverse_of_identity_minus, product

SAMPLES = (3, 5)


def matrices(size: int) -> torch.Tensor:
    return torch.randn(size, size, *SAMPLES, dtype=torch.float64, generator=torch.Generator().manual_seed(size))


@pytest.mark.parametrize("size", [2, 4])
def test_inverse_by_minors(size):
    matrix = matrices(size)
    expected = torch.linalg.inv(matrix.movedim((0, 1), (-2, -1))).movedim((-2, -1), (0, 1))
    torch.testing.assert_close(inverse(matrix), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [2, 4])
def test_inverse_by_minors_needs_no_pivot(size):
    permutation = torch.eye(size, dtype=torch.float64).roll(1, 0)[..., None]
    assert torch.equal(inverse(permutation), permutation.transpose(0, 1))


@pytest.mark.parametrize("size", [2, INVERTED, INVERTED + 2])
def test_inverse_of_identity_minus(size):
    matrix = 0.3 * matrices(size)
    identity = torch.eye(size, dtype=torch.float64)[..., None, None].expand(matrix.shape)
    torch.testing.assert_close(product(inverse_of_identity_minus(matrix), identity - matrix), identity)
