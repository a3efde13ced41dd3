import math

import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, register


@register
class DoublePendulum(System):
    """Two equal masses on equal rods, mass, length and gravity one: q are both angles from the lowest point."""

    dof = 2
    separable = False
    box = ((-math.pi, math.pi),) * 2 + ((-1.0, 1.0),) * 2
    card = Card(
        formula="H = (p1^2/2 + p2^2 - p1 p2 cos D)/(1 + sin^2 D) - 2 cos q1 - cos q2, D = q1 - q2",
        facts=(
            "minimum at q = (0, 0) with H = -3 and frequencies sqrt(2 +- sqrt(2))",
            "saddles at q = (0, pi), H = -1, and (pi, 0), H = 1, each with exponents and frequencies 2^(1/4)",
            "maximum of the potential at q = (pi, pi) with H = 3 and exponents sqrt(2 +- sqrt(2))",
            "the kinetic energy is that of the two masses: p = M(D) q' with M = [[2, cos D], [cos D, 1]]",
            "chaotic at high energy: the largest Lyapunov exponent from q = (2, 2) at rest is positive",
        ),
        source="David and Mehats, arXiv 2106.11753, box [-pi, pi]^4; Rahma et al., arXiv 2411.17511 (the box here)",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q1, q2, p1, p2 = y.unbind(-1)
        difference = q1 - q2
        kinetic = (0.5 * p1**2 + p2**2 - p1 * p2 * difference.cos()) / (1 + difference.sin() ** 2)
        return kinetic - 2 * q1.cos() - q2.cos()

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """With v = M^-1 p, the kinetic energy changes by v1 v2 sin D with D at fixed p."""
        q1, q2, p1, p2 = y.unbind(-1)
        cos, sin = (q1 - q2).cos(), (q1 - q2).sin()
        v1, v2 = (p1 - p2 * cos) / (1 + sin**2), (2 * p2 - p1 * cos) / (1 + sin**2)
        slope = v1 * v2 * sin
        return torch.stack((v1, v2, -slope - 2 * q1.sin(), slope - q2.sin()), dim=-1)
