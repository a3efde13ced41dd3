from functools import partial
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.base import HamiltonianModel, register
from models.least_squares import solve_by_evidence, solve_by_rows
from models.sampling import Rise, normal_units, pair_units
from models.weak import segments, weak_products
from systems.base import System, apply_j
from systems.integrators import Integrator
from systems.trajectories import TrainingData

POINTS = 10  # data points a unit
RCOND = 1e-13  # of the published code


@register
class SampledHNN(HamiltonianModel):
    """H = a . tanh(W y + b) with W and b drawn and a by linear least squares (Rahma et al., arXiv 2411.17511).

    Least squares on grad H at given derivatives of the state, or, preset `weak`, on the weak form of Hamilton's
    equations, which needs none and bears noise. How W and b are drawn: `elm`, `u_swim` (pairs of data points), `swim`
    (pairs by the slope of H between them), `a_swim` (by the slope of the H that u_swim has found). There is no
    constant: no trajectory shows it.
    """

    fits = True
    weights: Tensor
    biases: Tensor
    presets: ClassVar = {
        "paper": {"draw": "a_swim"},
        "elm": {"draw": "elm"},
        "u_swim": {"draw": "u_swim"},
        "a_swim": {"draw": "a_swim"},
        "swim": {"draw": "swim"},
        "weak": {"draw": "elm", "weak": True, "width": 500},
    }

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        draw: str = "a_swim",
        weak: bool = False,
        width: int = 1000,
    ):
        super().__init__(system, generator, integrator)
        self.draw, self.weak, self.width = draw, weak, width
        self.register_buffer("weights", torch.randn(width, system.dim, generator=generator))
        self.register_buffer("biases", torch.randn(width, generator=generator))
        self.readout = nn.Parameter(torch.zeros(width))

    @classmethod
    def needs(cls, preset: str) -> frozenset[str]:
        return frozenset() if cls.presets[preset].get("weak") else frozenset({"derivatives"})

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return not cls.presets[preset].get("weak")

    def hidden(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch width"]:
        return (y @ self.weights.T).add_(self.biases).tanh_()

    def slopes(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch width"]:
        """tanh' of the hidden units."""
        return self.hidden(y).square_().neg_().add_(1)

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.hidden(y) @ self.readout

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        hidden = self.hidden(y)
        return ((1 - hidden * hidden) * self.readout) @ self.weights

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        hidden = self.hidden(y)
        curvature = -2 * hidden * (1 - hidden * hidden) * self.readout.detach()
        return self.weights.T @ (curvature[..., None] * self.weights)

    def fit(self, data: TrainingData) -> None:
        """In float64, which the model is left in. Raises ValueError without the derivatives that a preset needs."""
        self.double()
        flat = data.observed.flatten(0, 1)
        chosen = torch.randperm(len(flat), generator=data.generator)[: POINTS * self.width]
        y, rise, solve = flat[chosen].double(), None, partial(self.solve_weak, data)
        if not self.weak:
            gradients = shown_gradients(data)[chosen]
            rise, solve = partial(rise_along_chords, y, gradients), partial(self.solve_at, y, gradients)
        self.draw_units(y, data.generator, rise if self.draw == "swim" else None)
        solve()
        if self.draw == "a_swim":
            energy = self.hamiltonian(y).detach()
            self.draw_units(y, data.generator, lambda i, j: energy[j] - energy[i])
            solve()

    def draw_units(self, y: Float[Tensor, "points dim"], generator: torch.Generator, rise: Rise | None) -> None:
        units = (normal_units if self.draw == "elm" else partial(pair_units, rise=rise))(y, self.width, generator)
        self.weights.copy_(units[0])
        self.biases.copy_(units[1])

    @torch.no_grad()
    def solve_at(self, y: Float[Tensor, "points dim"], gradients: Float[Tensor, "points dim"]) -> None:
        """The readout by which grad H is nearest to the given one."""
        parts = zip(y.split(2 * self.width), gradients.split(2 * self.width), strict=True)
        rows = (((self.slopes(part)[:, None] * self.weights.T).flatten(0, 1), g.flatten()) for part, g in parts)
        self.readout.copy_(solve_by_rows(rows, RCOND))

    @torch.no_grad()
    def solve_weak(self, data: TrainingData) -> None:
        """The readout by which the weak form of Hamilton's equations holds best; a ridge bounds what noise adds.

        Coordinate d of grad H has the rows of tanh' times the weights of d, so that sums over d are sums over
        products of weights.
        """
        x = weak_products(segments(data.observed), data.dt, self.width, self.slopes)
        matrix, right = x.gram * (self.weights @ self.weights.T), (x.cross * self.weights).sum(1)
        self.readout.copy_(solve_by_evidence(matrix, right, x.square, x.equations))


def shown_gradients(data: TrainingData) -> Float[Tensor, "points dim"]:
    """grad H = - J y' at all samples. Raises ValueError where no derivatives are shared."""
    if data.derivatives is None:
        raise ValueError("this preset of sampled_hnn needs derivatives of the state; `weak` needs none")
    return -apply_j(data.derivatives.flatten(0, 1).double())


def rise_along_chords(y: Tensor, gradients: Tensor, first: Tensor, second: Tensor) -> Float[Tensor, " pairs"]:
    """H(y_j) - H(y_i), nearly: by the trapezoidal rule along the chord, for the protocol shares no H."""
    return ((gradients[first] + gradients[second]) / 2 * (y[second] - y[first])).sum(1)
