from systems.integrators.base import register
from systems.integrators.runge_kutta import ExplicitRungeKutta


@register
class ExplicitMidpoint(ExplicitRungeKutta):
    """Explicit midpoint rule (RK2): two evaluations a step, not symplectic."""

    order = 2
    a = ((0.0, 0.0), (0.5, 0.0))
    b = (0.0, 1.0)
