from typing import ClassVar

from systems.integrators.base import register
from systems.integrators.runge_kutta import ExplicitRungeKutta


@register
class RK4(ExplicitRungeKutta):
    """The classical Runge-Kutta method: four evaluations a step, not symplectic."""

    order: ClassVar = 4
    a: ClassVar = ((0.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0), (0.0, 0.5, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    b: ClassVar = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
