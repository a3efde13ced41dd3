"""Modes that keep states instead of a graph and write their own backward pass: one function serves them all."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from models.base import Model
from models.gradients.base import GradientMode, trainable
from systems.integrators import Integrator, field_of_owner, unroll
from systems.integrators.base import VectorField


@dataclass(frozen=True)
class Problem:
    """What was rolled out: a model's field by an integrator, steps of h, observed every `every` steps."""

    model: Model
    integrator: Integrator
    h: float
    every: int

    @property
    def field(self) -> VectorField:
        return field_of_owner(self.model)


class ByHand(GradientMode):
    """A rollout without a graph; give `pull`, and `stored_every` if not every state is to be stored."""

    def stored_every(self, problem: Problem) -> int:
        """The stride of the states that the backward pass needs; it divides that of the observed ones."""
        return 1

    @abstractmethod
    def pull(
        self,
        problem: Problem,
        stored: Float[Tensor, "stored batch dim"],
        state_gradients: Float[Tensor, "times batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        """dL/dy0 and dL/dtheta, given the stored states and dL/dy at the observed times."""

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        problem = Problem(model, integrator, h, every)
        return _RolloutByHand.apply(self, problem, steps, y0, *trainable(model))


class _RolloutByHand(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, mode: ByHand, problem: Problem, steps: int, y0: Tensor, *parameters: Tensor
    ) -> Float[Tensor, "times batch dim"]:
        stride = mode.stored_every(problem)
        stored = unroll(problem.integrator, problem.field, y0, problem.h, steps, stride)
        ctx.save_for_backward(stored)
        ctx.mode, ctx.problem = mode, problem
        return stored[:: problem.every // stride]

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        stored = ctx.saved_tensors[0].detach()  # may be this function's output: a field must not differentiate it
        start_gradient, totals = ctx.mode.pull(ctx.problem, stored, state_gradients)
        return (None, None, None, start_gradient, *totals)
