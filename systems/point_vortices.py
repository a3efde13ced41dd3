import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, around, register


@register
class PointVortices(System):
    """Four vortices of strength 2 pi in a plane fluid, q their x and p their y coordinates: chaotic.

    Here q and p are both positions, H is a logarithm and no sum T(p) + V(q). The box lies about the rotating square.
    """

    dof = 4
    separable = False
    box = around((1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0), 0.25)
    card = Card(
        formula="H = -sum_{i<j} ln |z_i - z_j|, z_i = (q_i, p_i)",
        facts=(
            "the centre, (sum q, sum p), and sum |z|^2 are conserved",
            "H and the motion do not change under rotations and shifts of the plane",
            "a square of circumradius 1 rotates rigidly with angular velocity 3/2",
            "two vortices at distance d by themselves turn about their centre with angular velocity 2/d^2",
        ),
        source="Aref, Annu. Rev. Fluid Mech. 15, 345 (1983); learned by Xiong et al., arXiv 2010.12636, section 5",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        apart_q, apart_p = separations(y)
        pairs = torch.triu_indices(self.dof, self.dof, 1, device=y.device)
        squares = (apart_q**2 + apart_p**2)[..., pairs[0], pairs[1]]
        return -squares.log().sum(-1) / 2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        apart_q, apart_p = separations(y)
        squares = apart_q**2 + apart_p**2 + torch.eye(self.dof).to(y)  # a vortex does not move itself
        return torch.cat((-(apart_p / squares).sum(-1), (apart_q / squares).sum(-1)), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """No two vortices closer than 0.5; pairs that are turn fast."""
        apart_q, apart_p = separations(y)
        return (apart_q**2 + apart_p**2 + torch.eye(self.dof).to(y) > 0.25).flatten(-2).all(-1)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        q, p = y.chunk(2, dim=-1)
        return {"centre along q": q.sum(-1), "centre along p": p.sum(-1), "spread": y.square().sum(-1)}


def separations(y: Float[Tensor, "*batch 8"]) -> tuple[Float[Tensor, "*batch 4 4"], Float[Tensor, "*batch 4 4"]]:
    """q_i - q_j and p_i - p_j."""
    q, p = y.chunk(2, dim=-1)
    return q[..., :, None] - q[..., None, :], p[..., :, None] - p[..., None, :]
