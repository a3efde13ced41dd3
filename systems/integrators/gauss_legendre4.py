from math import sqrt

from systems.integrators.base import register
from systems.integrators.runge_kutta import GaussLegendre


@register
class GaussLegendre4(GaussLegendre):
    """Two stages, order 4 (Hairer, Lubich, Wanner, table II.1.1)."""

    order = 4
    a = ((1 / 4, 1 / 4 - sqrt(3) / 6), (1 / 4 + sqrt(3) / 6, 1 / 4))
    b = (1 / 2, 1 / 2)
