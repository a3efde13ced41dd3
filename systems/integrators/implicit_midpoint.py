from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import VectorField, register
from systems.integrators.runge_kutta import GaussLegendre
from systems.integrators.solver import Step


@register
class ImplicitMidpoint(GaussLegendre):
    """y+ = y + h f((y + y+)/2): Gauss-Legendre with one stage, conserves quadratic invariants exactly.

    With the start guess RK2 this is the predictor and fixed-point corrector of Choudhary et al., arXiv
    2409.11138, algorithm 2 (corrected).
    """

    order = 2
    a = ((0.5,),)
    b = (1.0,)

    def stages(
        self, field: VectorField, y: Float[Tensor, "*batch dim"], v: Float[Tensor, "*batch dim"], h: Step
    ) -> Float[Tensor, "stages *batch dim"]:
        """The midpoint (y + v)/2, which costs no evaluation."""
        return ((y + v) / 2)[None]
