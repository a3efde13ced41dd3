import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel, gradient_rollout, register, squared_error
from models.gradients.base import GradientMode
from models.networks import ScalarMLP
from systems.base import System, apply_j
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class FSHNN(HamiltonianModel):
    """Fully symplectic HNN: a net for H, trained through an implicit symplectic integrator.

    Net 2n-16-32-16-1 with tanh units; loss (1/N) sum_i ||y_i - yhat_i||^2 over the N steps of a window,
    started from its first observation (Choudhary et al., arXiv 2409.11138, eq. 26).
    """

    integrates = True

    def __init__(self, system: System, generator: torch.Generator, integrator: Integrator | None = None):
        super().__init__(system, generator, integrator)
        self.net = ScalarMLP((system.dim, 16, 32, 16), generator)

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.net(y)

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return self.net.gradient(y)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        return self.net.hessian(y)

    def pull_parameters(
        self, y: Float[Tensor, "points dim"], cotangents: Float[Tensor, "points dim"]
    ) -> list[Tensor]:
        if not all(parameter.requires_grad for parameter in self.parameters()):
            return super().pull_parameters(y, cotangents)
        self.count(y)
        with torch.no_grad():
            return self.net.pull_gradient(y, -apply_j(cotangents))  # <w, J g> = <J^T w, g>, J^T = -J

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)
