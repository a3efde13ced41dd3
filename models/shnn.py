from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import HamiltonianModel, register
from models.gradients.base import GradientMode
from models.networks import ScalarMLP, SeparableMLP
from models.one_step import SCHEMES
from systems import integrators
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class SHNN(HamiltonianModel):
    """Symplectic HNN: a net H~ that explains pairs of observations by one step of a symplectic scheme.

    Loss: mean over pairs and components of [(y1 - y0)/h - slope(y0, y1)]^2, `slope` being that of the scheme with
    H~; nothing is solved, because y1 is an observation. With `correct`, the learned H is H~ and the first term of
    its modified Hamiltonian, so that a coarse h costs less (David and Mehats, arXiv 2106.11753; `models.one_step`).
    Without it, H~ belongs to the scheme and is rolled out by it.

    The pairs of a window are all those `stride` samples apart, or its two ends if it is shorter. Noise sigma of
    the samples is noise sqrt(2) sigma / h of the slope, which at h = 0.01 is 1.4 for sigma = 0.01; at the 10 samples
    of `paper`, h = 0.1 as in the source, it is 0.14.

    Net 2n-200-200-1 with tanh units and no output bias (`paper`, initialised as all nets here, not orthogonally),
    2n-16-32-16-1 (`matched`). Stoermer-Verlet takes H~ = T(p) + V(q), two nets n-22-22-1.
    """

    presets: ClassVar = {
        "paper": {"hidden": (200, 200)},
        "matched": {"hidden": (16, 32, 16)},
        "uncorrected": {"hidden": (16, 32, 16), "correct": False},
        "consecutive": {"hidden": (16, 32, 16), "stride": 1},
        "consecutive_uncorrected": {"hidden": (16, 32, 16), "stride": 1, "correct": False},
        "symplectic_euler": {"hidden": (16, 32, 16), "scheme": "symplectic_euler"},
        "stormer_verlet": {"hidden": (22, 22), "scheme": "stormer_verlet"},
    }
    step: Tensor  # h of the pairs that H~ was fitted to, in time; 0 before that

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (200, 200),
        scheme: str = "implicit_midpoint",
        stride: int = 10,
        correct: bool = True,
    ):
        rolled_out_by = integrator if correct or integrator is None else integrators.get(scheme)()
        super().__init__(system, generator, rolled_out_by)
        self.scheme, self.stride, self.correct = SCHEMES[scheme], stride, correct
        splits = self.scheme.separable
        self.net = (
            SeparableMLP(system.dim, hidden, generator) if splits else ScalarMLP((system.dim, *hidden), generator)
        )
        self.separable = splits and not correct  # the correction mixes q and p
        self.register_buffer("step", torch.zeros(()))

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        if not self.correct:
            return self.net(y)
        at = self.net.expansion(y)
        return at.value + self.scheme.excess(at, self.step)

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        if not self.correct:
            return self.net.gradient(y)
        at = self.net.expansion(y)
        return at.gradient + self.scheme.excess_gradient(at, self.step)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        apart = min(self.stride, len(window.observed) - 1)
        h = window.h * window.every * apart
        self.step.fill_(h)
        y0, y1 = window.observed[:-apart], window.observed[apart:]
        self.evaluations += self.scheme.evaluations * y0[..., 0].numel()
        return ((y1 - y0) / h - self.scheme.slope(self.net, y0, y1, h)).square().mean()
