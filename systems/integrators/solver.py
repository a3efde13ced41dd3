"""Fixed-point iteration to a tolerance per sample, with Newton's method where it does not contract."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

Update = Callable[[Tensor], Tensor]
Step = float | Float[Tensor, "*#batch 1"]  # of all samples, or one for each


class NotSolved(ArithmeticError):
    """The implicit equations of a step could not be solved; carries what is known about the failure."""

    def __init__(self, residual: float, h: float, step: int | None = None):
        self.residual, self.h, self.step = residual, h, step
        where = "" if step is None else f" at step {step}"
        super().__init__(f"implicit equations not solved{where}: h = {h:g}, residual = {residual:g} tolerances")


@dataclass
class SolverReport:
    """What the solves of one integrator cost: how many, with how many iterations, to which last change.

    `residual` is the largest last change, in units of what counts as converged.
    """

    solves: int = 0
    iterations: int = 0
    newton_iterations: int = 0
    residual: float = 0.0

    def record(self, iterations: int, residual: float) -> None:
        self.solves += 1
        self.iterations += iterations
        self.residual = max(self.residual, residual)


@dataclass
class FixedPointSolver:
    """Solves z = update(z) for many samples at once.

    `tolerance` is in units of the rounding error of the state. The iteration stops when every sample
    meets it, or after exactly `iterations` if that is given (then nothing is checked). When gradients are
    enabled the iteration is recorded, so that backpropagation goes through it.
    """

    tolerance: float = 16.0
    max_iterations: int = 50
    max_newton_iterations: int = 20
    iterations: int | None = None
    report: SolverReport = field(default_factory=SolverReport)

    def solve(
        self,
        update: Update,
        guess: Float[Tensor, "stages *batch dim"],
        state: Float[Tensor, "*batch dim"],
        h: Step,
        unit: Step = 1.0,
    ) -> Float[Tensor, "stages *batch dim"]:
        """The fixed point of `update` near `guess`. Raises NotSolved.

        The unknowns are states of the size of `state`, divided by `unit` (|h| where they are slopes).
        """
        if self.iterations is not None:
            return self._iterate(update, guess, self.iterations)
        z, limit, iteration = guess, self._limit(state, unit), 0
        while True:
            z, previous, iteration = update(z), z, iteration + 1
            with torch.no_grad():
                change = (z - previous).abs_().div_(limit)  # 1 is converged
            residual = float(change.amax())
            if residual <= 1:
                self.report.record(iteration, residual)
                return z
            if iteration >= self.max_iterations:
                break
        contracted = samples_within(change)  # not all: the largest is above 1, or NaN
        # Newton starts afresh, and without the graph of iterates that may have overflowed.
        start = torch.where(contracted[..., None], z, guess).detach()
        return self._newton(update, start, limit, h, contracted)

    def _limit(self, state: Tensor, unit: Step) -> Tensor:
        """The change of each unknown that counts as converged."""
        rounding = self.tolerance * torch.finfo(state.dtype).eps / unit
        with torch.no_grad():
            return state.abs().mul_(rounding).add_(rounding)

    def _iterate(self, update: Update, z: Tensor, count: int) -> Tensor:
        for _ in range(count):
            z = update(z)
        return z

    def _newton(self, update: Update, z: Tensor, limit: Tensor, h: Step, contracted: Tensor) -> Tensor:
        residual = torch.inf
        for iteration in range(1, self.max_newton_iterations + 1):
            correction, matrix = newton_correction(update, z)
            z = z - correction
            residual = float((correction.abs() / limit)[:, ~contracted].amax())
            if residual <= 1:
                self.report.newton_iterations += iteration
                self.report.record(self.max_iterations, residual)
                return implicit_derivative(update, z, matrix)
        raise NotSolved(residual, float(torch.as_tensor(h).abs().max()))


def samples_within(change: Float[Tensor, "stages *batch dim"]) -> Bool[Tensor, "*batch"]:
    """Which samples changed by no more than 1 in every stage and coordinate."""
    return (change <= 1).all(dim=0).all(dim=-1)


def newton_correction(update: Update, z: Tensor) -> tuple[Tensor, Tensor]:
    """(I - d update/dz)^-1 (z - update(z)) and the matrix, one dense system a sample."""
    with torch.enable_grad():
        point = z.detach().requires_grad_()
        value = update(point)
        rows = [
            torch.autograd.grad(entry.sum(), point, retain_graph=True)[0] for entry in samples_first(value).unbind(-1)
        ]
    jacobian = torch.stack([samples_first(row) for row in rows], dim=-2)
    matrix = torch.eye(jacobian.shape[-1], dtype=z.dtype, device=z.device) - jacobian.detach()
    residual = samples_first(z - value.detach())
    return stages_first(torch.linalg.solve(matrix, residual), z), matrix


def implicit_derivative(update: Update, z: Tensor, matrix: Tensor) -> Tensor:
    """z with the derivative of the implicit function: a Newton step in which only update is differentiated."""
    residual = samples_first(z - update(z))
    return z - stages_first(torch.linalg.solve(matrix, residual), z)


def samples_first(z: Float[Tensor, "stages *batch dim"]) -> Float[Tensor, "*batch unknowns"]:
    return z.movedim(0, -2).flatten(-2)


def stages_first(flat: Float[Tensor, "*batch unknowns"], like: Tensor) -> Float[Tensor, "stages *batch dim"]:
    return flat.unflatten(-1, (like.shape[0], like.shape[-1])).movedim(-2, 0)
