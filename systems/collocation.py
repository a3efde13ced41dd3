"""Polynomial collocation: the polynomial p of degree s with p(0) = y0 and p'(c_i h) = f(p(c_i h)) at s nodes c_i.

Hairer, Lubich, Wanner, Geometric Numerical Integration, section II.1.2: its values at h are those of an implicit
Runge-Kutta method, of the order of the quadrature rule on the nodes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import VectorField
from systems.integrators.solver import FixedPointSolver


def gauss(count: int) -> tuple[float, ...]:
    """Gauss-Legendre nodes on [0, 1], whose quadrature has order 2s."""
    return tuple(float(node) for node in (np.polynomial.legendre.leggauss(count)[0] + 1) / 2)


def chebyshev(count: int) -> tuple[float, ...]:
    """Chebyshev nodes of the first kind on [0, 1], whose quadrature has order s, or s + 1 for odd s."""
    places = (2 * np.arange(count) + 1) * np.pi / (2 * count)
    return tuple(float(node) for node in (1 - np.cos(places)) / 2)


@dataclass(frozen=True)
class CollocationPolynomial:
    """p on [0, h], by its slopes at the nodes."""

    nodes: tuple[float, ...]
    y0: Float[Tensor, " dim"]
    h: float
    slopes: Float[Tensor, "nodes dim"]

    def at(self, t: Float[Tensor, " times"]) -> Float[Tensor, "times dim"]:
        """p(t) = y0 + h sum_j K_j int_0^(t/h) l_j."""
        return self.y0 + self.h * (integrals(self.nodes, t / self.h) @ self.slopes)

    def velocity(self, t: Float[Tensor, " times"]) -> Float[Tensor, "times dim"]:
        """p'(t) = sum_j K_j l_j(t/h)."""
        powers = (t / self.h)[:, None] ** torch.arange(len(self.nodes), dtype=t.dtype)
        return powers @ lagrange(self.nodes) @ self.slopes


def collocate(
    field: VectorField, y0: Float[Tensor, " dim"], h: float, nodes: tuple[float, ...]
) -> CollocationPolynomial:
    """The collocation polynomial of y' = f(y) from y0, in float64. Raises NotSolved."""
    weights = integrals(nodes, torch.tensor(nodes, dtype=y0.dtype))
    guess = field(y0).expand(len(nodes), -1)
    slopes = FixedPointSolver().solve(lambda k: field(y0 + h * (weights @ k)), guess, y0, h, unit=abs(h))
    return CollocationPolynomial(nodes, y0, h, slopes)


def lagrange(nodes: tuple[float, ...]) -> Float[Tensor, "nodes nodes"]:
    """Coefficients of the Lagrange polynomials l_j of the nodes, one column each, lowest power first."""
    return torch.linalg.inv(torch.tensor(nodes, dtype=torch.float64)[:, None] ** torch.arange(len(nodes)))


def integrals(nodes: tuple[float, ...], t: Float[Tensor, " times"]) -> Float[Tensor, "times nodes"]:
    """int_0^t l_j for each time, in units of h."""
    degrees = torch.arange(1, len(nodes) + 1, dtype=t.dtype)
    return (t[:, None] ** degrees / degrees) @ lagrange(nodes)
