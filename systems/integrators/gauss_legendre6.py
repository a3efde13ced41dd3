from math import sqrt
from typing import ClassVar

from systems.integrators.base import register
from systems.integrators.runge_kutta import GaussLegendre

_R = sqrt(15)


@register
class GaussLegendre6(GaussLegendre):
    """Three stages, order 6 (Hairer, Lubich, Wanner, table II.1.1)."""

    order: ClassVar = 6
    a: ClassVar = (
        (5 / 36, 2 / 9 - _R / 15, 5 / 36 - _R / 30),
        (5 / 36 + _R / 24, 2 / 9, 5 / 36 - _R / 24),
        (5 / 36 + _R / 30, 2 / 9 + _R / 15, 5 / 36),
    )
    b: ClassVar = (5 / 18, 4 / 9, 5 / 18)
