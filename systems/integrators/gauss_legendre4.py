from math import sqrt
from typing import ClassVar

from systems.integrators.base import register
from systems.integrators.runge_kutta import GaussLegendre


@register
class GaussLegendre4(GaussLegendre):
    """Two stages, order 4 (Hairer, Lubich, Wanner, table II.1.1)."""

    order: ClassVar = 4
    a: ClassVar = ((1 / 4, 1 / 4 - sqrt(3) / 6), (1 / 4 + sqrt(3) / 6, 1 / 4))
    b: ClassVar = (1 / 2, 1 / 2)
