"""Where the iteration of an implicit Runge-Kutta step starts: options that change its cost, not its solution."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import VectorField
from systems.registry import UnknownName

if TYPE_CHECKING:
    from systems.integrators.runge_kutta import GaussLegendre

REMEMBERED = 14  # earlier slopes that a guess may use
USUAL = 10  # of these, as long as they leave next to nothing to iterate
NEXT_TO_NOTHING = 2  # iterations


class StartGuess(ABC):
    """A first guess of the stage slopes K_i = f(Y_i) of a step."""

    @abstractmethod
    def slopes(
        self,
        method: "GaussLegendre",
        field: VectorField,
        y: Float[Tensor, "*batch dim"],
        h: float,
        earlier: Sequence[Tensor],
        step: int,
    ) -> Float[Tensor, "stages *batch dim"]:
        """The guess for step number `step` from y; `earlier` are the slopes of the last steps, newest last."""


class RK2(StartGuess):
    """f at the nodes along the tangent: for implicit midpoint the slope of the explicit midpoint rule (RK2).

    Two evaluations; the predictor of Choudhary et al., arXiv 2409.11138, algorithm 2.
    """

    def slopes(self, method, field, y, h, earlier, step):
        return method.predict(field, y, h)


class Extrapolation(StartGuess):
    """The polynomial through the slopes of the last steps; no evaluation once there are two.

    Hairer, Lubich, Wanner, Geometric Numerical Integration, VIII.6.1. Through how many, rounding decides: it is
    doubled by each slope more. In float64 USUAL halve the evaluations of a rollout of small steps, or better, and
    where iterations are left all REMEMBERED save a sixth of them; in float32 three leave nothing to iterate.
    """

    def slopes(self, method, field, y, h, earlier, step):
        if len(earlier) < 2:
            return method.predict(field, y, h)
        used = earlier if y.dtype == torch.float64 else earlier[-3:]
        guess = len(used) * used[-1]
        for number, slopes in enumerate(reversed(used[:-1]), 2):
            guess = torch.add(guess, slopes, alpha=-((-1) ** number) * comb(len(used), number))
        return guess


@dataclass(frozen=True)
class Observation(StartGuess):
    """The straight line from y to the next observation (an option of the same algorithm of the paper).

    `observed` [times, batch, dim] are the observations every `every` steps; until they are known, RK2 is used.
    """

    observed: Tensor | None = None
    every: int = 1

    def slopes(self, method, field, y, h, earlier, step):
        if self.observed is None:
            return method.predict(field, y, h)
        following = step // self.every + 1
        slope = (self.observed[following] - y) / ((following * self.every - step) * h)
        return slope.expand(len(method.b), *slope.shape)


_START_GUESSES: dict[str, StartGuess] = {
    "extrapolation": Extrapolation(),
    "observation": Observation(),
    "rk2": RK2(),
}


def start_guess_named(name: str) -> StartGuess:
    """The start guess of a name. Raises UnknownName."""
    if name not in _START_GUESSES:
        raise UnknownName("start guess", name, sorted(_START_GUESSES))
    return _START_GUESSES[name]
