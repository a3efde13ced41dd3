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
class NeuralODE(Model):
    """A net for the vector field, y' = F(y): no Hamiltonian, and nothing that keeps energy.

    Loss: the squared error of its rollout (Chen et al., arXiv 1806.07366). Net 2n-32-2n with tanh units, which is the
    example of the slides of Murari (`paper`), or 2n-220-2n (`matched`: 1,102 parameters for 2n = 2).
    """

    integrates = True
    has_hamiltonian = False
    own_integrator = "rk4"
    presets: ClassVar = {"paper": {"hidden": (32,)}, "matched": {"hidden": (220,)}}

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (32,),
    ):
        super().__init__(system, generator, integrator)
        self.net = VectorMLP((system.dim, *hidden, system.dim), torch.tanh, generator)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        self.count(y)
        return self.net(y)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)
