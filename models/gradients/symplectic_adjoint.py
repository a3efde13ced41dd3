import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import register, trainable
from models.gradients.by_hand import ByHand, Problem
from systems.integrators import Integrator
from systems.integrators.runge_kutta import ExplicitRungeKutta


@register
class SymplecticAdjoint(ByHand):
    """The exact adjoint of an explicit Runge-Kutta step, stage by stage (Matsubara et al., arXiv 2102.09750).

    States are stored; the stages of a step are computed again, and one stage at a time has a graph. From the last
    stage to the first, with v the cotangent of the new state, A_i = f_y(Y_i) and F_i = f_theta(Y_i),
    w_i = b_i v + h sum_{j>i} a_ji A_j^T w_j;  then y = v + h sum_i A_i^T w_i,  theta += h sum_i F_i^T w_i.
    This is the paper's recursion for Lambda_i = w_i / b_i without the division, so b_i = 0 needs no special case.
    """

    exact = True

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        if not issubclass(integrator, ExplicitRungeKutta):
            return "the symplectic adjoint goes back stage by stage, which only explicit Runge-Kutta methods allow"
        return super().inapplicable(model, integrator)

    def pull(
        self,
        problem: Problem,
        stored: Float[Tensor, "stored batch dim"],
        state_gradients: Float[Tensor, "times batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        model, integrator, h, every = problem.model, problem.integrator, problem.h, problem.every
        if not isinstance(integrator, ExplicitRungeKutta):
            raise TypeError(f"{type(integrator).__name__} is not an explicit Runge-Kutta method")
        totals = [torch.zeros_like(parameter) for parameter in trainable(model)]
        cotangent = state_gradients[-1]
        for step in range(len(stored) - 2, -1, -1):
            stages = integrator.stages(problem.field, stored[step], stored[step + 1], h)
            cotangent = pull_step(model, integrator, stages, cotangent, h, totals)
            if step % every == 0:
                cotangent = cotangent + state_gradients[step // every]
        return cotangent, totals


def pull_step(
    model: Model,
    integrator: ExplicitRungeKutta,
    stages: Float[Tensor, "stages batch dim"],
    cotangent: Float[Tensor, "batch dim"],
    h: float,
    totals: list[Tensor],
) -> Float[Tensor, "batch dim"]:
    """dL/d(start) of a step, given dL/d(end); adds the step's share of dL/dtheta to `totals`."""
    parameters, count = trainable(model), len(stages)
    pulled = torch.zeros_like(stages)  # A_j^T w_j
    for i in range(count - 1, -1, -1):
        weight = integrator.b[i] * cotangent
        for j in range(i + 1, count):
            if integrator.a[j][i]:
                weight = torch.add(weight, pulled[j], alpha=h * integrator.a[j][i])
        with torch.enable_grad():
            stage = stages[i].requires_grad_()
            slope = model.field(stage)
            pulled[i], *shares = torch.autograd.grad(
                slope, (stage, *parameters), weight, allow_unused=True, materialize_grads=True
            )
        for total, share in zip(totals, shares, strict=True):
            total.add_(share, alpha=h)
    return torch.add(cotangent, pulled.sum(0), alpha=h)
