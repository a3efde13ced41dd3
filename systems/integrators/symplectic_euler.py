from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import Integrator, Separable, VectorField, register
from systems.integrators.solver import FixedPointSolver, Step


@register
@dataclass
class SymplecticEuler(Integrator):
    """p+ = p - h H_q(q, p+), q+ = q + h H_p(q, p+): explicit for separable H, implicit in p otherwise."""

    solver: FixedPointSolver = field(default_factory=FixedPointSolver)

    order = 1
    symplectic = True
    symmetric = False

    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        p = kick(self.solver, field, q, p, h)
        velocity, _ = field(torch.cat((q, p), dim=-1)).chunk(2, dim=-1)
        return torch.cat((q + h * velocity, p), dim=-1)


def kick(solver: FixedPointSolver, field: VectorField, q: Tensor, p: Tensor, h: Step) -> Tensor:
    """The solution p+ of p+ = p - h H_q(q, p+)."""

    def update(p_new: Tensor) -> Tensor:
        return p + h * field(torch.cat((q.expand_as(p_new), p_new), dim=-1)).chunk(2, dim=-1)[1]

    guess = update(p[None])
    if isinstance(field, Separable):
        return guess[0]
    return solver.solve(update, guess, p, h)[0]
