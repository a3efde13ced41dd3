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
class Reversible(GradientMode):
    """The exact adjoint of a symmetric step with states rebuilt by the step of -h: nothing is stored but the output.

    Memory does not depend on N. Rebuilding starts afresh at every observed state, so rounding does not pile up.
    """

    exact = True

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        if not integrator.symmetric:
            return "states can be rebuilt only by a symmetric integrator"
        return super().inapplicable(model, integrator)

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        return _ReversibleRollout.apply(model, integrator, h, steps, every, y0, *trainable(model))


class _ReversibleRollout(torch.autograd.Function):
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
        observed = unroll(integrator, field_of_owner(model), y0, h, steps, every)
        ctx.save_for_backward(observed)
        ctx.problem = model, integrator, h, every
        return observed

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        observed = ctx.saved_tensors[0].detach()
        model, integrator, h, every = ctx.problem
        back = integrator.observing(observed.flip(0), every).stepping(field_of_owner(model), -h)
        newest = observed[-1]  # the earliest state that has been rebuilt so far

        def rebuilt(first: int, last: int) -> Tensor:
            nonlocal newest
            states = [newest]
            for step in range(last - 1, first - 1, -1):
                newest = back(newest)
                if step % every == 0:
                    newest = observed[step // every]
                states.append(newest)
            return torch.stack(states[::-1])

        start_gradient, totals = pull_back(model, integrator, h, every, rebuilt, state_gradients)
        return (None, None, None, None, None, start_gradient, *totals)
