"""Rolling a model out for a judge: each rollout ends where it leaves a bound or cannot go on, the others do not."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from models.base import Model
from systems.integrators import NotSolved

BLOCK = 1000  # steps at once: an implicit method must not struggle for long with a rollout that has escaped


@dataclass(frozen=True)
class Rollouts:
    """States at 0, h, ..., NaN from where a rollout has ended, and how many steps of each stay within the bound."""

    states: Float[Tensor, "times starts dim"]
    lasted: Int[Tensor, " starts"]

    @property
    def steps(self) -> int:
        return len(self.states) - 1

    def of(self, rows: slice) -> "Rollouts":
        """Those from some of the starts."""
        return Rollouts(self.states[:, rows], self.lasted[rows])

    def escapes(self, h: float) -> tuple[float, float | None]:
        """The share of rollouts that ended early, and the median time at which these did, if any."""
        early = self.lasted[self.lasted < self.steps]
        return len(early) / len(self.lasted), float(early.median()) * h if len(early) else None


def even_steps(steps: int, most: int) -> Int[Tensor, " times"]:
    """Numbers of steps from 0 to `steps`, `most` at most, as evenly spaced as whole numbers are."""
    return torch.linspace(0, steps, min(most, steps + 1), dtype=torch.float64).round().long()


def roll_out(model: Model, starts: Float[Tensor, "starts dim"], h: float, steps: int, bound: float) -> Rollouts:
    """Rollouts of the model until a coordinate exceeds `bound` or is not finite, or a step cannot be solved."""
    states = starts.new_full((steps + 1, *starts.shape), torch.nan)
    states[0] = starts
    within = (starts.abs() <= bound).all(-1)  # what is not finite is not within
    lasted = torch.where(within, steps, 0)
    running, done = within.nonzero()[:, 0], 0
    while done < steps and len(running):
        wanted = min(BLOCK if model.resumes else steps, steps - done)
        block = advance_all(model, states[done, running], h, wanted)
        inside = (block.abs() <= bound).all(-1).cumprod(0).bool()
        taken, last = len(block) - 1, inside.sum(0) - 1
        states[done + 1 : done + taken + 1, running] = block[1:].where(inside[1:, :, None], torch.nan)
        lasted[running[last < taken]] = done + last[last < taken]
        running, done = running[last == taken], done + taken
    return Rollouts(states, lasted)


def joined(stretches: list[Rollouts]) -> Rollouts:
    """Rollouts each of which begins where the one before it ended; none goes on after one that ended early."""
    states = [stretches[0].states, *(stretch.states[1:] for stretch in stretches[1:])]
    return Rollouts(torch.cat(states), torch.stack([stretch.lasted for stretch in stretches]).sum(0))


def advance_all(
    model: Model, y: Float[Tensor, "starts dim"], h: float, steps: int
) -> Float[Tensor, "times starts dim"]:
    """States at 0, h, ... for as many of `steps` steps as all rollouts can take together.

    One rollout whose implicit equations have no solution stops all; it is then sought, and goes on as NaN.
    """
    while steps > 1:
        try:
            return model.rollout(y, h, steps)
        except NotSolved as failure:
            steps = max(1, min(steps, failure.step or steps) - 1)
    return torch.stack((y, torch.cat([one_step(model, start[None], h) for start in y])))


def one_step(model: Model, y: Float[Tensor, "1 dim"], h: float) -> Float[Tensor, "1 dim"]:
    """The state after one step, NaN if its equations have no solution."""
    try:
        return model.rollout(y, h, 1)[1]
    except NotSolved:
        return torch.full_like(y, torch.nan)
