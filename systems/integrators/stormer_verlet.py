from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import Integrator, Separable, VectorField, register
from systems.integrators.solver import FixedPointSolver, Step
from systems.integrators.symplectic_euler import kick


@register
@dataclass
class StormerVerlet(Integrator):
    """Kick, drift, kick; for non-separable H the generalised method, implicit but symplectic for any H.

    p' = p - h/2 H_q(q, p');  q+ = q + h/2 [H_p(q, p') + H_p(q+, p')];  p+ = p' - h/2 H_q(q+, p')
    (Hairer, Lubich, Wanner, VI.3, eq. 3.4).
    """

    solver: FixedPointSolver = field(default_factory=FixedPointSolver)

    order = 2
    symplectic = True
    symmetric = True

    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        p_half = kick(self.solver, field, q, p, h / 2)
        q_new = self._drift(field, q, p_half, h)
        force = field(torch.cat((q_new, p_half), dim=-1)).chunk(2, dim=-1)[1]
        return torch.cat((q_new, p_half + h / 2 * force), dim=-1)

    def _drift(self, field: VectorField, q: Tensor, p_half: Tensor, h: Step) -> Tensor:
        def velocity(position: Tensor) -> Tensor:
            return field(torch.cat((position, p_half.expand_as(position)), dim=-1)).chunk(2, dim=-1)[0]

        start = velocity(q)
        if isinstance(field, Separable):
            return q + h * start

        def update(q_new: Tensor) -> Tensor:
            return q + h / 2 * (start + velocity(q_new))

        return self.solver.solve(update, (q + h * start)[None], q, h)[0]
