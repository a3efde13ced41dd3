"""How dL/dtheta of a loss on an integrated trajectory is computed: one mode a file."""

from models.gradients.base import GradientMode, get, names, register

__all__ = ["GradientMode", "get", "names", "register"]
