from jaxtyping import Float
from torch import Tensor

from models.gradients.base import register
from models.gradients.by_hand import ByHand, Problem
from models.gradients.step_adjoint import pull_back


@register
class Discrete(ByHand):
    """The exact adjoint of the integrator's step: states are stored, graphs are not.

    Runge-Kutta methods, implicit ones by the implicit function theorem, in closed form; any other method by taking
    each step again with a graph (`models.gradients.step_adjoint`).
    """

    exact = True

    def pull(
        self,
        problem: Problem,
        stored: Float[Tensor, "stored batch dim"],
        state_gradients: Float[Tensor, "times batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        return pull_back(problem, lambda first, last: stored[first : last + 1], state_gradients)
