from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from models.base import (
    Linearisation,
    gradient_rollout,
    jacobian_of_field,
    register,
    squared_error,
)
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from models.networks import LinearisedMLP, ScalarMLP
from systems.base import apply_j
from systems.trajectories import Window


@register
class FSHNN(NetHamiltonian):
    """Fully symplectic HNN: a net for H, trained through an implicit symplectic integrator.

    Net 2n-16-32-16-1 with tanh units, `hidden` being the layers between; loss (1/N) sum_i ||y_i - yhat_i||^2 over
    the N steps of a window, started from its first observation (Choudhary et al., arXiv 2409.11138, eq. 26).
    """

    integrates = True
    presets: ClassVar = {"paper": {"hidden": (16, 32, 16)}, "matched": {"hidden": (16, 32, 16)}}

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def linearise(self, y: Float[Tensor, "points dim"]) -> Linearisation:
        learning = all(parameter.requires_grad for parameter in self.parameters())
        if learning and isinstance(self.net, ScalarMLP):
            return LinearisedFSHNN(self, self.net, y)
        return super().linearise(y)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)


class LinearisedFSHNN(Linearisation):
    """In closed form, from one forward pass of the net."""

    def __init__(self, model: FSHNN, net: ScalarMLP, y: Float[Tensor, "points dim"]):
        super().__init__(model, y)
        self.net = LinearisedMLP(net, y)
        model.count(y)

    def jacobian(self) -> Float[Tensor, "points dim dim"]:
        return jacobian_of_field(self.net.hessian().movedim((0, 1), (-2, -1)))

    def pull_parameters(self, cotangents: Float[Tensor, "points dim"]) -> list[Tensor]:
        return self.net.pull_gradient(-apply_j(cotangents))  # <w, J g> = <J^T w, g>, J^T = -J
