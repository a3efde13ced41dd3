"""Dynamical systems that are to be learned, integrators, and reference trajectories."""

from systems.base import Card, System, around, cube, get, names, register

__all__ = ["Card", "System", "around", "cube", "get", "names", "register"]
