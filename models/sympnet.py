from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.base import FlowModel, register, squared_error
from models.flow_networks import GradientShear, LinearShear
from models.gradients.base import GradientMode
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class SympNet(FlowModel):
    """Symplectic net: the flow over one step h, composed of shears (Jin et al., arXiv 2001.03750).

    "LA" alternates `layers` linear modules of `sublayers` shears with diagonal activation modules; "G" has `layers`
    gradient modules of `width` units, of p and q in turn. Both are symplectic whatever the parameters. It learns the
    step of the windows that it is trained on, `learned_step` (0 before any), and there is no rollout with another.

    The loss is that of one step from every observation of a window to the next, ||Phi(y_i) - y_{i+1}||^2, or with
    `composed` that of the whole rollout from the start of the window.
    """

    symplectic = True
    learned_step: Tensor
    presets: ClassVar = {
        "paper": {"modules": "LA", "layers": 3, "sublayers": 2},
        "gradient_modules": {"modules": "G", "layers": 5, "width": 30},
        "matched": {"modules": "G", "layers": 8, "width": 46},
        "windows": {"modules": "G", "layers": 8, "width": 46, "composed": True},
    }

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        modules: Literal["LA", "G"] = "LA",
        layers: int = 3,
        sublayers: int = 2,
        width: int = 30,
        composed: bool = False,
    ):
        super().__init__(system, generator, integrator)
        shears: list[nn.Module] = []
        for layer in range(layers):
            kick = layer % 2 == 0
            if modules == "LA":
                shears.append(LinearShear(system.dof, sublayers, generator))
            units = None if modules == "LA" else width
            shears.append(GradientShear(system.dof, units, kick=kick, generator=generator))
        if modules == "LA":
            shears.append(LinearShear(system.dof, sublayers, generator))
        self.shears = nn.ModuleList(shears)
        self.composed = composed
        self.register_buffer("learned_step", torch.zeros(()))

    def flow(self, y: Float[Tensor, "*batch dim"], h: float) -> Float[Tensor, "*batch dim"]:
        """The state one step after y. Raises ValueError if h is not the step that was learned."""
        learned = float(self.learned_step)
        if learned and abs(h - learned) > 1e-6 * learned:
            raise ValueError(f"this SympNet learned the step h = {learned:g} and has no other: h = {h:g}")
        q, p = y.chunk(2, -1)
        for shear in self.shears:
            q, p = shear(q, p, h)
        return torch.cat((q, p), -1)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        self.learned_step.fill_(window.h)
        if self.composed:
            return squared_error(self.compose(window.start, window.h, window.steps)[:: window.every], window)
        reached = window.observed[:-1]
        for _ in range(window.every):
            reached = self.flow(reached, window.h)
        return (reached - window.observed[1:]).square().sum(-1).mean()
