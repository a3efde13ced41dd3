import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class Toda(System):
    """Toda lattice of three particles on a ring: nonlinear, and integrable all the same."""

    dof = 3
    separable = True
    box = cube(0.5, 6)
    card = Card(
        formula="H = |p|^2/2 + e^(q1-q2) + e^(q2-q3) + e^(q3-q1) - 3",
        facts=(
            "integrable: conserved are p1 + p2 + p3 and p1 p2 p3 - p1 e^(q2-q3) - p2 e^(q3-q1) - p3 e^(q1-q2)",
            "H and these two are independent and in involution: no motion is chaotic, at any energy",
            "where sum q = sum p = 0, its potential to third order is that of Henon and Heiles, scaled",
            "equilibrium at the origin with H = 0, the least, and frequencies 0, sqrt(3), sqrt(3)",
        ),
        source="Henon, Phys. Rev. B 9, 1921 (1974); Khoo et al., arXiv 2309.01069, section 4",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        return 0.5 * p.square().sum(-1) + bonds(q).sum(-1) - 3

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        stretched = bonds(q)
        return torch.cat((p, stretched.roll(1, -1) - stretched), dim=-1)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        q, p = y.chunk(2, dim=-1)
        return {"momentum": p.sum(-1), "third": p.prod(-1) - (p * bonds(q).roll(-1, -1)).sum(-1)}


def bonds(q: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """e^(q1-q2), e^(q2-q3), e^(q3-q1)."""
    return (q - q.roll(-1, -1)).exp()
