"""One-step maps that advance a state by h."""

from systems.integrators.base import Integrator, Separable, field_of_owner, get, names, register, unroll
from systems.integrators.solver import FixedPointSolver, NotSolved

__all__ = [
    "FixedPointSolver",
    "Integrator",
    "NotSolved",
    "Separable",
    "field_of_owner",
    "get",
    "names",
    "register",
    "unroll",
]
