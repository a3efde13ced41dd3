"""Linear least squares of direct fits, in float64."""

import torch
from jaxtyping import Float
from torch import Tensor


class Singular(ArithmeticError):
    """The data do not determine the coefficients."""


def solve_normal(matrix: Float[Tensor, "terms terms"], right: Float[Tensor, " terms"]) -> Float[Tensor, " terms"]:
    """Solve A^T A x = A^T b, columns scaled to unit length. Raises Singular with rank and condition number of A."""
    scale = matrix.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, 1.0)
    values, vectors = torch.linalg.eigh(matrix / scale / scale[:, None])
    known = values > values[-1] * len(values) * torch.finfo(values.dtype).eps
    if not bool(known.all()):
        condition = float((values[-1] / values[0].clamp_min(0)).sqrt())
        raise Singular(
            f"the data do not determine the {len(values)} coefficients: the least-squares matrix has rank "
            f"{int(known.sum())} and condition number {condition:.1e}"
        )
    return vectors @ ((vectors.T @ (right / scale)) / values) / scale
