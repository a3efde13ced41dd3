from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import VectorField, register
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.runge_kutta import RungeKutta
from systems.integrators.solver import FixedPointSolver, Step
from systems.integrators.yoshida4 import TRIPLE_JUMP


@register
@dataclass
class Yoshida4Midpoint(RungeKutta):
    """The triple jump of implicit midpoint, order 4: a diagonally implicit Runge-Kutta method of three stages.

    Stage i is the midpoint of the i-th jump, so b_i is its share of h, a_ij = b_j before it and a_ii = b_i/2
    (Hairer, Lubich, Wanner, II.4 and VI.4). The stages are solved one after the other.
    """

    solver: FixedPointSolver = field(default_factory=FixedPointSolver)

    order = 4
    symplectic = True
    symmetric = True
    a = tuple(
        tuple(share if j < i else share / 2 if j == i else 0.0 for j, share in enumerate(TRIPLE_JUMP))
        for i in range(3)
    )
    b = TRIPLE_JUMP

    def slopes(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        midpoint, slopes = ImplicitMidpoint(self.solver), []
        for share in TRIPLE_JUMP:
            (slope,) = midpoint.slopes(field, y, share * h)
            y = y + share * h * slope
            slopes.append(slope)
        return torch.stack(slopes)
