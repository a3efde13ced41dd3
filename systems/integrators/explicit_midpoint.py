from typing import ClassVar

from systems.integrators.base import register
from systems.integrators.runge_kutta import ExplicitRungeKutta


@register
class ExplicitMidpoint(ExplicitRungeKutta):
    """Explicit midpoint rule (RK2): two evaluations a step, not symplectic."""

    order: ClassVar = 2
    a: ClassVar = ((0.0, 0.0), (0.5, 0.0))
    b: ClassVar = (0.0, 1.0)
