import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class FPUT(System):
    """Fermi-Pasta-Ulam-Tsingou chain of six unit masses: linear and quartic springs in turn, walls at both ends."""

    dof = 6
    separable = True
    box = cube(0.5, 12)
    card = Card(
        formula="H = |p|^2/2 + sum_{i=1..3} (q_2i - q_2i-1)^2/4 + sum_{i=0..3} (q_2i+1 - q_2i)^4, q_0 = q_7 = 0",
        facts=(
            "minimum at the origin with H = 0; exponents there +-i three times, and 0 six times",
            "symmetric under q -> -q and under q_i -> -q_7-i",
            "all orbits are bounded",
        ),
        source="David and Mehats, arXiv 2106.11753, box [-2.1, 2.1]^12; Hairer, Lubich, Wanner, section I.5",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        linear, quartic = extensions(q)
        stored = linear.square().sum(-1) / 4 + quartic.pow(4).sum(-1)
        return 0.5 * p.square().sum(-1) + stored

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        linear, quartic = extensions(q)
        tensions = torch.zeros_like(torch.cat((linear, quartic), dim=-1))
        tensions[..., 1::2] = linear / 2
        tensions[..., 0::2] = 4 * quartic**3
        return torch.cat((p, tensions.diff(dim=-1)), dim=-1)


def extensions(q: Float[Tensor, "*batch 6"]) -> tuple[Float[Tensor, "*batch 3"], Float[Tensor, "*batch 4"]]:
    """How much longer than at rest: the linear springs, the quartic springs."""
    wall = torch.zeros_like(q[..., :1])
    apart = torch.cat((wall, q, wall), dim=-1).diff(dim=-1)
    return apart[..., 1::2], apart[..., 0::2]
