"""Flows at every time of a span: N(t, y) approximates phi_t(y) for t in [0, span], and is composed beyond it."""

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import FlowModel
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window

ROUNDING = 1e-6  # of a time, as a part of the span


class ContinuousFlow(FlowModel):
    """A model N(t, y) of the flow; give `at` and `velocity`.

    `span` is the duration of the longest window that it learned from, 0 before any. Beyond it the flow is
    phi_delta o phi_span o ... o phi_span (Canizares et al., arXiv 2412.16787, section 3), which needs no more than
    that states stay where the model learned.
    """

    resumes = False  # a block of the span begins where a rollout does
    span: Tensor

    def __init__(self, system: System, generator: torch.Generator, integrator: Integrator | None = None):
        super().__init__(system, generator, integrator)
        self.register_buffer("span", torch.zeros(()))

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    @abstractmethod
    def at(self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """N(t, y): the states a time t after y, each with its own t."""

    @abstractmethod
    def velocity(
        self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]
    ) -> tuple[Float[Tensor, "*batch dim"], Float[Tensor, "*batch dim"]]:
        """N(t, y) and d/dt N(t, y), differentiable in the parameters."""

    def flow(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        return self.later(y, y.new_full((1, len(y)), h))[0]

    def later(
        self, y: Float[Tensor, "batch dim"], times: Float[Tensor, "times batch"]
    ) -> Float[Tensor, "times batch dim"]:
        """States at positive times after y, each start's own: whole spans one after the other, then what is left."""
        whole = torch.zeros_like(times, dtype=torch.long)
        if self.span:
            whole = (times / self.span - ROUNDING).ceil().long().sub(1).clamp(min=0)
        reached = [y]
        for _ in range(int(whole.max())):
            reached.append(self.at(self.span.to(y).expand(len(y)), reached[-1]))
        starts = torch.stack(reached)[whole, torch.arange(len(y), device=y.device)]
        return self.at(times - whole * self.span, starts)

    def trace(self, y: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "{steps} batch dim"]:
        """N(h, y), ..., N(steps h, y), all at once."""
        times = h * torch.arange(1, steps + 1, dtype=y.dtype, device=y.device)
        return self.at(times[:, None].expand(steps, len(y)), y.expand(steps, *y.shape))

    def compose(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        """States at 0, h, ..., steps h: as many as the span holds straight from one state, then on from the last."""
        leap = fitting(float(self.span), h)
        blocks = [y0[None]]
        for first in range(0, steps, max(1, leap)):
            y = blocks[-1][-1]
            blocks.append(self.trace(y, h, min(leap, steps - first)) if leap else self.flow(y, h)[None])
        return torch.cat(blocks)

    def rollout_at(
        self, y0: Float[Tensor, "batch dim"], times: Float[Tensor, "times batch"]
    ) -> Float[Tensor, "times batch dim"]:
        with torch.no_grad():
            return torch.cat((y0[None], self.later(y0, times[1:])))

    def note_span(self, window: Window) -> None:
        """Widen the span to the duration of a window that the model learns from."""
        self.span.clamp_(min=window.duration)


def fitting(longer: float, shorter: float) -> int:
    """How often a time fits into another one, to rounding."""
    return int(longer / shorter * (1 + ROUNDING))


def observed_states(model: ContinuousFlow, window: Window) -> Float[Tensor, "times batch dim"]:
    """The start of a window and N(t, start) at the observed times after it, differentiable."""
    if window.times is None:
        later = model.trace(window.start, window.h * window.every, len(window.observed) - 1)
    else:
        times = window.times[1:]
        later = model.at(times, window.start.expand(*times.shape, -1))
    return torch.cat((window.start[None], later))


def collocation_times(window: Window) -> Float[Tensor, " batch"]:
    """A time within the window for every start: (b + 1/2)/B of its duration for the b-th of B.

    The starts of a batch come in random order, so pairs of start and time fill [0, span] x the data evenly and
    need no draw of their own.
    """
    count = len(window.start)
    places = torch.arange(count, dtype=window.start.dtype, device=window.start.device)
    return (places + 0.5) * (window.duration / count)


def equations_of(window: Window) -> System:
    """The equations that the protocol shares. Raises ValueError if it shares none."""
    if window.equations is None:
        raise ValueError("the loss needs equations, and the protocol shares none")
    return window.equations


def mean_square(residual: Float[Tensor, "*batch dim"]) -> Float[Tensor, ""]:
    """The squared norm of the last axis, averaged over all others."""
    return residual.square().sum(-1).mean()
