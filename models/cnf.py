"""Continuous normalising flow: where a learned field carries a Gaussian. No plug-in: it learns no system."""

from itertools import pairwise
from math import log, pi
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks import Layers, ScalarMLP, uniform
from systems.base import apply_j
from systems.integrators.base import VectorField
from systems.integrators.rk4 import RK4

Trace = Literal["exact", "hutchinson"]


class ConcatSquash(nn.Module):
    """F(t, y): layers (W y + b) * sigmoid(u t + c) + v t, with tanh between (Grathwohl et al., arXiv 1810.01367)."""

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator):
        """`sizes` are the widths from the state back to the state, e.g. (2, 64, 64, 64, 2)."""
        super().__init__()
        pairs = list(pairwise(sizes))
        self.weights = Layers(uniform((out, into), into, generator) for into, out in pairs)
        self.biases, self.gates, self.gate_biases, self.drifts = (
            Layers(uniform((out,), into, generator) for into, out in pairs) for _ in range(4)
        )

    def forward(self, t: Float[Tensor, ""], y: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        layers = zip(self.weights, self.biases, self.gates, self.gate_biases, self.drifts, strict=True)
        for place, (weight, bias, gate, gate_bias, drift) in enumerate(layers):
            y = torch.tanh(y) if place else y
            y = nn.functional.linear(y, weight, bias) * torch.sigmoid(gate * t + gate_bias) + drift * t
        return y


class HamiltonianField(nn.Module):
    """F(t, y) = J grad_y H(t, y): without divergence, so its flow keeps every volume and carries log p unchanged."""

    def __init__(self, dim: int, hidden: tuple[int, ...], generator: torch.Generator):
        """`dim` is 2n, `hidden` the widths of the net of H."""
        super().__init__()
        self.net = ScalarMLP((dim + 1, *hidden), generator)

    def forward(self, t: Float[Tensor, ""], y: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        return apply_j(self.net.gradient(torch.cat((y, t.expand(len(y), 1)), -1))[:, :-1])


class CNF(nn.Module):
    """log p(x) = log N(z; 0, 1) - int_0^1 div F(t, y(t)) dt along the trajectory y(t) from z to x.

    Murari's slides (2025) print the divergence at another point, phi_s^{-1}(x); it belongs on the trajectory (Chen et
    al., arXiv 1806.07366, theorem 1). Steps of RK4; the divergence by one backward pass a coordinate ("exact"), or by
    one alone from e.(dF/dy)e with random signs e ("hutchinson", unbiased).
    """

    def __init__(self, net: nn.Module, dim: int, steps: int):
        """`net(t, y)` is the field F, `dim` that of y, `steps` those over [0, 1]."""
        super().__init__()
        self.net, self.dim, self.steps = net, dim, steps

    def log_density(
        self, x: Float[Tensor, "batch dim"], trace: Trace = "exact", generator: torch.Generator | None = None
    ) -> Float[Tensor, " batch"]:
        """log p(x), differentiable; `generator` draws the signs of "hutchinson"."""
        z, divergence = carry(self.net, x, self.steps, -1, trace, generator)
        return -0.5 * (z.square().sum(-1) + self.dim * log(2 * pi)) + divergence

    def sample(self, count: int, generator: torch.Generator) -> Float[Tensor, "count dim"]:
        """Draws from p, without a graph."""
        z = torch.randn(count, self.dim, generator=generator).to(next(self.parameters()))
        with torch.no_grad():
            return carry(self.net, z, self.steps, 1, None, None)[0]


def carry(
    net: nn.Module,
    y: Float[Tensor, "batch dim"],
    steps: int,
    direction: Literal[1, -1],
    trace: Trace | None,
    generator: torch.Generator | None,
) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, " batch"]]:
    """y taken over [0, 1] forwards, or over [1, 0] backwards, and the signed integral of div F along the way.

    One RK4 on the pair, so that the divergence is evaluated where the trajectory is; time is its last coordinate.
    """
    signs = None
    if trace == "hutchinson":
        signs = (2 * torch.randint(0, 2, y.shape, generator=generator) - 1).to(y)

    def rates(state: Tensor) -> Tensor:
        t, point = state[0, -1], state[:, :-2]
        slope, divergence = (
            (net(t, point), torch.zeros_like(t).expand(len(y)))
            if trace is None
            else spread(lambda at: net(t, at), point, signs)
        )
        return torch.cat((slope, divergence[:, None], torch.ones_like(divergence)[:, None]), -1)

    clock = torch.full_like(y[:, :1], 0.0 if direction == 1 else 1.0)
    state = torch.cat((y, torch.zeros_like(clock), clock), -1)
    for _ in range(steps):
        state = RK4().step(rates, state, direction / steps)
    return state[:, :-2], state[:, -2]


def spread(
    field: VectorField, y: Float[Tensor, "batch dim"], signs: Float[Tensor, "batch dim"] | None
) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, " batch"]]:
    """F(y) and div F(y), exact without signs, else by e.(dF/dy)e; differentiable if gradients are enabled."""
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad():
        point = y if y.requires_grad else y.detach().requires_grad_()
        slope = field(point)
        if signs is not None:
            (pulled,) = torch.autograd.grad(slope, point, signs, create_graph=create_graph, retain_graph=True)
            return slope, (pulled * signs).sum(-1)
        rows = [
            torch.autograd.grad(slope[:, i].sum(), point, create_graph=create_graph, retain_graph=True)[0][:, i]
            for i in range(y.shape[-1])
        ]
        return slope, torch.stack(rows).sum(0)
