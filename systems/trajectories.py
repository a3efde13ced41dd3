"""Reference trajectories in float64, noise, and windows.

The reference is Gauss-Legendre of order 6 with the protocol's own step, or a part of it where a sample of the starts,
integrated with half the step, says that this is needed. Everything random takes an explicit generator.
"""

from dataclasses import dataclass
from math import inf

import torch
from jaxtyping import Float, Int
from torch import Tensor

from systems.base import Box, System
from systems.integrators import NotSolved, field_of_owner
from systems.integrators.gauss_legendre6 import GaussLegendre6

BATCH = 4096  # trajectories advanced at once: the stages of such a batch stay in the processor's cache
SAMPLE = 256  # trajectories that tell how accurate all are
SUBSTEPS = (1, 2, 4, 8)  # parts of a step that the reference may take
MARGIN = 0.01  # of the tolerance: what the sample should show, for the others may be worse


class ReferenceError(ArithmeticError):
    """The reference trajectories are not as accurate as they must be."""


def draw_starts(
    system: System, box: Box, count: int, generator: torch.Generator, *, accepted_only: bool
) -> Float[Tensor, "count dim"]:
    """Starts uniform in the box, float64; with `accepted_only`, redrawn until the system accepts each."""
    low, high = torch.tensor(box, dtype=torch.float64).T
    starts = torch.empty(0, len(box), dtype=torch.float64)
    drawn = 0
    while len(starts) < count:
        batch = low + (high - low) * torch.rand(count, len(box), dtype=torch.float64, generator=generator)
        starts = torch.cat((starts, batch[system.accepts(batch)] if accepted_only else batch))
        drawn += count
        if drawn > 1000 * count:
            raise ReferenceError(f"fewer than one start in 1000 drawn from {box} is accepted")
    return starts[:count]


def integrate(
    system: System,
    starts: Float[Tensor, "count dim"],
    dt: float,
    steps: int,
    *,
    substeps: int = 1,
    times: Float[Tensor, "count times"] | None = None,
) -> Float[Tensor, "count times dim"]:
    """States at the times 0, dt, ..., steps dt, with `substeps` steps of the reference integrator between.

    Or at the `times` of each trajectory's own, as many, if they are given.
    """
    method, field = GaussLegendre6(), field_of_owner(system)
    out = torch.empty(len(starts), steps + 1, system.dim, dtype=torch.float64)
    for first in range(0, len(starts), BATCH):
        rows = slice(first, first + BATCH)
        y = starts[rows]
        out[rows, 0] = y
        for step in range(1, steps + 1):
            h = dt if times is None else (times[rows, step] - times[rows, step - 1])[:, None]
            for _ in range(substeps):
                y = method.step(field, y, h / substeps)
            out[rows, step] = y
    return out


def refinement_error(
    system: System,
    trajectories: Float[Tensor, "count times dim"],
    dt: float,
    *,
    substeps: int = 1,
    times: Float[Tensor, "count times"] | None = None,
) -> float:
    """Largest difference to the solution with half the step."""
    steps = trajectories.shape[1] - 1
    refined = integrate(system, trajectories[:, 0], dt, steps, substeps=2 * substeps, times=times)
    return float((refined - trajectories).abs().max())


def reference_trajectories(
    system: System,
    starts: Float[Tensor, "count dim"],
    dt: float,
    steps: int,
    *,
    tolerance: float = 1e-10,
    times: Float[Tensor, "count times"] | None = None,
) -> tuple[Float[Tensor, "count times dim"], float]:
    """Trajectories and the refinement error of a sample of them. Raises ReferenceError if that exceeds the tolerance.

    With the fewest substeps at which the error is well below the tolerance; `times` as for `integrate`.
    """
    few = times if times is None else times[:SAMPLE]
    error, substeps = inf, 0
    for substeps in SUBSTEPS:
        try:
            sample = integrate(system, starts[:SAMPLE], dt, steps, substeps=substeps, times=few)
            error = refinement_error(system, sample, dt, substeps=substeps, times=few)
        except NotSolved:
            error = inf
        if error <= MARGIN * tolerance:
            break
    if not error <= tolerance:
        raise ReferenceError(
            f"halving the step dt/{substeps} of dt = {dt:g} changes the reference by {error:g} > {tolerance:g}"
        )
    return integrate(system, starts, dt, steps, substeps=substeps, times=times), error


def jittered_times(
    count: int, dt: float, steps: int, jitter: float, generator: torch.Generator
) -> Float[Tensor, "count times"]:
    """0, dt, ..., steps dt, all but the ends displaced by jitter dt U(-1/2, 1/2); in order, for jitter < 1."""
    times = dt * torch.arange(steps + 1, dtype=torch.float64).repeat(count, 1)
    times[:, 1:-1] += jitter * dt * (torch.rand(count, steps - 1, dtype=torch.float64, generator=generator) - 0.5)
    return times


def add_noise(
    trajectories: Float[Tensor, "count times dim"],
    sigma: float | Float[Tensor, " dim"],
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "count times dim"]:
    """Observations y + sigma N(0, 1), independent for every sample and coordinate, in `dtype`.

    `sigma` is that of every coordinate, or has one entry for each.
    """
    noise = torch.empty(trajectories.shape, dtype=dtype).normal_(generator=generator)
    return noise.mul_(sigma).add_(trajectories)


@dataclass(frozen=True)
class Window:
    """Observations of B trajectories over N steps of h.

    `start` is the state that a rollout begins at, `observed` the observations every `every` steps, from time 0.
    Where the protocol shares them, `derivatives` are the true field at the true states behind the observations,
    and `equations` is the system, of which a model may use the field and H. Where samples are irregular, `times` are
    those of each trajectory since its first observation in the window, and h is the mean step.
    """

    start: Float[Tensor, "batch dim"]
    observed: Float[Tensor, "times batch dim"]
    h: float
    every: int = 1
    derivatives: Float[Tensor, "times batch dim"] | None = None
    equations: System | None = None
    times: Float[Tensor, "times batch"] | None = None

    @property
    def steps(self) -> int:
        return (len(self.observed) - 1) * self.every

    @property
    def duration(self) -> float:
        """From the first observation to the last, of the longest if they differ."""
        return self.h * self.steps if self.times is None else float(self.times[-1].max())


@dataclass(frozen=True)
class TrainingData:
    """What a direct fit may see: whole noisy trajectories, sampled every `dt`, and a stream for what it draws.

    `derivatives` and `equations` as in a Window.
    """

    observed: Float[Tensor, "count times dim"]
    dt: float
    generator: torch.Generator
    derivatives: Float[Tensor, "count times dim"] | None = None
    equations: System | None = None


def points_and_slopes(
    window: Window,
) -> tuple[Float[Tensor, "times batch dim"], Float[Tensor, "times batch dim"]]:
    """States and their derivatives: given, or central differences, second order in the interval of the samples.

    Differences are taken at every sample that has two neighbours, and at the middle of a window of two samples. Noise
    of variance sigma^2 puts sigma^2 / (2 h^2) on each component of theirs. At irregular times they are the slopes of
    the parabolas through three samples.
    """
    y, interval = window.observed, window.h * window.every
    if window.derivatives is not None:
        return y, window.derivatives
    slopes = y.diff(dim=0) / (interval if window.times is None else window.times.diff(dim=0)[..., None])
    if len(y) == 2:
        return y.mean(0, keepdim=True), slopes
    if window.times is None:
        return y[1:-1], (y[2:] - y[:-2]) / (2 * interval)
    before, after = window.times.diff(dim=0)[:-1, :, None], window.times.diff(dim=0)[1:, :, None]
    return y[1:-1], (after * slopes[:-1] + before * slopes[1:]) / (before + after)


def cut_windows(
    trajectories: Float[Tensor, "count times dim"],
    rows: Int[Tensor, " batch"],
    first: Int[Tensor, " batch"],
    steps: int,
) -> Float[Tensor, "window batch dim"]:
    """From each chosen trajectory the states first, ..., first + steps, time axis first."""
    times = first + torch.arange(steps + 1, device=first.device)[:, None]
    return trajectories[rows, times]
