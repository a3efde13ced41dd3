from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import Integrator, VectorField, register
from systems.integrators.solver import FixedPointSolver, Step
from systems.integrators.stormer_verlet import StormerVerlet

_OUTER = 1 / (2 - 2 ** (1 / 3))
TRIPLE_JUMP = (_OUTER, 1 - 2 * _OUTER, _OUTER)  # shares of h; the middle one is negative


@register
@dataclass
class Yoshida4(Integrator):
    """The triple jump of Stoermer-Verlet: steps of 1.35 h, -1.70 h and 1.35 h, order 4.

    Explicit for separable H; implicit, but symplectic and symmetric, for any other (Yoshida, Phys. Lett. A 150, 262;
    Hairer, Lubich, Wanner, II.4, example 4.2).
    """

    solver: FixedPointSolver = field(default_factory=FixedPointSolver)

    order = 4
    symplectic = True
    symmetric = True

    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        verlet = StormerVerlet(self.solver)
        for share in TRIPLE_JUMP:
            y = verlet.step(field, y, share * h)
        return y
