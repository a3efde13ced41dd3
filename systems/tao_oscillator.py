import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class TaoOscillator(System):
    """A product of a function of q and one of p: the simplest nonlinear H that no splitting T(p) + V(q) takes."""

    dof = 1
    separable = False
    box = cube(2.0, 2)
    card = Card(
        formula="H = (q^2 + 1)(p^2 + 1)/2",
        facts=(
            "centre at (0, 0) with H = 1/2 and frequency 1; all other orbits are closed, around it",
            "from (a, 0), q = a cn(sqrt(1 + a^2) t | a^2/(1 + a^2)), period 4 K(a^2/(1 + a^2))/sqrt(1 + a^2)",
            "symmetric under (q, p) -> (p, -q) and both reflections",
        ),
        source="Tao, Phys. Rev. E 94, 043303 (2016), section III; Xiong et al., arXiv 2010.12636, with box [-4, 4]^2",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.unbind(-1)
        return (q**2 + 1) * (p**2 + 1) / 2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack(((q**2 + 1) * p, -q * (p**2 + 1)), dim=-1)
