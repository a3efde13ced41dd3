"""The exact adjoint of Runge-Kutta steps in closed form, many steps at once.

Entries of small matrices come first and samples last throughout, so that each entry of all samples lies in one piece.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from systems.integrators.runge_kutta import Coefficients

INVERTED = 4  # unknowns up to which the inverse by minors, entry by entry, beats LAPACK sample by sample


def pull_stages(
    model: Model,
    a: Coefficients,
    b: tuple[float, ...],
    h: float | Float[Tensor, ""],
    stages: Float[Tensor, "stages steps batch dim"],
    cotangent: Float[Tensor, "batch dim"],
    jumps: Float[Tensor, "steps batch dim"],
) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
    """Back through a block of steps, given their stages: dL/d(start of the first step) and dL/dtheta.

    `cotangent` is dL/d(end of the last), `jumps` what the loss adds at the start of each. For stages Y_i with
    A_i = f_y(Y_i), F_i = f_theta(Y_i) and the cotangent v of the new state, a step back is
    w_i = b_i v + h sum_j a_ji A_j^T w_j,  y = v + h sum_i A_i^T w_i,  theta += h sum_i F_i^T w_i
    (Hairer, Lubich, Wanner, VI.10; for implicit midpoint w = (y + v)/2, the cotangent lift). No value decides what
    is computed next: the whole can be compiled, and no device is waited for.
    """
    linearised = model.linearise(stages.flatten(0, -2))
    jacobians = linearised.jacobian().unflatten(0, stages.shape[:-1])
    matrices = pullback_matrices(a, b, h, jacobians)
    weights, v = [], cotangent
    for step in range(stages.shape[1] - 1, -1, -1):
        *stage_weights, y = (matrices[:, :, step] * v.T).sum(1).chunk(len(stages) + 1)
        weights.append(torch.stack(stage_weights, dim=1))
        v = y.T + jumps[step]
    cotangents = torch.stack(weights[::-1], dim=2)  # [dim, stages, steps, batch]
    return v, linearised.pull_parameters(h * cotangents.flatten(1).T)


def pullback_matrices(
    a: Coefficients,
    b: tuple[float, ...],
    h: float | Float[Tensor, ""],
    jacobians: Float[Tensor, "stages steps batch dim dim"],
) -> Float[Tensor, "rows dim steps batch"]:
    """The matrices that take the cotangent v of a step's end to (w_1, ..., w_s, y)."""
    transposed = h * jacobians.movedim((-1, -2), (1, 2))  # h A^T
    explicit = all(weight == 0 for i, row in enumerate(a) for weight in row[i:])
    weights = (explicit_weights if explicit else implicit_weights)(a, b, transposed)
    identity = torch.eye(jacobians.shape[-1], dtype=jacobians.dtype, device=jacobians.device)
    end = identity[..., None, None] + product(beside(transposed), weights)
    return torch.cat((weights, end))


def explicit_weights(
    a: Coefficients, b: tuple[float, ...], transposed: Float[Tensor, "stages dim dim *batch"]
) -> Float[Tensor, "rows dim *batch"]:
    """W_i = b_i I + sum_{j>i} a_ji h A_j^T W_j, from the last stage to the first."""
    identity = torch.eye(transposed.shape[1], dtype=transposed.dtype, device=transposed.device)
    identity = identity[(...,) + (None,) * (transposed.ndim - 3)].expand(transposed.shape[1:])
    weights: list[Tensor] = []  # of the stages from the last to i
    pulled: list[Tensor] = []  # h A_j^T W_j
    for i in range(len(b) - 1, -1, -1):
        weight = b[i] * identity
        for j, pulled_j in zip(range(len(b) - 1, i, -1), pulled, strict=True):
            if a[j][i]:
                weight = torch.add(weight, pulled_j, alpha=a[j][i])
        weights.append(weight)
        pulled.append(product(transposed[i], weight))
    return torch.cat(weights[::-1])


def implicit_weights(
    a: Coefficients, b: tuple[float, ...], transposed: Float[Tensor, "stages dim dim *batch"]
) -> Float[Tensor, "rows dim *batch"]:
    """The same with the sum over all j: one linear system for all stages."""
    coefficients, samples = transposed.new_tensor(a), (None,) * (transposed.ndim - 3)
    coupling = (coefficients.T[(..., None, None, *samples)] * transposed).movedim(2, 1)  # [i, row, j, column, ...]
    solved = inverse_of_identity_minus(coupling.flatten(2, 3).flatten(0, 1)).unflatten(1, (len(b), -1))
    return sum((weight * solved[:, stage] for stage, weight in enumerate(b[1:], 1)), b[0] * solved[:, 0])


def beside(matrices: Float[Tensor, "stages rows inner *batch"]) -> Float[Tensor, "rows all_inner *batch"]:
    """The matrices of all stages next to each other."""
    return matrices.movedim(0, 1).flatten(1, 2)


def product(
    left: Float[Tensor, "rows inner *batch"], right: Float[Tensor, "inner columns *batch"]
) -> Float[Tensor, "rows columns *batch"]:
    """left right, entry by entry for all samples at once: the matrices are too small for BLAS."""
    total = left[:, 0, None] * right[0]
    for inner in range(1, len(right)):
        total = torch.addcmul(total, left[:, inner, None], right[inner])
    return total


def inverse_of_identity_minus(matrix: Float[Tensor, "size size *batch"]) -> Float[Tensor, "size size *batch"]:
    """(I - matrix)^-1."""
    size = len(matrix)
    identity = torch.eye(size, dtype=matrix.dtype, device=matrix.device)
    if size <= INVERTED:
        return inverse(identity[(..., *(None,) * (matrix.ndim - 2))] - matrix)
    return torch.linalg.inv(identity - matrix.movedim((0, 1), (-2, -1))).movedim((-2, -1), (0, 1))


def inverse(matrix: Float[Tensor, "size size *batch"]) -> Float[Tensor, "size size *batch"]:
    """Of 2 x 2 and 4 x 4 matrices by Cramer's rule, which needs no pivots and so decides nothing by value."""
    if len(matrix) == 2:
        (p, q), (r, s) = matrix
        return torch.stack((s, -q, -r, p)).unflatten(0, (2, 2)) / (p * s - q * r)
    first = product(dual(matrix[2], matrix[3]), torch.stack((matrix[1], -matrix[0]), dim=1))
    last = product(dual(matrix[0], matrix[1]), torch.stack((matrix[3], -matrix[2]), dim=1))
    return torch.cat((first, last), dim=1) / (matrix[0] * first[:, 0]).sum(0)


def dual(u: Float[Tensor, "4 *batch"], v: Float[Tensor, "4 *batch"]) -> Float[Tensor, "4 4 *batch"]:
    """K with x . K y = det(x, y, u, v), the Hodge dual of the 2 x 2 minors of (u, v)."""
    minors = u[:, None] * v - v[:, None] * u
    others = ((1, 2, 3), (0, 3, 2), (3, 0, 1), (2, 1, 0))  # K_ij is the minor of the other two, in even order
    entries = [torch.zeros_like(u[0])] * 16
    for i, (j, k, m) in enumerate(others):
        for column, first, second in ((j, k, m), (k, m, j), (m, j, k)):
            entries[4 * i + column] = minors[first, second]
    return torch.stack(entries).unflatten(0, (4, 4))
