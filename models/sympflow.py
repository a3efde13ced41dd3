from math import inf
from typing import ClassVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.base import HamiltonianModel, register, squared_error
from models.continuous_flows import ContinuousFlow, collocation_times, equations_of, mean_square, observed_states
from models.gradients.base import GradientMode
from models.networks import ScalarMLP
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window

# Gauss-Legendre on [0, 1] with three nodes
_NODES = (0.5 - 0.15**0.5, 0.5, 0.5 + 0.15**0.5)
_WEIGHTS = (5 / 18, 8 / 18, 5 / 18)


@register
class SympFlow(ContinuousFlow, HamiltonianModel):
    """Symplectic neural flow: N(t, y) composed of exact flows of time-dependent potentials V(q, t) and K(p, t).

    Each of `layers` pairs takes p <- p - (V_q(q, t) - V_q(q, 0)), then q <- q + (K_p(p, t) - K_p(p, 0)): symplectic
    for every t, the identity at t = 0, and the flow of the H(y, t) that `generator_at` reads off (Canizares et al.,
    arXiv 2412.16787, section 3; p first, as in their code). Potentials are nets (n+1)-`width`-`width`-1, tanh.

    The H that is judged is the mean of H(y, t) over the span: the first term of the Magnus series of the map
    N(span, y) that a long rollout composes. At t = 0 alone, H(y, t) is T(p) + V(q) whatever was learned.

    Trained on observations, or with `residual` by || d/dt N - J grad H(N) ||^2, and then in the first `matching`
    losses also by (H_net(y, t) - H(y))^2 after its mean difference is removed: their trainable gauge at its optimum.
    """

    has_hamiltonian = True
    has_field = True
    symplectic = True
    presets: ClassVar = {
        "paper": {"layers": 5, "width": 10},
        "matched": {"layers": 3, "width": 11},
        "unsupervised": {"layers": 3, "width": 11, "residual": True},
        "hamiltonian_matching": {"layers": 3, "width": 11, "residual": True, "matching": inf},
        "mixed": {"layers": 3, "width": 11, "residual": True, "matching": 2000.0},
    }

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        layers: int = 5,
        width: int = 10,
        residual: bool = False,
        matching: float = 0.0,
    ):
        super().__init__(system, generator, integrator)
        sizes = (system.dof + 1, width, width)
        self.kicks = nn.ModuleList(ScalarMLP(sizes, generator) for _ in range(layers))
        self.drifts = nn.ModuleList(ScalarMLP(sizes, generator) for _ in range(layers))
        self.residual, self.matching, self.losses = residual, matching, 0

    @classmethod
    def needs(cls, preset: str) -> frozenset[str]:
        return frozenset({"equations"} if cls.presets[preset].get("residual") else ())

    @property
    def pairs(self) -> list[tuple[ScalarMLP, ScalarMLP]]:
        """(V, K) of every pair of layers, the first one first."""
        return cast("list[tuple[ScalarMLP, ScalarMLP]]", list(zip(self.kicks, self.drifts, strict=True)))

    def at(self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, -1)
        for kick, drift in self.pairs:
            p = p - change(kick, q, t)[0]
            q = q + change(drift, p, t)[0]
        return torch.cat((q, p), -1)

    def velocity(
        self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]
    ) -> tuple[Float[Tensor, "*batch dim"], Float[Tensor, "*batch dim"]]:
        q, p = y.chunk(2, -1)
        q_rate, p_rate = torch.zeros_like(q), torch.zeros_like(p)
        for kick, drift in self.pairs:
            moved, rate = moving_change(kick, q, q_rate, t)
            p, p_rate = p - moved, p_rate - rate
            moved, rate = moving_change(drift, p, p_rate, t)
            q, q_rate = q + moved, q_rate + rate
        return torch.cat((q, p), -1), torch.cat((q_rate, p_rate), -1)

    def generator_at(self, t: Float[Tensor, "*batch"], y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        """H(y, t) with d/dt N(t, x) = J grad H(N(t, x), t): the layers' own, met on the way back to the start."""
        q, p = y.chunk(2, -1)
        energy = torch.zeros_like(t)
        for kick, drift in reversed(self.pairs):
            moved, rate = change(drift, p, t)
            q, energy = q - moved, energy + rate
            moved, rate = change(kick, q, t)
            p, energy = p + moved, energy + rate
        return energy

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        times = [(node * self.span).to(y).expand(y.shape[:-1]) for node in _NODES]
        values = [weight * self.generator_at(t, y) for weight, t in zip(_WEIGHTS, times, strict=True)]
        return torch.stack(values).sum(0)

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        self.note_span(window)
        if not self.residual:
            return squared_error(observed_states(self, window), window)
        equations, t = equations_of(window), collocation_times(window)
        states, velocity = self.velocity(t, window.start)
        loss = mean_square(velocity - equations.field(states))
        self.losses += 1
        if self.losses > self.matching:
            return loss
        difference = self.generator_at(t, window.start) - equations.hamiltonian(window.start)
        return loss + difference.var(correction=0)


def change(
    potential: ScalarMLP, x: Float[Tensor, "*batch dof"], t: Float[Tensor, "*batch"]
) -> tuple[Float[Tensor, "*batch dof"], Float[Tensor, "*batch"]]:
    """grad_x U(x, t) - grad_x U(x, 0), and d/dt U(x, t): how far a potential's layer moves, and its H."""
    slope, start = potential.gradient(late_and_early(x, t))
    return (slope - start)[..., :-1], slope[..., -1]


def moving_change(
    potential: ScalarMLP,
    x: Float[Tensor, "*batch dof"],
    rate: Float[Tensor, "*batch dof"],
    t: Float[Tensor, "*batch"],
) -> tuple[Float[Tensor, "*batch dof"], Float[Tensor, "*batch dof"]]:
    """grad_x U(x, t) - grad_x U(x, 0), and its d/dt where x moves at `rate`."""
    points = late_and_early(x, t)
    velocity = late_and_early(rate, torch.ones_like(t))
    expansion = potential.expansion(points.flatten(0, -2))
    pairs = (expansion.gradient, expansion.along(velocity.flatten(0, -2)).first)
    moved, moved_rate = (late - early for late, early in (pair.view(points.shape) for pair in pairs))
    return moved[..., :-1], moved_rate[..., :-1]


def late_and_early(x: Float[Tensor, "*batch dof"], t: Float[Tensor, "*batch"]) -> Float[Tensor, "2 *batch inputs"]:
    """(x, t) and (x, 0), for one pass of a potential's net."""
    late = torch.cat((x, t[..., None]), -1)
    return torch.stack((late, torch.cat((x, torch.zeros_like(t)[..., None]), -1)))
