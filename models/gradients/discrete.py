from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.base import Model
from models.gradients.base import (
    GradientMode,
    accumulate_parameter_gradient,
    blocks_backwards,
    register,
    trainable,
)
from systems.integrators import Integrator, field_of_owner, unroll
from systems.integrators.runge_kutta import RungeKutta, coefficient_tensor


@register
class Discrete(GradientMode):
    """The exact adjoint of a Runge-Kutta step by the implicit function theorem: states are stored, graphs not.

    For stages Y_i with A_i = f_y(Y_i) and the cotangent v of the new state, the step back is
    w_i = b_i v + h sum_j a_ji A_j^T w_j,  y = v + h sum_i A_i^T w_i,  theta += h sum_i f_theta(Y_i)^T w_i
    (Hairer, Lubich, Wanner, VI.10; for implicit midpoint w = (y + v)/2, the cotangent lift).
    """

    exact = True

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        if not issubclass(integrator, RungeKutta):
            return "the discrete adjoint is written for Runge-Kutta methods"
        return super().inapplicable(model, integrator)

    def rollout(
        self, model: Model, integrator: Integrator, y0: Float[Tensor, "batch dim"], h: float, steps: int
    ) -> Float[Tensor, "times batch dim"]:
        if not isinstance(integrator, RungeKutta):
            raise TypeError(f"{type(integrator).__name__} is not a Runge-Kutta method")
        return _DiscreteRollout.apply(model, integrator, h, steps, y0, *trainable(model))


class _DiscreteRollout(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: Model, integrator: RungeKutta, h: float, steps: int, y0: Tensor, *parameters: Tensor
    ) -> Tensor:
        states = unroll(integrator, field_of_owner(model), y0, h, steps)
        ctx.save_for_backward(states, *parameters)
        ctx.model, ctx.integrator, ctx.h = model, integrator, h
        return states

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        states, *parameters = ctx.saved_tensors
        model, integrator, h = ctx.model, ctx.integrator, ctx.h
        totals = [torch.zeros_like(parameter) for parameter in parameters]
        cotangent = state_gradients[-1]
        for first, last in blocks_backwards(len(states) - 1, states.shape[1]):
            block = states[first : last + 1]
            stages = integrator.stages(field_of_owner(model), block[:-1], block[1:], h)
            propagate = step_adjoint(integrator, model.jacobian(stages), h)
            weights = torch.empty_like(stages)
            for step in range(last - 1, first - 1, -1):
                image = (propagate[step - first] @ cotangent[..., None]).squeeze(-1)
                *stage_weights, cotangent = image.chunk(len(stages) + 1, dim=-1)
                weights[:, step - first] = torch.stack(stage_weights)
                cotangent = cotangent + state_gradients[step]
            accumulate_parameter_gradient(totals, model, parameters, stages, h * weights)
        return (None, None, None, None, cotangent, *totals)


def step_adjoint(
    integrator: RungeKutta, jacobians: Float[Tensor, "stages steps batch dim dim"], h: float
) -> Float[Tensor, "steps batch rows dim"]:
    """The matrices that take the cotangent v of a step's end to (w_1, ..., w_s, y), for many steps at once."""
    stages, dim = len(jacobians), jacobians.shape[-1]
    a = coefficient_tensor(integrator.a, jacobians.dtype, jacobians.device)
    b = coefficient_tensor(integrator.b, jacobians.dtype, jacobians.device)
    identity = torch.eye(dim, dtype=jacobians.dtype, device=jacobians.device)
    transposed = jacobians.mT
    coupling = torch.einsum("ji,jkbmn->kbimjn", h * a, transposed).flatten(-2).flatten(-3, -2)
    system = torch.eye(stages * dim, dtype=a.dtype, device=a.device) - coupling
    weights = torch.linalg.solve(system, torch.kron(b[:, None], identity))
    through = torch.einsum("ikbmn,kbinl->kbml", h * transposed, weights.unflatten(-2, (stages, dim)))
    return torch.cat((weights, identity + through), dim=-2)
