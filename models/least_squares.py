"""Linear least squares of direct fits, in float64."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor


class Singular(ArithmeticError):
    """The data do not determine the coefficients."""


def solve_normal(matrix: Float[Tensor, "terms terms"], right: Float[Tensor, " terms"]) -> Float[Tensor, " terms"]:
    """Solve A^T A x = A^T b, columns scaled to unit length. Raises Singular with rank and condition number of A."""
    values, vectors, scale = scaled_eigen(matrix)
    known = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
    if not bool(known.all()):
        condition = float((values[-1] / values[0].clamp_min(0)).sqrt())
        raise Singular(
            f"the data do not determine the {len(values)} coefficients: the least-squares matrix has rank "
            f"{int(known.sum())} and condition number {condition:.1e}"
        )
    return vectors @ ((vectors.T @ (right / scale)) / values) / scale


def solve_by_evidence(
    matrix: Float[Tensor, "terms terms"], right: Float[Tensor, " terms"], square: Float[Tensor, ""], count: int
) -> Float[Tensor, " terms"]:
    """Ridge solution of A x = b from A^T A, A^T b, b^T b and the number of rows, for noisy b and too many terms.

    The ridge is the ratio of the variances of noise and coefficients (columns scaled to unit length) under which the
    data are most probable, by MacKay's fixed point (Neural Computation 4, 1992, 415-447).
    """
    values, vectors, scale = scaled_eigen(matrix)
    values, projected = values.clamp_min(0), vectors.T @ (right / scale)
    tiny = torch.finfo(values.dtype)
    ridge = values.mean() * 1e-6
    for _ in range(100):
        solution = projected / (values + ridge)
        determined = (values / (values + ridge)).sum()  # the effective number of coefficients
        residual = square - (solution * (2 * projected - values * solution)).sum()
        noise = residual.clamp_min(tiny.eps * square) / (count - determined)
        before, ridge = ridge, noise * determined / solution.square().sum().clamp_min(tiny.tiny)
        ridge = ridge.clamp_min(values[-1] * tiny.eps)
        if abs(float(ridge / before) - 1) < 1e-3:
            break
    return vectors @ (projected / (values + ridge)) / scale


def solve_by_rows(blocks: Iterable[tuple[Tensor, Tensor]], rcond: float) -> Float[Tensor, " terms"]:
    """Minimum-norm solution of A x = b from blocks ([rows, terms], [rows]), A's condition number not squared.

    Singular values below `rcond` times the largest count as zero. A itself is never held: only its triangular factor.
    """
    factor = None
    for rows, right in blocks:
        block = torch.cat((rows, right[:, None]), dim=1)
        factor = torch.linalg.qr(block if factor is None else torch.cat((factor, block)), mode="r").R
    assert factor is not None
    u, values, v = torch.linalg.svd(factor[:, :-1], full_matrices=False)
    inverse = torch.where(values > rcond * values[0], 1 / values, 0.0)
    return v.T @ (inverse * (u.T @ factor[:, -1]))


def scaled_eigen(
    matrix: Float[Tensor, "terms terms"],
) -> tuple[Float[Tensor, " terms"], Float[Tensor, "terms terms"], Float[Tensor, " terms"]]:
    """Eigenvalues, ascending, and eigenvectors of D^-1 A^T A D^-1, and D, the lengths of the columns of A."""
    scale = matrix.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, 1.0)
    values, vectors = torch.linalg.eigh(matrix / scale / scale[:, None])
    return values, vectors, scale
