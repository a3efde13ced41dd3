"""The largest Lyapunov exponent of a flow, from rollouts of pairs of states."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

DISTANCE = 1e-8  # of a pair: its square, what is neglected, is at rounding, and rounding leaves eight digits
LONGEST_STRETCH = 1e4  # a pair that grows more between two resets is no longer a derivative

Rollout = Callable[[Tensor, int], Tensor]  # (states, steps) -> the states so many steps later


def largest_exponents(
    roll_out: Rollout,
    starts: Float[Tensor, "batch dim"],
    directions: Float[Tensor, "batch dim"],
    h: float,
    steps: int,
    reset: int,
) -> Float[Tensor, " batch"]:
    """ln |v(T)| / T of the tangent vectors v along the flow from each start, v(0) of length 1, T = steps h.

    By the method of Benettin, Galgani, Strelcyn (Phys. Rev. A 14, 2338): a companion at the distance 1e-8 stands for
    the tangent vector, and is set back to that distance every `reset` steps. That is the derivative of the step map
    along v by differences, to 1e-7, for a flow of any origin. `directions` need no length. NaN where a state or the
    companion is no longer finite, or the pair grew too far between two resets.

    On regular motion the value falls as ln(T)/T; it is the exponent only in the limit.
    """
    y, v = starts, directions / directions.norm(dim=-1, keepdim=True)
    logarithms = torch.zeros_like(y[:, 0])
    for first in range(0, steps, reset):
        pair = roll_out(torch.cat((y, y + DISTANCE * v)), min(reset, steps - first))
        y, companion = pair.chunk(2)
        apart = companion - y
        length = apart.norm(dim=-1) / DISTANCE
        logarithms += torch.where(length < LONGEST_STRETCH, length, torch.nan).log()
        v = apart / apart.norm(dim=-1, keepdim=True)
    return logarithms / (steps * h)
