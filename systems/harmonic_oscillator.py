import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class HarmonicOscillator(System):
    """Unit mass on a unit spring."""

    dof = 1
    separable = True
    box = cube(1.2, 2)
    card = Card(
        formula="H = p^2/2 + q^2/2",
        facts=("centre at (0, 0) with frequency 1, period 2 pi", "the flow is the rotation by angle -t"),
        source="Canizares et al., arXiv 2412.16787, section 5",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return 0.5 * y.square().sum(-1)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack((p, -q), dim=-1)

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        angle = t.reshape(-1, *[1] * y0.ndim)
        return angle.cos() * y0 + angle.sin() * self.field(y0)
