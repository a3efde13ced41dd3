"""What the models share whose H is one scalar net. No plug-in: they differ in the loss that they train it by."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel
from models.networks import ScalarMLP, SeparableMLP
from systems.base import System
from systems.integrators import Integrator


class NetHamiltonian(HamiltonianModel):
    """H is a net 2n-`hidden`-1 with tanh units, or T(p) + V(q), two nets n-`hidden`-1, if `split`
    (by default if the class is separable).

    Gradient and Hessian are in closed form.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "matched": {}}

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (16, 32, 16),
        *,
        split: bool | None = None,
    ):
        super().__init__(system, generator, integrator)
        dim, self.separable = system.dim, self.separable if split is None else split
        self.net = SeparableMLP(dim, hidden, generator) if self.separable else ScalarMLP((dim, *hidden), generator)

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.net(y)

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return self.net.gradient(y)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        return self.net.hessian(y)
