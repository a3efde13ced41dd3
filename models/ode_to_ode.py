from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.base import FlowModel, register, squared_error
from models.gradients.base import GradientMode
from models.networks import VectorMLP, uniform
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window


@register
class ODEtoODE(FlowModel):
    """A neural ODE whose weights follow an ODE on the orthogonal matrices (Choromanski et al., arXiv 2006.11421).

    z' = |W(t) z|, W' = W Omega(t), Omega skew, W(0) orthogonal, 0 <= t <= h. The modulus lets no coordinate of z
    fall, so states are read in by z(0) = A y + a and read out by y + B (z(h) - z(0)): the identity at h = 0.

    What the source leaves open for this use, and what is done here: sizes (z has `width` coordinates; Omega(t) comes
    from a net of one tanh layer with `hidden` units), steps (`substeps` of Euler for z, and of Cayley for W, which
    stays orthogonal to rounding), the maps A, a, B, and that time starts anew with every step of a rollout.
    Loss: the squared error of the composed steps. No field, no Hamiltonian.
    """

    presets: ClassVar = {"paper": {"width": 16, "hidden": 6}, "matched": {"width": 16, "hidden": 6}}

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        width: int = 16,
        hidden: int = 6,
        substeps: int = 3,
    ):
        super().__init__(system, generator, integrator)
        self.width, self.substeps = width, substeps
        self.read_in = nn.Parameter(uniform((width, system.dim), system.dim, generator))
        self.shift = nn.Parameter(uniform((width,), 1, generator))
        self.read_out = nn.Parameter(uniform((system.dim, width), width, generator))
        entries = width * (width - 1) // 2
        self.start = nn.Parameter(uniform((entries,), 1, generator))  # W(0) is the Cayley transform of this
        self.turning = VectorMLP((1, hidden, entries), torch.tanh, generator)

    def flow(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        return self.through(self.weights(h / self.substeps), y, h)

    def compose(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        weights, states = self.weights(h / self.substeps), [y0]
        for _ in range(steps):
            states.append(self.through(weights, states[-1], h))
        return torch.stack(states)

    def through(
        self, weights: list[Float[Tensor, "width width"]], y: Float[Tensor, "batch dim"], h: float
    ) -> Float[Tensor, "batch dim"]:
        """The state a time h after y, by Euler steps of these weights in the wide space."""
        start = z = y @ self.read_in.T + self.shift
        for w in weights:
            z = z + h / self.substeps * (z @ w.T).abs()
        return y + (z - start) @ self.read_out.T

    def weights(self, step: float) -> list[Float[Tensor, "width width"]]:
        """W at the times 0, step, ..., one for every substep."""
        w = [cayley(self.skew(self.start))]
        for number in range(self.substeps - 1):
            middle = torch.full_like(self.shift[:1], (number + 0.5) * step)
            w.append(w[-1] @ cayley(step / 2 * self.skew(self.turning(middle))))
        return w

    def skew(self, entries: Float[Tensor, " entries"]) -> Float[Tensor, "width width"]:
        """The skew matrix with these entries above its diagonal."""
        upper = entries.new_zeros(self.width, self.width)
        rows, columns = torch.triu_indices(self.width, self.width, 1, device=entries.device)
        upper = upper.index_put((rows, columns), entries)
        return upper - upper.T

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        states = self.compose(window.start, window.h, window.steps)
        return squared_error(states[:: window.every], window)


def cayley(skew: Float[Tensor, "width width"]) -> Float[Tensor, "width width"]:
    """(I - S)^-1 (I + S): orthogonal for skew S, and exp(2 S) to second order."""
    one = torch.eye(len(skew), dtype=skew.dtype, device=skew.device)
    return torch.linalg.solve(one - skew, one + skew)
