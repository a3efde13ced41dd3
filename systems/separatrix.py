"""Separatrices of systems with one degree of freedom: on which side of it an orbit moves."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Separatrix:
    """Orbits with H above `level` pass over the `tops` of the potential, those below it never do."""

    level: float
    tops: tuple[float, ...]

    def passed(self, states: Float[Tensor, "times batch 2"]) -> Bool[Tensor, " batch"]:
        """Which orbits have been on both sides of a top. States that are not finite are on neither."""
        q = states[..., 0]
        sides = [((q > top).any(0)) & ((q < top).any(0)) for top in self.tops]
        return torch.stack(sides).any(0)
