from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.continuous_flows import ContinuousFlow, collocation_times, equations_of, mean_square
from models.flow_networks import TanhMLP
from models.gradients.base import GradientMode
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window

Initial = Literal["soft", "hard", "shifted"]


@register
class PINN(ContinuousFlow):
    """Physics-informed net: N(t, y) from the residual || d/dt N - f(N) ||^2 of the known equations, no observations.

    How N(0, y) = y is met: "soft" by ||N(0, y) - y||^2 in the loss; "hard" by N = y + t F(t, y); "shifted" by
    N = y + F(t, y) - F(0, y), the theory of functional connections (Murari, lecture slides 2025). With `energy` the
    loss also has (H(y) - H(N))^2, the pinnReg in the code of Canizares et al., arXiv 2412.16787.

    F is a net (2n+1)-`hidden`-2n with tanh units. It learns the flow on [0, span] for every start of the data rather
    than one trajectory; nothing makes it symplectic.
    """

    presets: ClassVar = {
        "paper": {"hidden": (10, 10, 10), "initial": "hard"},
        "matched": {"hidden": (30, 30), "initial": "hard"},
        "soft": {"hidden": (30, 30), "initial": "soft"},
        "shifted": {"hidden": (30, 30), "initial": "shifted"},
        "hard_energy": {"hidden": (30, 30), "initial": "hard", "energy": True},
        "soft_energy": {"hidden": (30, 30), "initial": "soft", "energy": True},
        "shifted_energy": {"hidden": (30, 30), "initial": "shifted", "energy": True},
    }

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (10, 10, 10),
        initial: Initial = "hard",
        energy: bool = False,
    ):
        super().__init__(system, generator, integrator)
        sizes = (system.dim + 1, *hidden, system.dim)
        self.net = TanhMLP(sizes, generator, bias=initial != "shifted")  # F(t) - F(0) shows no output bias
        self.initial, self.energy = initial, energy

    @classmethod
    def needs(cls, preset: str) -> frozenset[str]:
        return frozenset({"equations"})

    def at(self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return self.velocity(t, y)[0]

    def velocity(
        self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]
    ) -> tuple[Float[Tensor, "*batch dim"], Float[Tensor, "*batch dim"]]:
        time = t[..., None]
        inputs = torch.cat((time, y), -1)
        value, rate = self.net.along(inputs, torch.eye(self.dim + 1).to(y)[0].expand_as(inputs))
        if self.initial == "hard":
            return y + time * value, value + time * rate
        if self.initial == "shifted":
            return y + (value - self.net(torch.cat((torch.zeros_like(time), y), -1))), rate
        return value, rate

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        self.note_span(window)
        equations, t, start = equations_of(window), collocation_times(window), window.start
        states, velocity = self.velocity(t, start)
        loss = mean_square(velocity - equations.field(states))
        if self.initial == "soft":
            loss = loss + mean_square(self.at(torch.zeros_like(t), start) - start)
        if self.energy:
            loss = loss + (equations.hamiltonian(states) - equations.hamiltonian(start)).square().mean()
        return loss
