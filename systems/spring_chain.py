"""Masses in a row with springs between them; each file spring_chain_N holds one chain."""

import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import System


class SpringChain(System):
    """A chain of n masses; give `masses`, `springs`, `dof`, `box` and `card`.

    `springs` are n + 1 constants: from the left wall to the first mass, between neighbours, and from the last mass to
    the right wall. An end whose spring is 0 is free.
    """

    masses: tuple[float, ...]
    springs: tuple[float, ...]
    separable = True

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        kinetic = p.square() / y.new_tensor(self.masses)
        return (kinetic.sum(-1) + (self.extensions(q).square() * y.new_tensor(self.springs)).sum(-1)) / 2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        tension = y.new_tensor(self.springs) * self.extensions(q)
        return torch.cat((p / y.new_tensor(self.masses), tension.diff(dim=-1)), dim=-1)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        """The total momentum, where both ends are free."""
        free = self.springs[0] == self.springs[-1] == 0
        return {"momentum": y.chunk(2, dim=-1)[1].sum(-1)} if free else {}

    def extensions(self, q: Float[Tensor, "*batch masses"]) -> Float[Tensor, "*batch springs"]:
        """How much longer each spring is than at rest."""
        wall = torch.zeros_like(q[..., :1])
        return torch.cat((wall, q, wall), dim=-1).diff(dim=-1)

    def modes(self, like: Tensor) -> tuple[Float[Tensor, " modes"], Float[Tensor, "masses modes"], Tensor]:
        """Frequencies in rising order, normal modes of q sqrt(m) as columns, and sqrt(m)."""
        root = like.new_tensor(self.masses).sqrt()
        stretch = self.extensions(torch.eye(self.dof).to(root) / root[:, None])
        squares, modes = torch.linalg.eigh(stretch @ (like.new_tensor(self.springs)[:, None] * stretch.T))
        return squares.clamp(min=0).sqrt(), modes, root

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        """Every normal mode oscillates by itself; a mode of frequency 0 drifts."""
        omega, modes, root = self.modes(y0)
        q, p = y0.chunk(2, dim=-1)
        x, rate = (root * q) @ modes, (p / root) @ modes
        t = t.reshape(-1, *[1] * y0.ndim)
        swinging = omega > 0
        turned = torch.cos(omega * t) - 1
        swung = torch.where(swinging, torch.sin(omega * t) / omega.where(swinging, 1.0), t)
        moved = (turned * x + swung * rate) @ modes.T / root
        kicked = (turned * rate - omega**2 * swung * x) @ modes.T * root
        return y0 + torch.cat((moved, kicked), dim=-1)
