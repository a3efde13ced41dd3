from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import Model, gradient_rollout, register, squared_error
from models.gradients.base import GradientMode
from models.networks import VectorMLP
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class SecondOrderNeuralODE(Model):
    """A net for the acceleration, q' = p, p' = F(q, p): a neural ODE that knows what a velocity is.

    Loss: the squared error of its rollout (Norcliffe et al., arXiv 2006.07220; their net for unknown initial
    velocities has no use here, where p is observed). The momentum is the velocity only where H = p^2/2 + V(q): other
    systems, as the coupled oscillator, are beyond it. No Hamiltonian.

    Net 2n-20-20-n with ELU units (`paper`), 2n-31-31-n with tanh units (`matched`: 1,117 parameters for 2n = 2).
    """

    integrates = True
    has_hamiltonian = False
    own_integrator = "rk4"
    presets: ClassVar = {
        "paper": {"hidden": (20, 20), "activation": "elu"},
        "matched": {"hidden": (31, 31), "activation": "tanh"},
    }

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (20, 20),
        activation: str = "elu",
    ):
        super().__init__(system, generator, integrator)
        unit = {"elu": torch.nn.functional.elu, "tanh": torch.tanh}[activation]
        self.net = VectorMLP((system.dim, *hidden, system.dof), unit, generator)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        self.count(y)
        return torch.cat((y.chunk(2, dim=-1)[1], self.net(y)), dim=-1)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)
