from math import isqrt

import torch.utils.checkpoint
from jaxtyping import Float
from torch import Tensor

from models.base import Model
from models.gradients.base import GradientMode, register
from systems.integrators import Integrator, field_of_owner, unroll


@register
class Checkpoint(GradientMode):
    """Backpropagation through the unrolled solver, one segment of about sqrt(N) steps at a time.

    Only the ends of the segments are kept; each segment is unrolled again, with a graph, when the backward pass
    reaches it (Chen et al., arXiv 1604.06174). Memory grows as sqrt(N), at the price of a second forward pass.
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
        field = field_of_owner(model)

        def segment(y: Tensor, first: int, last: int) -> Tensor:
            """The observed states after step `first` up to step `last`, and below them the state at `last`."""
            states = unroll(integrator, field, y, h, last - first)
            observed = range(first + every - first % every, last + 1, every)
            return states[[step - first for step in (*observed, last)]]  # a copy: it does not keep the others alive

        y, parts, length = y0, [y0[None]], ceil_sqrt(steps)
        for first in range(0, steps, length):
            states = torch.utils.checkpoint.checkpoint(
                segment, y, first, min(first + length, steps), use_reentrant=False, preserve_rng_state=False
            )
            assert isinstance(states, Tensor)
            y = states[-1]
            parts.append(states[:-1])
        return torch.cat(parts)


def ceil_sqrt(number: int) -> int:
    """The least integer whose square is not below a positive number."""
    return isqrt(number - 1) + 1
