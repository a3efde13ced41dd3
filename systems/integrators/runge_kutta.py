"""Runge-Kutta methods by their coefficients a, b: Y_i = y + h sum_j a_ij f(Y_j), y+ = y + h sum_i b_i f(Y_i).

Source: Hairer, Lubich, Wanner, Geometric Numerical Integration, chapter II.1.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import Integrator, VectorField
from systems.integrators.solver import FixedPointSolver, Step
from systems.integrators.start_guess import NEXT_TO_NOTHING, REMEMBERED, USUAL, Extrapolation, Observation, StartGuess

Coefficients = tuple[tuple[float, ...], ...]


@lru_cache
def coefficient_tensor(values: tuple, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


class RungeKutta(Integrator):
    """A method given by its coefficients; `slopes` evaluates the stages."""

    a: Coefficients
    b: tuple[float, ...]

    @abstractmethod
    def slopes(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        """K_i = f(Y_i), stage by stage."""

    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        return displace(y, h, self.b, self.slopes(field, y, h))

    def stages(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], v: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        """The stage states Y_i of the step from y to v."""
        return displace(y, h, self.a, self.slopes(field, y, h))


class ExplicitRungeKutta(RungeKutta):
    """a is strictly lower triangular: one stage after the other."""

    symplectic = False
    symmetric = False

    def slopes(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        slopes: list[Tensor] = []
        for row in self.a:
            stage = y
            for weight, slope in zip(row, slopes, strict=False):
                if weight:
                    stage = along(stage, slope, h * weight)
            slopes.append(field(stage))
        return torch.stack(slopes)


@dataclass
class GaussLegendre(RungeKutta):
    """Collocation at the Gauss nodes: s stages, order 2s, symplectic and symmetric for every H.

    The slopes are found by fixed-point iteration; `start_guess` says where it starts.
    """

    solver: FixedPointSolver = field(default_factory=FixedPointSolver)
    start_guess: StartGuess = field(default_factory=Extrapolation)

    symplectic = True
    symmetric = True
    takes_start_guess = True

    def slopes(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        return self.solve(field, y, h, self.predict(field, y, h))

    def solve(self, field: VectorField, y: Tensor, h: Step, guess: Tensor) -> Tensor:
        """The stage slopes K = f(y + h a K), from a guess of them."""

        def update(slopes: Tensor) -> Tensor:
            return field(displace(y, h, self.a, slopes))

        return self.solver.solve(update, guess, y, h, unit=abs(h))

    def stepping(self, field: VectorField, h: float, first: int = 0) -> Callable[[Tensor], Tensor]:
        earlier: deque[Tensor] = deque(maxlen=REMEMBERED)
        counter, used = count(first), USUAL

        def advance(y: Tensor) -> Tensor:
            nonlocal used
            guess = self.start_guess.slopes(self, field, y, h, list(earlier)[-used:], next(counter))
            before = self.solver.report.iterations
            earlier.append(self.solve(field, y, h, guess))
            used = REMEMBERED if self.solver.report.iterations - before > NEXT_TO_NOTHING else USUAL
            return displace(y, h, self.b, earlier[-1])

        return advance

    def observing(self, observed: Float[Tensor, "times batch dim"], every: int) -> Integrator:
        if not isinstance(self.start_guess, Observation):
            return self
        return replace(self, start_guess=Observation(observed, every))

    def predict(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        """Slopes at the nodes c_i = sum_j a_ij along the tangent."""
        nodes = [h * sum(row) for row in self.a]
        slope = field(y)
        return field(torch.stack([along(y, slope, node) for node in nodes]))


def displace(
    y: Float[Tensor, "*batch dim"], h: Step, weights: tuple, slopes: Float[Tensor, "stages *batch dim"]
) -> Tensor:
    """y + h sum_j w_j K_j for a row of weights, or one such state for each row of a matrix."""
    if len(slopes) == 1 and isinstance(weights[0], tuple):
        return along(y, slopes, h * weights[0][0])
    if len(slopes) == 1:
        return along(y, slopes[0], h * weights[0])
    mixed = torch.tensordot(coefficient_tensor(weights, slopes.dtype, slopes.device), slopes, dims=1)
    return along(y, mixed, h)


def along(y: Tensor, slope: Tensor, h: Step) -> Tensor:
    """y + h slope."""
    return y + h * slope if isinstance(h, Tensor) else torch.add(y, slope, alpha=h)
