import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class LotkaVolterra(System):
    """Predators and prey in logarithms: e^q and e^p are the populations."""

    dof = 1
    separable = True
    box = cube(2.0, 2)
    card = Card(
        formula="H = p - e^p + 2 q - e^q",
        facts=(
            "centre at (ln 2, 0) with H = 2 ln 2 - 3, the greatest, and frequency sqrt(2)",
            "all orbits are closed; over a period the mean of e^q is 2 and that of e^p is 1",
            "x = e^q, y = e^p obey x' = x (1 - y), y' = y (x - 2)",
        ),
        source="Rahma et al., arXiv 2411.17511, section 4, with alpha = -2, beta = gamma = delta = -1",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.unbind(-1)
        return p - p.exp() + 2 * q - q.exp()

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack((1 - p.exp(), q.exp() - 2), dim=-1)
