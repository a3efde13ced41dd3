from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import register
from models.gradients.by_hand import Problem
from models.gradients.step_adjoint import StepAdjoint
from systems.integrators import Integrator


@register
class Reversible(StepAdjoint):
    """The exact adjoint of a symmetric step with states rebuilt by the step of -h: nothing is stored but the output.

    Memory does not depend on N. Rebuilding starts afresh at every observed state, so rounding does not pile up.
    """

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        if not integrator.symmetric:
            return "states can be rebuilt only by a symmetric integrator"
        return super().inapplicable(model, integrator)

    def stored_every(self, problem: Problem) -> int:
        return problem.every

    def states_between(
        self, problem: Problem, stored: Float[Tensor, "stored batch dim"]
    ) -> Callable[[int, int], Float[Tensor, "times batch dim"]]:
        integrator = problem.integrator.observing(stored.flip(0), problem.every)
        back = integrator.stepping(problem.field, -problem.h)
        newest = stored[-1]  # the earliest state that has been rebuilt so far

        def rebuilt(first: int, last: int) -> Tensor:
            nonlocal newest
            states = [newest]
            for step in range(last - 1, first - 1, -1):
                newest = back(newest)  # at observed times too: the guess of the next step builds on it
                if step % problem.every == 0:
                    newest = stored[step // problem.every]
                states.append(newest)
            return torch.stack(states[::-1])

        return rebuilt
