from collections.abc import Callable
from math import isqrt
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.base import Model
from models.gradients.base import GradientMode, register, trainable
from systems.integrators import Integrator, field_of_owner, unroll


@register
class Checkpoint(GradientMode):
    """Backpropagation through the unrolled solver, one segment of about sqrt(N) steps at a time.

    Only the ends of the segments are kept; each segment is unrolled again, with a graph, when the backward pass
    reaches it (Chen et al., arXiv 1604.06174). Memory grows as sqrt(N), at the price of a second forward pass.

    Not by torch.utils.checkpoint: its non-reentrant form computes a segment again at each `autograd.grad` inside it,
    as of a field that is derived from H (45 times the time at N = 64); its reentrant one refuses `autograd.grad`.
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
        y, parts, length = y0, [y0[None]], ceil_sqrt(steps)
        for first in range(0, steps, length):
            last = min(first + length, steps)

            def unroll_segment(y: Tensor, first: int = first, last: int = last) -> Tensor:
                """The observed states after step `first` up to step `last`, and below them the state at `last`."""
                states = unroll(integrator, field_of_owner(model), y, h, last - first, first=first)
                observed = range(first + every - first % every, last + 1, every)
                return states[[step - first for step in (*observed, last)]]  # a copy: the others are not kept alive

            states = _Segment.apply(unroll_segment, y, *trainable(model))
            y = states[-1]
            parts.append(states[:-1])
        return torch.cat(parts)


class _Segment(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Callable[[Tensor], Tensor], y: Tensor, *parameters: Tensor) -> Tensor:
        ctx.run = run
        ctx.save_for_backward(y, *parameters)
        return run(y)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, cotangents: Tensor
    ) -> tuple[Tensor | None, ...]:
        y, *parameters = ctx.saved_tensors
        with torch.enable_grad():
            start = y.detach().requires_grad_()
            states = ctx.run(start)
            gradients = torch.autograd.grad(
                states, (start, *parameters), cotangents, allow_unused=True, materialize_grads=True
            )
        return (None, *gradients)


def ceil_sqrt(number: int) -> int:
    """The least integer whose square is not below a positive number."""
    return isqrt(number - 1) + 1
