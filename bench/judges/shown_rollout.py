"""One rollout beside the true one: for pictures."""

import torch

from bench.judges.errors import Columns
from bench.judges.field_map import rounded
from bench.judges.rolling import Rollouts, even_steps
from bench.judges.truth import Truth


def shown_columns(rollouts: Rollouts, truth: Truth, dt: float, count: int) -> Columns:
    """The first coordinate of the first rollout until it ends, at about `count` times, and of the true states."""
    steps = even_steps(int(rollouts.lasted[0]), count)
    return {
        "shown_times": rounded(steps * dt),
        "shown_first": rounded(rollouts.states[steps, 0, 0]),
        "shown_true_times": rounded(torch.arange(len(truth.states)) * truth.stride * dt),
        "shown_true_first": rounded(truth.states[:, 0, 0]),
    }
