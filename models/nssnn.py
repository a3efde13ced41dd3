from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from systems.base import System
from systems.integrators import Integrator
from systems.integrators.tao import Tao
from systems.trajectories import Window


@register
class NSSNN(NetHamiltonian):
    """Nonseparable symplectic net: a net for H, rolled out by Tao's explicit integrator with a copy of the state.

    From (q0, p0, q0, p0) the state and its copy (q, p, x, y) go through the window together; the loss is the mean
    absolute error of both against the observations (Xiong et al., arXiv 2010.12636, by their code, in which the
    window is one step). As both enter, the model brings its own rollout, and integrators and gradient modes, which
    know the state alone, do not apply: the gradient is that of backpropagation.

    `omega` binds the copy to the state: 20, for h = 0.01. Net 2n-64-64-64-64-64-1 (`paper`, with tanh in place of
    sigmoid units, which is the same class of functions, and the initialisation of all nets here),
    2n-16-32-16-1 (`matched`).
    """

    resumes = False  # the copy is kept
    presets: ClassVar = {"paper": {"hidden": (64,) * 5}, "matched": {"hidden": (16, 32, 16)}}

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (64,) * 5,
        omega: float = 20.0,
    ):
        super().__init__(system, generator, integrator, hidden)
        self.tao = Tao(omega)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        states = self.extended_rollout(window.start, window.h, window.steps)[:: window.every]
        return (states[1:] - window.observed[1:].repeat(1, 1, 2)).abs().mean()

    def rollout(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        with torch.no_grad():
            return self.extended_rollout(y0, h, steps)[..., : self.dim]

    def advance(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        return self.extended_rollout(y, h, 1)[1, :, : self.dim]

    def extended_rollout(
        self, y0: Float[Tensor, "batch dim"], h: float, steps: int
    ) -> Float[Tensor, "times batch two_dim"]:
        """State and copy at 0, h, ..., steps h, differentiable."""
        return self.tao.extended_rollout(self.field, torch.cat((y0, y0), dim=-1), h, steps)
