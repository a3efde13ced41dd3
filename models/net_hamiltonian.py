"""What the models share whose H is one scalar net. No plug-in: they differ in the loss that they train it by."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel
from models.networks import ScalarMLP
from systems.base import System
from systems.integrators import Integrator


class NetHamiltonian(HamiltonianModel):
    """H is a net 2n-`hidden`-1 with tanh units, its gradient and Hessian in closed form."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}, "matched": {}}

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (16, 32, 16),
    ):
        super().__init__(system, generator, integrator)
        self.net = ScalarMLP((system.dim, *hidden), generator)

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.net(y)

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return self.net.gradient(y)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        return self.net.hessian(y)
