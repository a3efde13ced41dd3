"""What the modes that solve an adjoint differential equation share."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.base import Model
from models.gradients.base import GradientMode, accumulate_parameter_gradient, blocks_backwards, trainable
from systems.integrators import Integrator, field_of_owner, unroll
from systems.integrators.base import VectorField


class AdjointEquation(GradientMode):
    """A costate solved backwards, with the trapezoidal rule over the nodes for dL/dtheta."""

    exact = False

    def adjoint_field(self, model: Model) -> VectorField:
        """The field of the pair (y, lambda): (f(y), -A(y)^T lambda), Hamiltonian with <lambda, f(y)>.

        Differentiable when gradients are enabled, which Newton's method needs.
        """

        def field(pair: Float[Tensor, "*batch pair"]) -> Float[Tensor, "*batch pair"]:
            create_graph = torch.is_grad_enabled()
            y, costate = pair.chunk(2, dim=-1)
            with torch.enable_grad():
                point = y if create_graph and y.requires_grad else y.detach().requires_grad_()
                slope = model.field(point)
                (pulled,) = torch.autograd.grad(slope, point, costate, create_graph=create_graph)
            return torch.cat((slope if create_graph else slope.detach(), -pulled), dim=-1)

        return field

    def jumps(self, state_gradients: Float[Tensor, "times batch dim"]) -> Float[Tensor, "times batch dim"]:
        """What the costate jumps by at each observed time."""
        return state_gradients

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        return _AdjointRollout.apply(self, model, integrator, h, steps, every, y0, *trainable(model))


class _AdjointRollout(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        mode: AdjointEquation,
        model: Model,
        integrator: Integrator,
        h: float,
        steps: int,
        every: int,
        y0: Tensor,
        *parameters: Tensor,
    ) -> Tensor:
        states = unroll(integrator, field_of_owner(model), y0, h, steps)
        ctx.save_for_backward(states)
        ctx.problem = mode, model, integrator, h, every
        return states[::every]

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        states = ctx.saved_tensors[0].detach()  # an output of this function: a field must not differentiate it
        mode, model, integrator, h, every = ctx.problem
        totals = [torch.zeros_like(parameter) for parameter in trainable(model)]
        jumps = mode.jumps(state_gradients)
        # The equation is linear in lambda: at scale 1 the solver's absolute tolerance means the same always.
        scale = jumps.abs().amax().clamp_min(torch.finfo(states.dtype).tiny)
        costate, pair = jumps[-1] / scale, mode.adjoint_field(model)
        # Half the trapezoid's weight at the last time: there is no interval after it.
        accumulate_parameter_gradient(totals, model, states[-1], h / 2 * costate)
        for first, last in blocks_backwards(len(states) - 1, states.shape[1]):
            weights = torch.empty_like(states[first:last])
            for step in range(last - 1, first - 1, -1):
                both = torch.cat((states[step + 1], costate), dim=-1)
                before_jump = integrator.step(pair, both, -h).chunk(2, dim=-1)[1]
                costate = before_jump + jumps[step // every] / scale if step % every == 0 else before_jump
                weights[step - first] = before_jump + costate if step else before_jump
            accumulate_parameter_gradient(totals, model, states[first:last], h / 2 * weights)
        return (*(None,) * 6, scale * costate, *(scale * total for total in totals))
