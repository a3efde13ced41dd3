import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel, register, squared_error
from models.gradients.base import GradientMode
from models.networks import ScalarMLP
from systems.base import System
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

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        states = gradient.rollout(self, self.stepper, window.start, window.h, window.steps)
        return squared_error(states, window)
