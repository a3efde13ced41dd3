from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from systems.trajectories import Window, points_and_slopes


@register
class HNN(NetHamiltonian):
    """Hamiltonian neural network: J grad H is fitted to the derivatives of the state.

    Greydanus et al., arXiv 1906.01563. Net 2n-200-200-1 with tanh units and no output bias (the published one has a
    second output, which nothing uses). Loss: mean over batch and times of ||J grad H(y) - y'||^2, with the true
    derivatives where the protocol shares them, else finite differences of the noisy observations.
    """

    presets: ClassVar = {"paper": {"hidden": (200, 200)}, "matched": {"hidden": (16, 32, 16)}}

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        points, slopes = points_and_slopes(window)
        return (self.field(points) - slopes).square().sum(-1).mean()
