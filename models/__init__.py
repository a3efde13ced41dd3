"""Things that learn: Hamiltonian nets, flow maps, vector fields, closed-form fits."""

from models.base import Model, get, names, register

__all__ = ["Model", "get", "names", "register"]
