from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import GradientMode, register
from systems.integrators import Integrator, field_of_owner, unroll, unroll_at


@register
class Backprop(GradientMode):
    """Automatic differentiation through the unrolled solver, every iteration of it included.

    Exact for the iterates that were taken; memory grows as N times the iterations of a step.
    """

    exact = True
    takes_times = True

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        return unroll(integrator, field_of_owner(model), y0, h, steps, every)

    def rollout_at(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        times: Float[Tensor, "times batch"],
    ) -> Float[Tensor, "times batch dim"]:
        return unroll_at(integrator, field_of_owner(model), y0, times)
