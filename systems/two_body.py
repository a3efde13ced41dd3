import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, around, register
from systems.kepler import displacement


@register
class TwoBody(System):
    """Two unit masses that attract each other in the plane, y = (q1, q2, p1, p2) with two coordinates each.

    The box lies about the circular orbit of distance 2 around the origin.
    """

    dof = 4
    separable = True
    box = around((1.0, 0.0, -1.0, 0.0, 0.0, 0.5, 0.0, -0.5), 0.1)
    card = Card(
        formula="H = |p1|^2/2 + |p2|^2/2 - 1/|q1 - q2|",
        facts=(
            "both components of the total momentum and the angular momentum are conserved",
            "the centre of mass moves uniformly, and q1 - q2 as in the Kepler problem with attraction 2",
            "at distance d the circular orbit has momenta 1/sqrt(2 d) and period 2 pi sqrt(d^3/2)",
            "all of the box is bound",
        ),
        source="Greydanus et al., arXiv 1906.01563, section 4",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        q1, q2 = q.chunk(2, dim=-1)
        return 0.5 * p.square().sum(-1) - 1 / (q1 - q2).norm(dim=-1)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q1, q2, p1, p2 = y.chunk(4, dim=-1)
        apart = q1 - q2
        force = apart / apart.norm(dim=-1, keepdim=True) ** 3
        return torch.cat((p1, p2, -force, force), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Bound to each other, and with so much relative angular momentum (0.8) that they do not come close."""
        q1, q2, p1, p2 = y.chunk(4, dim=-1)
        apart, moving = q1 - q2, p1 - p2
        binding = moving.square().sum(-1) / 4 - 1 / apart.norm(dim=-1)
        return (binding < 0) & ((apart[..., 0] * moving[..., 1] - apart[..., 1] * moving[..., 0]).abs() >= 0.8)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        x1, y1, x2, y2, px1, py1, px2, py2 = y.unbind(-1)
        return {
            "momentum along x": px1 + px2,
            "momentum along y": py1 + py2,
            "angular momentum": x1 * py1 - y1 * px1 + x2 * py2 - y2 * px2,
        }

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        """By Kepler's equation, for bound orbits; NaN for others."""
        q1, q2, p1, p2 = y0.chunk(4, dim=-1)
        apart, moving = displacement(q1 - q2, p1 - p2, 2.0, t)
        centre = t.reshape(-1, *[1] * y0.ndim) * (p1 + p2) / 2
        return y0 + torch.cat((centre + apart / 2, centre - apart / 2, moving / 2, -moving / 2), dim=-1)
