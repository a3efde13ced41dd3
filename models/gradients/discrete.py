from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from models.gradients.base import register
from models.gradients.by_hand import Problem
from models.gradients.step_adjoint import StepAdjoint


@register
class Discrete(StepAdjoint):
    """The exact adjoint of the integrator's step: states are stored, graphs are not."""

    def states_between(
        self, problem: Problem, stored: Float[Tensor, "stored batch dim"]
    ) -> Callable[[int, int], Float[Tensor, "times batch dim"]]:
        return lambda first, last: stored[first : last + 1]
