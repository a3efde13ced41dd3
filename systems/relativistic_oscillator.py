import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class RelativisticOscillator(System):
    """A relativistic particle in an anisotropic anharmonic well, rest mass and speed of light one."""

    dof = 2
    separable = True
    box = cube(0.5, 4)
    card = Card(
        formula="H = sqrt(1 + |p|^2) + |q|^2/2 + q2^4/80",
        facts=(
            "minimum at the origin with H = 1 and frequencies (1, 1)",
            "|q'| < 1 everywhere",
            "the planes q1 = p1 = 0 and q2 = p2 = 0 are invariant",
            "all orbits are bounded",
            "the angular momentum is conserved without the quartic term, and not with it",
        ),
        source="Khoo et al., arXiv 2309.01069, section 4",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        return (1 + p.square().sum(-1)).sqrt() + 0.5 * q.square().sum(-1) + q[..., 1] ** 4 / 80

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        q1, q2 = q.unbind(-1)
        velocity = p / (1 + p.square().sum(-1, keepdim=True)).sqrt()
        return torch.cat((velocity, torch.stack((-q1, -q2 - q2**3 / 20), dim=-1)), dim=-1)
