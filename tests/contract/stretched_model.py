import torch
from torch import nn

from models.base import HamiltonianModel
from systems.base import apply_j


class Stretched(HamiltonianModel):
    """H_theta(y) = H(a * y + b): the physics of a system, with parameters a and b to differentiate by."""

    integrates = True

    def __init__(self, system, generator, integrator=None):
        super().__init__(system, generator, integrator)
        self.system = system
        self.stretch = nn.Parameter(1 + 0.2 * torch.rand(system.dim, generator=generator))
        self.shift = nn.Parameter(0.1 * torch.randn(system.dim, generator=generator))

    def hamiltonian(self, y):
        return self.system.hamiltonian(self.stretch * y + self.shift)

    def gradient(self, y):
        return -self.stretch * apply_j(self.system.field(self.stretch * y + self.shift))


class Derived(Stretched):
    """The same, with grad H by automatic differentiation, as of a plug-in that gives H alone."""

    def gradient(self, y):
        return HamiltonianModel.gradient(self, y)
