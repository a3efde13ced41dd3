"""The exact adjoint of a run of steps: what the gradient modes that keep no graph share."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.gradients.base import add_to, blocks_backwards, trainable
from models.gradients.by_hand import ByHand, Problem
from models.gradients.compiled import Compiled
from models.gradients.runge_kutta_adjoint import pull_stages
from systems.integrators.runge_kutta import RungeKutta

compiled_pull_stages = Compiled(pull_stages)


@dataclass
class StepAdjoint(ByHand):
    """A mode that goes back through the steps in blocks of bounded size; give `states_between`.

    Runge-Kutta methods in closed form, implicit ones by the implicit function theorem; `compiled` says whether that
    is compiled. Any other method by taking each step again with a graph.
    """

    compiled: bool = False

    exact = True
    compiles = True

    @abstractmethod
    def states_between(
        self, problem: Problem, stored: Float[Tensor, "stored batch dim"]
    ) -> Callable[[int, int], Float[Tensor, "times batch dim"]]:
        """A function (first, last) -> the states first, ..., last; it is asked for blocks from the end."""

    def pull(
        self,
        problem: Problem,
        stored: Float[Tensor, "stored batch dim"],
        state_gradients: Float[Tensor, "times batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        pull_block = self.pull_runge_kutta if isinstance(problem.integrator, RungeKutta) else pull_recomputed
        states_between = self.states_between(problem, stored)
        totals = [torch.zeros_like(parameter) for parameter in trainable(problem.model)]
        steps, cotangent = (len(state_gradients) - 1) * problem.every, state_gradients[-1]
        for first, last in blocks_backwards(steps, state_gradients.shape[1]):
            states = states_between(first, last)
            jumps = jumps_between(first, last, state_gradients, problem.every)
            cotangent, gradients = pull_block(problem, states[:-1], states[1:], cotangent, jumps)
            del states  # or two blocks are held while the next one is prepared
            add_to(totals, gradients)
        return cotangent, totals

    def pull_runge_kutta(
        self,
        problem: Problem,
        starts: Float[Tensor, "steps batch dim"],
        ends: Float[Tensor, "steps batch dim"],
        cotangent: Float[Tensor, "batch dim"],
        jumps: Float[Tensor, "steps batch dim"],
    ) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
        """In closed form, from the stages of all steps at once."""
        method, model, h = problem.integrator, problem.model, problem.h
        assert isinstance(method, RungeKutta)
        stages = method.stages(problem.field, starts, ends, h)
        if not self.compiled:
            return pull_stages(model, method.a, method.b, h, stages, cotangent, jumps)
        step = torch.tensor(h, dtype=stages.dtype)  # a number would be compiled in
        before = compiled_pull_stages.spent_s
        pulled, compiled = compiled_pull_stages(model, method.a, method.b, step, stages, cotangent, jumps)
        if compiled:
            model.count(stages)
            self.compile_s = (self.compile_s or 0.0) + compiled_pull_stages.spent_s - before
        return pulled


def jumps_between(
    first: int, last: int, state_gradients: Float[Tensor, "times batch dim"], every: int
) -> Float[Tensor, "steps batch dim"]:
    """What the loss adds to the cotangents of the states first, ..., last - 1: zero where none is observed."""
    if every == 1:
        return state_gradients[first:last]
    jumps = state_gradients.new_zeros(last - first, *state_gradients.shape[1:])
    observed = -(-first // every)  # the first observed time in the block
    jumps[observed * every - first :: every] = state_gradients[observed : -(-last // every)]
    return jumps


def pull_recomputed(
    problem: Problem,
    starts: Float[Tensor, "steps batch dim"],
    ends: Float[Tensor, "steps batch dim"],
    cotangent: Float[Tensor, "batch dim"],
    jumps: Float[Tensor, "steps batch dim"],
) -> tuple[Float[Tensor, "batch dim"], list[Tensor]]:
    """For any method: the steps of the block are taken again with a graph, all at once, and differentiated."""
    with torch.enable_grad():
        starts = starts.detach().requires_grad_()
        ends = problem.integrator.step(problem.field, starts, problem.h)
        columns = [torch.autograd.grad(entry.sum(), starts, retain_graph=True)[0] for entry in ends.unbind(-1)]
    matrices = torch.stack(columns, dim=-1)  # transposed Jacobians
    cotangents = torch.empty_like(starts)
    for step in range(len(starts) - 1, -1, -1):
        cotangents[step] = cotangent
        cotangent = torch.linalg.vecdot(matrices[step], cotangent[:, None]) + jumps[step]
    parameters = trainable(problem.model)
    gradients = torch.autograd.grad(ends, parameters, cotangents, allow_unused=True, materialize_grads=True)
    return cotangent, list(gradients)
