"""The exact adjoint of a run of steps whose states are known: what the gradient modes that keep no graph share."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import add_to, blocks_backwards, trainable
from models.gradients.by_hand import Problem
from systems.integrators import Integrator, field_of_owner
from systems.integrators.runge_kutta import RungeKutta, coefficient_tensor

ELIMINATED = 4  # unknowns up to which elimination, entry by entry for all samples, beats LAPACK sample by sample


class BlockAdjoint(ABC):
    """The adjoint of a block of steps, step by step from its end."""

    @abstractmethod
    def pull(self, step: int, cotangent: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        """dL/d(start) of a step, counted from the block's first, given dL/d(end)."""

    @abstractmethod
    def accumulate(self, totals: list[Tensor]) -> None:
        """Add the block's share of dL/dtheta, once every step has been pulled."""


class RungeKuttaAdjoint(BlockAdjoint):
    """By the implicit function theorem, all stages of the block at once.

    For stages Y_i with A_i = f_y(Y_i) and the cotangent v of the new state, the step back is
    w_i = b_i v + h sum_j a_ji A_j^T w_j,  y = v + h sum_i A_i^T w_i,  theta += h sum_i f_theta(Y_i)^T w_i
    (Hairer, Lubich, Wanner, VI.10; for implicit midpoint w = (y + v)/2, the cotangent lift).
    """

    def __init__(self, model: Model, integrator: RungeKutta, starts: Tensor, ends: Tensor, h: float):
        stages = integrator.stages(field_of_owner(model), starts, ends, h)
        self.linearised = model.linearise(stages.flatten(0, -2))
        jacobians = self.linearised.jacobian().unflatten(0, stages.shape[:-1])
        self.matrices = runge_kutta_pullback(integrator, jacobians, h)
        self.weights, self.h = torch.empty_like(stages), h

    def pull(self, step: int, cotangent: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        image = (self.matrices[:, :, step] * cotangent.T).sum(1)
        *weights, cotangent = image.T.chunk(len(self.weights) + 1, dim=-1)
        for weight, stage in zip(weights, self.weights, strict=True):
            stage[step] = weight
        return cotangent

    def accumulate(self, totals: list[Tensor]) -> None:
        add_to(totals, self.linearised.pull_parameters((self.h * self.weights).flatten(0, -2)))


class RecomputedAdjoint(BlockAdjoint):
    """For any method: the steps of the block are taken again with a graph, all at once, and differentiated."""

    def __init__(self, model: Model, integrator: Integrator, starts: Tensor, h: float):
        self.parameters = trainable(model)
        with torch.enable_grad():
            self.starts = starts.detach().requires_grad_()
            self.ends = integrator.step(field_of_owner(model), self.starts, h)
            columns = [
                torch.autograd.grad(entry.sum(), self.starts, retain_graph=True)[0] for entry in self.ends.unbind(-1)
            ]
        self.matrices = torch.stack(columns, dim=-1)  # transposed Jacobians
        self.cotangents = torch.empty_like(starts)

    def pull(self, step: int, cotangent: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        self.cotangents[step] = cotangent
        return torch.linalg.vecdot(self.matrices[step], cotangent[:, None])

    def accumulate(self, totals: list[Tensor]) -> None:
        gradients = torch.autograd.grad(
            self.ends, self.parameters, self.cotangents, allow_unused=True, materialize_grads=True
        )
        add_to(totals, gradients)


def block_adjoint(model: Model, integrator: Integrator, starts: Tensor, ends: Tensor, h: float) -> BlockAdjoint:
    """The adjoint of the steps from `starts` to `ends`, [steps, batch, dim] each."""
    if isinstance(integrator, RungeKutta):
        return RungeKuttaAdjoint(model, integrator, starts, ends, h)
    return RecomputedAdjoint(model, integrator, starts, h)


def pull_back(
    problem: Problem,
    states_between: Callable[[int, int], Float[Tensor, "times batch dim"]],
    state_gradients: Float[Tensor, "times batch dim"],
) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
    """dL/dy0 and dL/dtheta, from the last step to the first in blocks of bounded size.

    `states_between(first, last)` gives the states first, ..., last; it is asked for blocks from the end.
    `state_gradients` are dL/dy at the observed times, every `every` steps.
    """
    model, every = problem.model, problem.every
    totals = [torch.zeros_like(parameter) for parameter in trainable(model)]
    steps, cotangent = (len(state_gradients) - 1) * every, state_gradients[-1]
    for first, last in blocks_backwards(steps, state_gradients.shape[1]):
        states = states_between(first, last)
        adjoint = block_adjoint(model, problem.integrator, states[:-1], states[1:], problem.h)
        for step in range(last - 1, first - 1, -1):
            cotangent = adjoint.pull(step - first, cotangent)
            if step % every == 0:
                cotangent = cotangent + state_gradients[step // every]
        adjoint.accumulate(totals)
        del states, adjoint  # or two blocks are held while the next one is prepared
    return cotangent, totals


def runge_kutta_pullback(
    integrator: RungeKutta, jacobians: Float[Tensor, "stages steps batch dim dim"], h: float
) -> Float[Tensor, "rows dim steps batch"]:
    """The matrices that take the cotangent v of a step's end to (w_1, ..., w_s, y), for many steps at once.

    Entries come first and samples last throughout, so that small systems are worked on entry by entry.
    """
    stages, dim = len(jacobians), jacobians.shape[-1]
    a = coefficient_tensor(integrator.a, jacobians.dtype, jacobians.device)
    b = coefficient_tensor(integrator.b, jacobians.dtype, jacobians.device)
    identity = torch.eye(dim, dtype=jacobians.dtype, device=jacobians.device)
    transposed = h * jacobians.movedim((-1, -2), (0, 1))  # h A^T, [dim, dim, stages, steps, batch]
    coupling = a.T[:, None, :, None, None, None] * transposed.movedim(2, 1)
    weights = solve_identity_minus(coupling.flatten(2, 3).flatten(0, 1), torch.kron(b[:, None], identity))
    through = sum_of_products(transposed, weights.unflatten(0, (stages, dim)))
    return torch.cat((weights, identity[..., None, None] + through))


def sum_of_products(
    left: Float[Tensor, "rows inner stages *batch"], right: Float[Tensor, "stages inner columns *batch"]
) -> Float[Tensor, "rows columns *batch"]:
    """sum_i left_i right_i, entry by entry for all samples at once: the matrices are too small for BLAS."""
    total = torch.zeros((), dtype=left.dtype, device=left.device)
    for stage in range(len(right)):
        for inner in range(right.shape[1]):
            total = torch.addcmul(total, left[:, inner, stage, None], right[stage, inner])
    return total


def solve_identity_minus(
    matrix: Float[Tensor, "size size *batch"], right: Float[Tensor, "size columns"]
) -> Float[Tensor, "size columns *batch"]:
    """(I - matrix)^-1 right. Small contractions are eliminated without pivots, which they do not need."""
    size = len(matrix)
    identity = torch.eye(size, dtype=matrix.dtype, device=matrix.device)
    if size <= ELIMINATED and bool(matrix.abs().sum(1).amax() < 0.5):
        return eliminate(identity[(...,) + (None,) * (matrix.ndim - 2)] - matrix, right)
    solved = torch.linalg.solve(identity - matrix.movedim((0, 1), (-2, -1)), right)
    return solved.movedim((-2, -1), (0, 1))


def eliminate(
    matrix: Float[Tensor, "size size *batch"], right: Float[Tensor, "size columns"]
) -> Float[Tensor, "size columns *batch"]:
    """matrix^-1 right by Gauss-Jordan elimination, row by row for all samples at once."""
    size, samples = len(matrix), matrix.shape[2:]
    spread = right[(...,) + (None,) * len(samples)].expand(*right.shape, *samples)
    rows = list(torch.cat((matrix, spread), dim=1))  # each [size + columns, *batch]
    for pivot in range(size):
        rows[pivot] = rows[pivot] / rows[pivot][pivot]
        for other in range(size):
            if other != pivot:
                rows[other] = torch.addcmul(rows[other], rows[other][pivot], rows[pivot], value=-1)
    return torch.stack(rows)[:, size:]
