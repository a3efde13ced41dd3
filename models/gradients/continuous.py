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


@register
class Continuous(GradientMode):
    """The adjoint equation lambda' = -A(y)^T lambda, solved backwards by the integrator of the rollout.

    At every observed time lambda jumps by the gradient of the loss there. dL/dtheta is the integral of
    f_theta^T lambda by the trapezoidal rule over the nodes, accumulated on the way back. This is the gradient
    of the differential equation: second order in h away from that of the discrete rollout
    (Choudhary et al., arXiv 2409.11138, eqs. 15-19, with the jumps that they leave out).
    """

    exact = False

    def rollout(
        self, model: Model, integrator: Integrator, y0: Float[Tensor, "batch dim"], h: float, steps: int
    ) -> Float[Tensor, "times batch dim"]:
        return _ContinuousRollout.apply(model, integrator, h, steps, y0, *trainable(model))


class _ContinuousRollout(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, model: Model, integrator: Integrator, h: float, steps: int, y0: Tensor, *parameters: Tensor
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
        # The equation is linear in lambda: at scale 1 the solver's absolute tolerance means the same always.
        scale = state_gradients.abs().amax().clamp_min(torch.finfo(states.dtype).tiny)
        costate, pair = state_gradients[-1] / scale, adjoint_field(model)
        # Half the trapezoid's weight at the last time: there is no interval after it.
        accumulate_parameter_gradient(totals, model, parameters, states[-1], h / 2 * costate)
        for first, last in blocks_backwards(len(states) - 1, states.shape[1]):
            weights = torch.empty_like(states[first:last])
            for step in range(last - 1, first - 1, -1):
                both = torch.cat((states[step + 1], costate), dim=-1)
                before_jump = integrator.step(pair, both, -h).chunk(2, dim=-1)[1]
                costate = before_jump + state_gradients[step] / scale
                weights[step - first] = before_jump + costate if step else before_jump
            accumulate_parameter_gradient(totals, model, parameters, states[first:last], h / 2 * weights)
        return (None, None, None, None, scale * costate, *(scale * total for total in totals))


def adjoint_field(model: Model):
    """The field of the pair (y, lambda): (f(y), -A(y)^T lambda), Hamiltonian with <lambda, f(y)>."""

    def field(pair: Float[Tensor, "*batch pair"]) -> Float[Tensor, "*batch pair"]:
        y, costate = pair.chunk(2, dim=-1)
        with torch.enable_grad():
            point = y.detach().requires_grad_()
            slope = model.field(point)
            (pulled,) = torch.autograd.grad(slope, point, costate)
        return torch.cat((slope.detach(), -pulled), dim=-1)

    return field
