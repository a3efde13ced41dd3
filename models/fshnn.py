from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import (
    HamiltonianModel,
    Linearisation,
    gradient_rollout,
    jacobian_of_field,
    register,
    squared_error,
)
from models.gradients.base import GradientMode
from models.networks import LinearisedMLP, ScalarMLP
from systems.base import System, apply_j
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class FSHNN(HamiltonianModel):
    """Fully symplectic HNN: a net for H, trained through an implicit symplectic integrator.

    Net 2n-16-32-16-1 with tanh units, `hidden` being the layers between; loss (1/N) sum_i ||y_i - yhat_i||^2 over
    the N steps of a window, started from its first observation (Choudhary et al., arXiv 2409.11138, eq. 26).
    """

    integrates = True
    presets: ClassVar = {"paper": {"hidden": (16, 32, 16)}, "matched": {"hidden": (16, 32, 16)}}

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

    def linearise(self, y: Float[Tensor, "points dim"]) -> Linearisation:
        learning = all(parameter.requires_grad for parameter in self.parameters())
        return LinearisedFSHNN(self, y) if learning else super().linearise(y)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)


class LinearisedFSHNN(Linearisation):
    """In closed form, from one forward pass of the net."""

    def __init__(self, model: FSHNN, y: Float[Tensor, "points dim"]):
        super().__init__(model, y)
        self.net = LinearisedMLP(model.net, y)
        model.count(y)

    def jacobian(self) -> Float[Tensor, "points dim dim"]:
        return jacobian_of_field(self.net.hessian().movedim((0, 1), (-2, -1)))

    def pull_parameters(self, cotangents: Float[Tensor, "points dim"]) -> list[Tensor]:
        return self.net.pull_gradient(-apply_j(cotangents))  # <w, J g> = <J^T w, g>, J^T = -J
