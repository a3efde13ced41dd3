"""One-step schemes read backwards: the slope that H has to give between two observed states a time h apart.

What a net H~ finds that fits pairs of exact states is not H but the function whose modified Hamiltonian is H:
H = H~ + excess + higher orders in h (Zhu, Jin, Tang, arXiv 2004.13830; David and Mehats, arXiv 2106.11753).
"""

from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import apply_j


@runtime_checkable
class Directed(Protocol):
    """How grad H changes along a curve with velocity u: Hess H u, and D^3 H [u, u] + Hess H w, w its acceleration."""

    first: Tensor

    def second(self, w: Tensor) -> Tensor: ...


@runtime_checkable
class Expanded(Protocol):
    """grad H at points, and its derivatives along directions; themselves differentiable."""

    gradient: Tensor

    def along(self, u: Tensor) -> Directed: ...


@runtime_checkable
class Differentiable(Protocol):
    """A function H with its gradient."""

    def gradient(self, y: Tensor) -> Tensor: ...


class Scheme(ABC):
    """A one-step map y0 -> y1 = y0 + h slope, of which both ends are known, so that nothing is solved."""

    separable: bool = False  # defined for H = T(p) + V(q) alone
    evaluations: int = 1  # of grad H for a pair

    @abstractmethod
    def slope(
        self, h_tilde: Differentiable, y0: Float[Tensor, "*batch dim"], y1: Float[Tensor, "*batch dim"], h: float
    ) -> Float[Tensor, "*batch dim"]:
        """What (y1 - y0)/h is if the scheme with H~ takes y0 to y1."""

    @abstractmethod
    def excess(self, at: Expanded, h: float | Tensor) -> Float[Tensor, "*batch"]:
        """The leading term of the modified Hamiltonian beyond H~, which a correction adds to H~."""

    @abstractmethod
    def excess_gradient(self, at: Expanded, h: float | Tensor) -> Float[Tensor, "*batch dim"]:
        """grad excess."""


class SymplecticEulerPair(Scheme):
    """p1 = p0 - h H_q(q0, p1), q1 = q0 + h H_p(q0, p1); excess -(h/2) H_p . H_q, up to O(h^2)."""

    def slope(self, h_tilde: Differentiable, y0: Tensor, y1: Tensor, h: float) -> Tensor:
        q, p = y0.chunk(2, dim=-1)[0], y1.chunk(2, dim=-1)[1]
        return apply_j(h_tilde.gradient(torch.cat((q, p), dim=-1)))

    def excess(self, at: Expanded, h: float | Tensor) -> Tensor:
        g_q, g_p = at.gradient.chunk(2, dim=-1)
        return -h / 2 * (g_q * g_p).sum(-1)

    def excess_gradient(self, at: Expanded, h: float | Tensor) -> Tensor:
        g_q, g_p = at.gradient.chunk(2, dim=-1)
        return -h / 2 * at.along(torch.cat((g_p, g_q), dim=-1)).first


class ImplicitMidpointPair(Scheme):
    """y1 = y0 + h f((y0 + y1)/2); excess -(h^2/24) f^T S f with S = Hess H, up to O(h^4)."""

    def slope(self, h_tilde: Differentiable, y0: Tensor, y1: Tensor, h: float) -> Tensor:
        return apply_j(h_tilde.gradient((y0 + y1) / 2))

    def excess(self, at: Expanded, h: float | Tensor) -> Tensor:
        field = apply_j(at.gradient)
        return -h * h / 24 * (field * at.along(field).first).sum(-1)

    def excess_gradient(self, at: Expanded, h: float | Tensor) -> Tensor:
        """Of f^T S f, f = J grad H~: D^3 H~ [f, f] - 2 S J S f."""
        along_f = at.along(apply_j(at.gradient))
        return -h * h / 24 * along_f.second(-2 * apply_j(along_f.first))


class StormerVerletPair(Scheme):
    """Kick, drift, kick of T(p) + V(q); excess h^2 (T_p^T V_qq T_p / 12 - V_q^T T_pp V_q / 24), up to O(h^4).

    The momentum between the kicks is taken from both ends alike, p0 - (h/2) V_q(q0) = p1 + (h/2) V_q(q1) being
    the same for the scheme's own pairs: so the noise of the two ends enters with equal weight.
    """

    separable = True
    evaluations = 3

    def slope(self, h_tilde: Differentiable, y0: Tensor, y1: Tensor, h: float) -> Tensor:
        (q0, p0), (_, p1) = y0.chunk(2, dim=-1), y1.chunk(2, dim=-1)
        v0, v1 = (h_tilde.gradient(y).chunk(2, dim=-1)[0] for y in (y0, y1))
        p_half = (p0 + p1) / 2 + h / 4 * (v1 - v0)
        velocity = h_tilde.gradient(torch.cat((q0, p_half), dim=-1)).chunk(2, dim=-1)[1]
        return torch.cat((velocity, -(v0 + v1) / 2), dim=-1)

    def excess(self, at: Expanded, h: float | Tensor) -> Tensor:
        field = apply_j(at.gradient)
        along_q, along_p = (field * at.along(field).first).chunk(2, dim=-1)
        return h * h * (along_q.sum(-1) / 12 - along_p.sum(-1) / 24)

    def excess_gradient(self, at: Expanded, h: float | Tensor) -> Tensor:
        """From v = V'' T_p and t = -T'' V_q: (D^3 V [T_p, T_p] + V'' t)/12 and -(D^3 T [V_q, V_q] - 4 T'' v)/24."""
        along_f = at.along(apply_j(at.gradient))
        v, t = along_f.first.chunk(2, dim=-1)
        of_v, of_t = along_f.second(torch.cat((t, -4 * v), dim=-1)).chunk(2, dim=-1)
        return h * h * torch.cat((of_v / 12, -of_t / 24), dim=-1)


SCHEMES: dict[str, Scheme] = {
    "symplectic_euler": SymplecticEulerPair(),
    "implicit_midpoint": ImplicitMidpointPair(),
    "stormer_verlet": StormerVerletPair(),
}
