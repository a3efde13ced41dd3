import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, register
from systems.separatrix import Separatrix


@register
class Pendulum(System):
    """A mass on a rod, mass, length and gravity one: q is the angle from the lowest point."""

    dof = 1
    separable = True
    box = ((-2 * math.pi, 2 * math.pi), (-1.0, 1.0))
    card = Card(
        formula="H = p^2/2 + 1 - cos q",
        facts=(
            "centres at q = 2 pi k, p = 0 with H = 0 and frequency 1 for small oscillations",
            "saddles at q = pi + 2 pi k, p = 0 with H = 2 and exponents +-1",
            "below H = 2 the pendulum swings, above it turns over and q grows without bound",
            "77.0 % of the box swings below H = 1.9",
        ),
        source="Rahma et al., arXiv 2411.17511, section 4 (the box too); David and Mehats, arXiv 2106.11753",
    )
    accepted_energy = 1.9
    separatrix = Separatrix(level=2.0, tops=(-3 * math.pi, -math.pi, math.pi, 3 * math.pi))  # those of the box

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.unbind(-1)
        return 0.5 * p**2 + 1 - torch.cos(q)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack((p, -torch.sin(q)), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Energy below 1.9, so that it swings; the separatrix is at 2."""
        return self.hamiltonian(y) < self.accepted_energy
