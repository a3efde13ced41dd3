import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel, register
from systems.base import System
from systems.integrators import Integrator
from systems.unknown import UnknownSystem


@register
class TrueH(HamiltonianModel):
    """The system itself: what no model can beat. Shows the floor of every figure."""

    trainable = False

    def __init__(self, system: System, generator: torch.Generator, integrator: Integrator | None = None):
        super().__init__(system, generator, integrator)
        self.system = system
        self.separable = system.separable

    @classmethod
    def inapplicable(cls, system: System, preset: str = "paper") -> str | None:
        return "the true H is not known" if isinstance(system, UnknownSystem) else None

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.system.hamiltonian(y)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        self.count(y)
        return self.system.field(y)
