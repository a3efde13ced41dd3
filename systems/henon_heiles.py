import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, cube, register
from systems.sections import Section


def room(point: Float[Tensor, "*batch 2"], energy: float | Tensor) -> Float[Tensor, "*batch"]:
    """px^2 where x = 0: 2 E - py^2 - 2 V(0, y) at the point (y, py); negative outside the triangle of the saddles."""
    z, pz = point.unbind(-1)
    return torch.where(z < 1, 2 * energy - pz**2 - z**2 + 2 / 3 * z**3, -torch.inf)


@register
class HenonHeiles(System):
    """Two degrees of freedom, y = (x, y, px, py): chaotic at higher energies, escapes above H = 1/6."""

    dof = 2
    separable = True
    box = cube(0.5, 4)
    card = Card(
        formula="H = (px^2 + py^2)/2 + (x^2 + y^2)/2 + x^2 y - y^3/3",
        facts=(
            "minimum at the origin with H = 0 and frequencies (1, 1)",
            "saddles of the potential at (0, 1) and (+-sqrt(3)/2, -1/2), all with H = 1/6",
            "below H = 1/6 and inside the triangle of the saddles, motion is bounded",
            "53.5 % of the box [-0.5, 0.5]^4 lies on bounded motion",
            "of random orbits on the section x = 0, none is chaotic at E = 1/12 and 59 % at E = 1/8, with exponents "
            "about 0.054",
        ),
        source="Henon and Heiles 1964; Choudhary et al., arXiv 2409.11138, system 3",
    )
    accepted_energy = 0.16
    section = Section(coordinate=0, speed=2, plane=(1, 3), window=((-0.5, 1.0), (-0.6, 0.6)), room=room)
    lyapunov_time = 1 / 0.054  # the median of chaotic orbits at E = 1/8

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        x, z, px, pz = y.unbind(-1)
        return 0.5 * (px**2 + pz**2 + x**2 + z**2) + x**2 * z - z**3 / 3

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        x, z, px, pz = y.unbind(-1)
        return torch.stack((px, pz, -x - 2 * x * z, z**2 - z - x**2), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Energy at most 0.16 (below the saddles' 1/6) and position inside the triangle of the saddles."""
        x, z = y[..., 0], y[..., 1]
        inside = (z > -0.5) & (z < 1 - 3**0.5 * x.abs())
        return inside & (self.hamiltonian(y) <= self.accepted_energy)
