"""How grad H of a scalar net changes from points along curves, in closed form, differentiable like grad H itself.

Curves go through the pass forward and the pass back, whose values at the points they share: four times as fast as
torch's dual numbers.
"""

import torch
from jaxtyping import Float
from torch import Tensor


class Expansion:
    """H = readout . a of layers a = tanh(z), z = W a_before + b, at points: its value, grad H, how these change."""

    def __init__(self, weights: list[Tensor], activations: list[Tensor], readout: Tensor):
        self.weights, self.activations, self.readout = weights, activations, readout
        one = torch.ones((), dtype=readout.dtype, device=readout.device)
        self.slopes = [torch.addcmul(one, a, a, value=-1) for a in self.activations]  # tanh'
        back = readout.expand_as(self.activations[-1])
        self.backs: list[Tensor] = []  # dH / da
        for weight, slope in zip(reversed(self.weights), reversed(self.slopes), strict=True):
            self.backs.insert(0, back)
            back = (slope * back) @ weight
        self.gradient = back

    @property
    def value(self) -> Float[Tensor, "*batch"]:
        return self.activations[-1] @ self.readout

    def along(self, u: Float[Tensor, "*batch dim"]) -> "Direction":
        return Direction(self, u)


class Direction:
    """How grad H changes along a curve that leaves the points of an expansion with velocity u.

    A prime is a derivative along the curve: a' = tanh'(z) z', tanh'(z)' = -2 a a', and so on. `first` is Hess H u.
    """

    def __init__(self, at: Expansion, u: Float[Tensor, "*batch dim"]):
        self.at = at
        self.dz, self.da, self.turns = [], [], []  # z', a', a a'
        for weight, a, slope in zip(at.weights, at.activations, at.slopes, strict=True):
            self.dz.append(u @ weight.T)
            u = slope * self.dz[-1]
            self.da.append(u)
            self.turns.append(a * u)
        self.back_rates: list[Tensor | None] = []  # (dH/da)'; the readout does not change
        rate: Tensor | None = None
        layers = zip(at.weights, at.slopes, at.backs, self.turns, strict=True)
        for weight, slope, back, turn in reversed(list(layers)):
            self.back_rates.insert(0, rate)
            rate = _bent(slope, rate, turn, back) @ weight
        assert rate is not None
        self.first = rate

    def second(self, w: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """The second derivative along the curve y + x u + x^2 w / 2 at x = 0: D^3 H(y) [u, u] + Hess H(y) w."""
        bends = []  # a' a' + a a''; tanh'(z)'' is -2 times that
        for weight, a, slope, dz, da, turn in zip(
            self.at.weights, self.at.activations, self.at.slopes, self.dz, self.da, self.turns, strict=True
        ):
            w = torch.addcmul(slope * (w @ weight.T), turn, dz, value=-2)
            bends.append(torch.addcmul(da * da, a, w))
        bend_rate: Tensor | None = None
        layers = zip(self.at.weights, self.at.slopes, self.at.backs, self.turns, bends, self.back_rates, strict=True)
        for weight, slope, back, turn, bend, rate in reversed(list(layers)):
            bent = _bent(slope, bend_rate, bend, back)
            bend_rate = (bent if rate is None else bent.addcmul(turn, rate, value=-4)) @ weight
        assert bend_rate is not None
        return bend_rate


def _bent(slope: Tensor, rate: Tensor | None, turn: Tensor, back: Tensor) -> Tensor:
    """slope rate - 2 turn back, for a rate that may be 0."""
    return (turn * back).mul(-2) if rate is None else torch.addcmul(slope * rate, turn, back, value=-2)


class SeparableExpansion:
    """The same of H = T(p) + V(q)."""

    def __init__(self, potential: Expansion, kinetic: Expansion):
        self.parts = (potential, kinetic)
        self.gradient = torch.cat([part.gradient for part in self.parts], dim=-1)

    @property
    def value(self) -> Float[Tensor, "*batch"]:
        potential, kinetic = self.parts
        return kinetic.value + potential.value

    def along(self, u: Float[Tensor, "*batch dim"]) -> "SeparableDirection":
        return SeparableDirection([part.along(half) for part, half in zip(self.parts, u.chunk(2, -1), strict=True)])


class SeparableDirection:
    """A direction of each of the two."""

    def __init__(self, parts: list[Direction]):
        self.parts = parts
        self.first = torch.cat([part.first for part in parts], dim=-1)

    def second(self, w: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        halves = zip(self.parts, w.chunk(2, dim=-1), strict=True)
        return torch.cat([part.second(half) for part, half in halves], dim=-1)
