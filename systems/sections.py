"""Surfaces of section: where trajectories cross a coordinate's zero, whoever made them, from their states alone."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

_NODES = 8  # states that the interpolating polynomial of degree 7 goes through
_HALVINGS = 60  # of an interval of one step: the root is then as good as float64 tells times apart


@dataclass(frozen=True)
class Crossings:
    """States on the section, the trajectory that each one belongs to, and its time in steps; in no special order."""

    states: Float[Tensor, "points dim"]
    orbits: Int[Tensor, " points"]
    steps: Float[Tensor, " points"]


def crossings(states: Float[Tensor, "times batch dim"], coordinate: int) -> Crossings:
    """Where a coordinate rises through 0 along equidistant states, float64.

    The polynomial of degree 7 through the eight states around a crossing is solved for the coordinate's zero, to
    rounding, and gives the other coordinates there. Its own error is about 1e-3 (h w)^8 for motion of frequency w:
    1e-11 for h w = 0.1. It asks nothing of the motion but its states, so a flow map has a section as well as a field.
    A crossing is left out if one of its eight states is not finite. Empty for fewer than eight states.
    """
    times = len(states)
    if times < _NODES:
        empty = states.new_empty(0)
        return Crossings(states.new_empty(0, states.shape[-1]), empty.long(), empty)
    x = states[..., coordinate]
    before, orbits = ((x[:-1] < 0) & (x[1:] >= 0)).nonzero().unbind(-1)
    first = (before - (_NODES // 2 - 1)).clamp(0, times - _NODES)
    around = states[first[:, None] + torch.arange(_NODES, device=x.device), orbits[:, None]]
    whole = around.isfinite().all(-1).all(-1)
    around, first, before, orbits = (part[whole] for part in (around, first, before, orbits))
    low = (before - first).to(x)
    high = low + 1
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rising = interpolate(around[..., coordinate, None], middle)[:, 0] < 0
        low, high = torch.where(rising, middle, low), torch.where(rising, high, middle)
    return Crossings(interpolate(around, high), orbits, first + high)


def interpolate(
    nodes: Float[Tensor, "points nodes dim"], place: Float[Tensor, " points"]
) -> Float[Tensor, "points dim"]:
    """The polynomials through nodes at 0, 1, 2, ..., at one place each (Lagrange's form)."""
    at = torch.arange(nodes.shape[1], dtype=place.dtype, device=place.device)
    factors = (place[:, None, None] - at) / (at[:, None] - at).fill_diagonal_(1)
    factors.diagonal(dim1=1, dim2=2).fill_(1)
    return (factors.prod(-1)[..., None] * nodes).sum(1)


@dataclass(frozen=True)
class Section:
    """A surface of section for two degrees of freedom: `coordinate` = 0 where it rises, in a plane of two others.

    `speed` is the momentum that an energy gives to a point of the plane, speed^2 = `room`(point, energy), which is
    negative where the energy forbids the point and 0 on the curve that bounds the section. `window` is the part of
    the plane that bounded motion can reach, (low, high) by coordinate.
    """

    coordinate: int
    speed: int
    plane: tuple[int, int]
    window: tuple[tuple[float, float], tuple[float, float]]
    room: Callable[[Tensor, Tensor | float], Tensor]

    def states(self, points: Float[Tensor, "*batch 2"], energy: float) -> Float[Tensor, "*batch 4"]:
        """The states on the section at points of its plane; NaN where the energy forbids them."""
        y = points.new_zeros(*points.shape[:-1], 4)
        y[..., list(self.plane)] = points
        y[..., self.speed] = self.room(points, energy).sqrt()
        return y

    def draw(self, energy: float, count: int, generator: torch.Generator) -> Float[Tensor, "{count} 4"]:
        """States uniform in the allowed part of the plane, float64."""
        low, high = torch.tensor(self.window, dtype=torch.float64).T
        found = low.new_empty(0, 2)
        while len(found) < count:
            points = low + (high - low) * torch.rand(4 * count, 2, dtype=torch.float64, generator=generator)
            found = torch.cat((found, points[self.room(points, energy) > 0]))
        return self.states(found[:count], energy)

    def boundary(self, energy: float, count: int = 101) -> Float[Tensor, "{count} 2"]:
        """Points around the closed curve `room` = 0, float64.

        The second coordinate is a momentum, of which 0 is allowed where any is: a line across meets the curve twice.
        """
        (low, high), (_, top) = self.window
        first = torch.linspace(low, high, 1001, dtype=torch.float64)
        middle = first[self.room(torch.stack((first, 0 * first), -1), energy).argmax()]
        ends = torch.tensor([low, high], dtype=torch.float64)
        ends = self._last_allowed(
            torch.stack((middle.expand(2), 0 * ends), -1), torch.stack((ends, 0 * ends), -1), energy
        )
        angle = torch.linspace(0, 2 * torch.pi, count, dtype=torch.float64)
        (left, right), half = ends[:, 0], (ends[1, 0] - ends[0, 0]) / 2
        base = torch.stack(((left + right) / 2 + half * angle.cos(), 0 * angle), -1)
        return self._last_allowed(base, base + torch.stack((0 * angle, 2 * top * angle.sin().sign()), -1), energy)

    def _last_allowed(self, inside: Tensor, outside: Tensor, energy: float) -> Float[Tensor, "points 2"]:
        """Where the lines from allowed points to others leave the allowed part, by halving."""
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            allowed = self.room(middle, energy)[:, None] > 0
            inside, outside = torch.where(allowed, middle, inside), torch.where(allowed, outside, middle)
        return inside
