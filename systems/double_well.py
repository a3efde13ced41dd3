import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register
from systems.separatrix import Separatrix


@register
class DoubleWell(System):
    """Quartic double well, one degree of freedom."""

    dof = 1
    separable = True
    box = cube(2.0, 2)
    card = Card(
        formula="H = p^2/2 + q^4/4 - q^2/2",
        facts=(
            "centres at (+-1, 0) with H = -1/4 and frequency sqrt(2)",
            "saddle at (0, 0) with H = 0 and exponents +-1",
            "the homoclinic orbit q = sqrt(2) sech t, p = q' has H = 0",
            "all orbits are bounded",
        ),
        source="Choudhary et al., arXiv 2409.11138, system 1",
    )
    separatrix = Separatrix(level=0.0, tops=(0.0,))

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.unbind(-1)
        return 0.5 * p**2 + 0.25 * q**4 - 0.5 * q**2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack((p, q - q**3), dim=-1)
