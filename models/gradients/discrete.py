from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.base import Model
from models.gradients.base import GradientMode, register, trainable
from models.gradients.step_adjoint import pull_back
from systems.integrators import Integrator, field_of_owner, unroll


@register
class Discrete(GradientMode):
    """The exact adjoint of the integrator's step: states are stored, graphs are not.

    Runge-Kutta methods, implicit ones by the implicit function theorem, in closed form; any other method by taking
    each step again with a graph (`models.gradients.step_adjoint`).
    """

    exact = True

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        return _DiscreteRollout.apply(model, integrator, h, steps, every, y0, *trainable(model))


class _DiscreteRollout(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
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
        ctx.problem = model, integrator, h, every
        return states[::every]

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        states = ctx.saved_tensors[0].detach()  # an output of this function: a field must not differentiate it

        def stored(first: int, last: int) -> Tensor:
            return states[first : last + 1]

        model, integrator, h, every = ctx.problem
        start_gradient, totals = pull_back(model, integrator, h, every, stored, state_gradients)
        return (None, None, None, None, None, start_gradient, *totals)
