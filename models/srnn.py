from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from models.base import gradient_rollout, register, squared_error
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from systems.trajectories import Window


@register
class SRNN(NetHamiltonian):
    """Symplectic recurrent net: H = T(p) + V(q), two nets, rolled out by leapfrog.

    Loss: the squared error of all states of the window after its start (Chen et al., arXiv 1909.13334, who count the
    start as well, to which no parameter contributes). The recipe `optimised_start` adds their optimisation of the
    start. H that are not separable are beyond it, which nothing tells it: a control experiment.

    Two nets n-256-256-1 (`paper`), n-22-22-1 (`matched`), with tanh units.
    """

    integrates = True
    separable = True
    own_integrator = "stormer_verlet"
    presets: ClassVar = {"paper": {"hidden": (256, 256)}, "matched": {"hidden": (22, 22)}}

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        return squared_error(gradient_rollout(self, gradient, window), window)
