from math import cos, pi, sin

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, around, register

_ANGLES = [pi / 2 + body * 2 * pi / 3 for body in range(3)]
_SPEED = 3**-0.25  # of Lagrange's rotating triangle with the bodies at distance 1 from its centre
_PLACES = [value for angle in _ANGLES for value in (cos(angle), sin(angle))]
_MOMENTA = [_SPEED * value for angle in _ANGLES for value in (-sin(angle), cos(angle))]


@register
class ThreeBody(System):
    """Three unit masses in the plane, y = (q1, q2, q3, p1, p2, p3) with two coordinates each: chaotic.

    The box lies about Lagrange's rotating equilateral triangle, near which the peers draw as well.
    """

    dof = 6
    separable = True
    box = around((*_PLACES, *_MOMENTA), 0.1)
    card = Card(
        formula="H = sum_i |p_i|^2/2 - sum_{i<j} 1/|q_i - q_j|",
        facts=(
            "both components of the total momentum and the angular momentum are conserved",
            "an equilateral triangle of circumradius 1 with speeds 3^(-1/4) rotates rigidly, period 2 pi 3^(1/4)",
            "that motion is unstable: nearby ones leave it with the exponent 3^(-1/4)/sqrt(2) (Routh)",
            "the three follow one another on a figure of eight with period 6.32591398",
        ),
        source="Greydanus et al., arXiv 1906.01563, section 4; Chenciner and Montgomery, 2000 (eight); Routh, 1875",
    )
    lyapunov_time = 2**0.5 / _SPEED  # of the rotating triangle, which the box lies about

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        return 0.5 * p.square().sum(-1) - (1 / distances(q)).sum(-1)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        q1, q2, q3 = q.chunk(3, dim=-1)
        f12, f23, f31 = (apart / apart.norm(dim=-1, keepdim=True) ** 3 for apart in (q1 - q2, q2 - q3, q3 - q1))
        return torch.cat((p, f31 - f12, f12 - f23, f23 - f31), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Negative energy, and no two bodies closer than 0.5; what comes later nobody knows."""
        return (self.hamiltonian(y) < 0) & (distances(y.chunk(2, dim=-1)[0]) > 0.5).all(dim=-1)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        q, p = (part.unflatten(-1, (3, 2)) for part in y.chunk(2, dim=-1))
        momentum = p.sum(-2)
        return {
            "momentum along x": momentum[..., 0],
            "momentum along y": momentum[..., 1],
            "angular momentum": (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]).sum(-1),
        }


def distances(q: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3"]:
    """|q1 - q2|, |q2 - q3|, |q3 - q1|."""
    places = q.unflatten(-1, (3, 2))
    return (places - places.roll(-1, -2)).norm(dim=-1)
