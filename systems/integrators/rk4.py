from systems.integrators.base import register
from systems.integrators.runge_kutta import ExplicitRungeKutta


@register
class RK4(ExplicitRungeKutta):
    """The classical Runge-Kutta method: four evaluations a step, not symplectic."""

    order = 4
    a = ((0.0, 0.0, 0.0, 0.0), (0.5, 0.0, 0.0, 0.0), (0.0, 0.5, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
    b = (1 / 6, 1 / 3, 1 / 3, 1 / 6)
