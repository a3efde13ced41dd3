"""One-step maps that advance a state by h."""

from systems.integrators.base import Integrator, Separable, field_of_owner, get, names, register, unroll, unroll_at
from systems.integrators.solver import FixedPointSolver, NotSolved
from systems.integrators.start_guess import start_guess_named

__all__ = [
    "FixedPointSolver",
    "Integrator",
    "NotSolved",
    "Separable",
    "field_of_owner",
    "get",
    "names",
    "register",
    "start_guess_named",
    "unroll",
    "unroll_at",
]
