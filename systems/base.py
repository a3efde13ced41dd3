"""What a system is: H(q, p) is the definition, everything else can be derived from it.

States are y = (q, p), q first, shape [..., 2n]; the field is f = J grad H = (H_p, -H_q).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.registry import Registry
from systems.sections import Section
from systems.separatrix import Separatrix

Box = tuple[tuple[float, float], ...]


def cube(half_width: float, dim: int) -> Box:
    """The box [-half_width, half_width]^dim as one (low, high) pair a coordinate."""
    return around((0.0,) * dim, half_width)


def around(centre: tuple[float, ...], half_width: float) -> Box:
    """The box of states that differ from the centre by at most half_width in every coordinate."""
    return tuple((at - half_width, at + half_width) for at in centre)


@dataclass(frozen=True)
class Card:
    """Facts that a chooser needs: H in plain text, statements that tests check, and where they come from."""

    formula: str
    facts: tuple[str, ...]
    source: str


class System(ABC):
    """A Hamiltonian system with n degrees of freedom.

    A plug-in gives `dof`, `separable` (H = T(p) + V(q)), `box` (where starts are drawn), `card` and
    `hamiltonian`; it should give `field` in closed form, and `accepts`, `exact` and `invariants` where they apply.
    For judges of long rollouts it may name a `section`, a `separatrix`, and a `lyapunov_time`, by whose length the
    distance of two chaotic orbits grows e-fold.
    """

    dof: int
    separable: bool
    box: Box
    card: Card
    section: Section | None = None
    separatrix: Separatrix | None = None
    lyapunov_time: float | None = None

    @property
    def dim(self) -> int:
        """Number of phase-space coordinates, 2n."""
        return 2 * self.dof

    @abstractmethod
    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        """H(q, p), the definition of the system."""

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """f = J grad H, differentiable in y. Derived from H unless the plug-in has a closed form."""
        return field_of(self.hamiltonian, y)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Which starts stay on bounded motion; all, unless the plug-in knows better."""
        return torch.ones(y.shape[:-1], dtype=torch.bool, device=y.device)

    def exact(
        self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]
    ) -> Float[Tensor, "times *batch dim"] | None:
        """The solution at times t where it is known in closed form, else None."""
        return None

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        """What the motion conserves besides H, by name."""
        return {}


def flip(y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """(q, -p): undoes the direction of time where H(q, -p) = H(q, p)."""
    q, p = y.chunk(2, dim=-1)
    return torch.cat((q, -p), dim=-1)


def apply_j(gradient: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """J g = (g_p, -g_q) for g = (g_q, g_p)."""
    g_q, g_p = gradient.chunk(2, dim=-1)
    return torch.cat((g_p, -g_q), dim=-1)


def field_of(hamiltonian, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    """J grad H by automatic differentiation, itself differentiable when gradients are enabled."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        point = y if create_graph and y.requires_grad else y.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(hamiltonian(point).sum(), point, create_graph=create_graph)
    return apply_j(gradient)


_registry: Registry[System] = Registry("systems", "system")
register, names, get = _registry.register, _registry.names, _registry.get
