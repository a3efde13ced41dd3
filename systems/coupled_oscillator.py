from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
@dataclass(frozen=True)
class CoupledOscillator(System):
    """Quadratic and non-separable: position and momentum of one degree of freedom are coupled.

    The paper does not state alpha; 0.5 is inferred from its table (0 < |alpha| < 1 gives bounded motion).
    """

    alpha: float = 0.5

    dof = 1
    separable = False
    box = cube(2.0, 2)
    card = Card(
        formula="H = p^2/2 + q^2/2 + alpha p q, alpha = 0.5",
        facts=(
            "centre at (0, 0) with frequency sqrt(1 - alpha^2), period 7.255",
            "H is quadratic: implicit midpoint conserves it exactly",
            "level sets are ellipses with axis ratio sqrt(3)",
        ),
        source="Choudhary et al., arXiv 2409.11138, system 2; alpha inferred",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.unbind(-1)
        return 0.5 * p**2 + 0.5 * q**2 + self.alpha * p * q

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.unbind(-1)
        return torch.stack((p + self.alpha * q, -(q + self.alpha * p)), dim=-1)

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        """y(t) = cos(w t) y0 + sin(w t) / w f(y0), since f is linear with f(f(y)) = -w^2 y."""
        omega = (1 - self.alpha**2) ** 0.5
        angle = (omega * t).reshape(-1, *[1] * y0.ndim)
        return angle.cos() * y0 + angle.sin() / omega * self.field(y0)
