"""Initial-state optimisation: rollouts that start where they fit the observations of their window best.

A noisy start biases what is learned from it (Chen et al., SRNN, arXiv 1909.13334, section 3.3).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model, gradient_rollout
from models.gradients import GradientMode
from systems.trajectories import Window


def optimise_starts(
    windows: Iterable[Window], model: Model, gradient: GradientMode, iterations: int
) -> Iterator[Window]:
    """Each window, when its turn comes, with its starts improved so many times by the model as it is then."""
    for window in windows:
        for _ in range(iterations):
            window = replace(window, start=improved_start(model, gradient, window))
        yield window


def improved_start(model: Model, gradient: GradientMode, window: Window) -> Float[Tensor, "batch dim"]:
    """One step of steepest descent on sum_i ||y_i - yhat_i||^2 over all observations, the first one included.

    The length of the step is that of Gauss-Newton along the gradient, sample by sample, with the rollout's
    change under a trial step in place of its derivative.
    """
    start = window.start.detach().requires_grad_()
    with torch.enable_grad():
        states = gradient_rollout(model, gradient, replace(window, start=start))
        residual = states - window.observed
        (slope,) = torch.autograd.grad(residual.square().sum() / 2, start)
    trial = -slope / len(residual)  # the best step if the flow kept all distances
    with torch.no_grad():
        moved = gradient_rollout(model, gradient, replace(window, start=start + trial))
        change = moved - states
        tiny = torch.finfo(change.dtype).tiny  # a start that cannot be improved does not move
        length = -(residual * change).sum((0, 2)) / change.square().sum((0, 2)).clamp_min(tiny)
        return start + length[:, None] * trial
