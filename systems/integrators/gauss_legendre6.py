from math import sqrt

from systems.integrators.base import register
from systems.integrators.runge_kutta import GaussLegendre

_R = sqrt(15)


@register
class GaussLegendre6(GaussLegendre):
    """Three stages, order 6 (Hairer, Lubich, Wanner, table II.1.1)."""

    order = 6
    a = (
        (5 / 36, 2 / 9 - _R / 15, 5 / 36 - _R / 30),
        (5 / 36 + _R / 24, 2 / 9, 5 / 36 - _R / 24),
        (5 / 36 + _R / 30, 2 / 9 + _R / 15, 5 / 36),
    )
    b = (5 / 18, 4 / 9, 5 / 18)
