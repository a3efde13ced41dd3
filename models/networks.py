"""Nets, with the derivatives that rollouts need in closed form: faster than nested automatic differentiation."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.expansions import Expansion, SeparableExpansion


class Layers(nn.ParameterList):
    """What each layer has of one kind; torch's list looks entries up by name, at the cost of a small layer."""

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self._entries.values())

    def __reversed__(self) -> Iterator[Tensor]:
        return reversed(self._entries.values())

    @property
    def _entries(self) -> dict[str, Tensor]:
        return cast(dict[str, Tensor], self._parameters)  # none is ever None


class ScalarMLP(nn.Module):
    """H(y) = w . tanh(... tanh(W_1 y + b_1)): a scalar net with tanh units and no output bias.

    The missing output bias is the additive constant that no trajectory can show. `gradient` is ordinary
    torch code in the weights and y, so one plain backward pass differentiates it.
    """

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator | None = None):
        """`sizes` are the widths from the input to the last hidden layer, e.g. (2, 16, 32, 16)."""
        super().__init__()
        self.weights = Layers(uniform((out, into), into, generator) for into, out in pairwise(sizes))
        self.biases = Layers(uniform((out,), into, generator) for into, out in pairwise(sizes))
        self.readout = nn.Parameter(uniform((sizes[-1],), sizes[-1], generator))

    def forward(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self.activations(y)[-1] @ self.readout

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """grad H(y)."""
        points = y.reshape(-1, y.shape[-1])
        back: Tensor = self.readout
        for weight, a in zip(reversed(self.weights), reversed(self.activations(points)), strict=True):
            back = torch.addcmul(back, a * a, back, value=-1) @ weight
        return back.view(y.shape)

    def expansion(self, y: Float[Tensor, "*batch dim"]) -> Expansion:
        """grad H at points, and how it changes from there."""
        return Expansion(list(self.weights), self.activations(y), self.readout)

    def activations(self, y: Float[Tensor, "*batch dim"]) -> list[Tensor]:
        """Of the hidden layers, after tanh."""
        activations = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            y = nn.functional.linear(y, weight, bias).tanh_()
            activations.append(y)
        return activations

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """Hess H(y), without a graph."""
        entries = LinearisedMLP(self, y.reshape(-1, y.shape[-1])).hessian()
        return entries.reshape(*entries.shape[:2], *y.shape[:-1]).movedim((0, 1), (-2, -1))

    def pull_gradient(self, y: Float[Tensor, "points dim"], u: Float[Tensor, "points dim"]) -> list[Tensor]:
        """d/dtheta of sum <u, grad H(y)>, in the order of `parameters()`."""
        return LinearisedMLP(self, y).pull_gradient(u)


class SeparableMLP(nn.Module):
    """H(y) = T(p) + V(q), a ScalarMLP each."""

    def __init__(self, dim: int, hidden: tuple[int, ...], generator: torch.Generator | None = None):
        """`dim` is 2n, `hidden` the widths of the hidden layers of either net."""
        super().__init__()
        self.kinetic = ScalarMLP((dim // 2, *hidden), generator)
        self.potential = ScalarMLP((dim // 2, *hidden), generator)

    def forward(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        return self.kinetic(p) + self.potential(q)

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """grad H(y)."""
        q, p = y.chunk(2, dim=-1)
        return torch.cat((self.potential.gradient(q), self.kinetic.gradient(p)), dim=-1)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """Hess H(y), without a graph: V'' and T'' on the diagonal."""
        q, p = y.chunk(2, dim=-1)
        half = q.shape[-1]
        hessian = y.new_zeros(*y.shape, 2 * half)
        hessian[..., :half, :half] = self.potential.hessian(q)
        hessian[..., half:, half:] = self.kinetic.hessian(p)
        return hessian

    def expansion(self, y: Float[Tensor, "*batch dim"]) -> SeparableExpansion:
        """grad H at points, and how it changes from there."""
        q, p = y.chunk(2, dim=-1)
        return SeparableExpansion(self.potential.expansion(q), self.kinetic.expansion(p))


class VectorMLP(nn.Module):
    """A net from vectors to vectors, with an output bias unless `bias` says otherwise."""

    def __init__(
        self,
        sizes: tuple[int, ...],
        activation: Callable[[Tensor], Tensor],
        generator: torch.Generator | None = None,
        *,
        bias: bool = True,
    ):
        """`sizes` are the widths from the input to the output, e.g. (2, 32, 2)."""
        super().__init__()
        self.activation = activation
        pairs = list(pairwise(sizes))
        self.weights = Layers(uniform((out, into), into, generator) for into, out in pairs)
        biased = pairs if bias else pairs[:-1]
        self.biases = Layers(uniform((out,), into, generator) for into, out in biased)

    def forward(self, y: Float[Tensor, "*batch into"]) -> Float[Tensor, "*batch out"]:
        *inner, last = self.weights
        for weight, bias in zip(inner, self.biases, strict=False):
            y = self.activation(nn.functional.linear(y, weight, bias))
        return nn.functional.linear(y, last, self.output_bias)

    @property
    def output_bias(self) -> Tensor | None:
        return self.biases[-1] if len(self.biases) == len(self.weights) else None


class LinearisedMLP:
    """Second derivatives of a ScalarMLP at fixed points, from two sweeps that they share; no graph is kept.

    With z_k = W_k a_{k-1} + b_k and a_k = tanh z_k, the points' `slopes` are tanh'(z_k), their `sensitivities`
    dH/dz_k and their `curvatures` tanh''(z_k) dH/da_k. Points lie along the last axis: rows of weights meet
    them in plain matrix products.
    """

    def __init__(self, net: ScalarMLP, y: Float[Tensor, "points dim"]):
        self.weights = [weight.detach() for weight in net.weights]
        self.activations = [y.detach().T]  # a_0 = y
        self.slopes, self.sensitivities, self.curvatures = [], [], []
        one = torch.ones((), dtype=y.dtype, device=y.device)
        for weight, bias in zip(self.weights, net.biases, strict=True):
            a = torch.addmm(bias.detach()[:, None], weight, self.activations[-1]).tanh_()
            self.activations.append(a)
            self.slopes.append(torch.addcmul(one, a, a, value=-1))
        back = net.readout.detach()[:, None]
        layers = zip([None, *self.weights[1:]], self.activations[1:], self.slopes, strict=True)
        for weight, a, slope in reversed(list(layers)):
            self.sensitivities.insert(0, slope * back)
            self.curvatures.insert(0, (a * self.sensitivities[0]).mul_(-2))
            if weight is not None:
                back = weight.T @ self.sensitivities[0]

    def hessian(self) -> Float[Tensor, "dim dim points"]:
        """Hess H, all columns at once."""
        _, turns = self._along(self.weights[0][..., None])
        return mix(self.weights[0].T, turns[0])

    def pull_gradient(self, u: Float[Tensor, "points dim"]) -> list[Tensor]:
        """d/dtheta of sum <u, grad H(y)>: readout, weights, biases. <u, grad H> is the derivative of H along u."""
        tangents, turns = self._along((self.weights[0] @ u.T)[:, None])
        tangents, turns = [da[:, 0] for da in tangents], [turn[:, 0] for turn in turns]
        layers = zip(turns, self.activations, self.sensitivities, [u.T, *tangents], strict=False)
        weights = [(turn @ a.T).addmm_(sensitivity, da.T) for turn, a, sensitivity, da in layers]
        return [tangents[-1].sum(1), *weights, *(turn.sum(1) for turn in turns)]

    def pull_sums(self, sums: Float[Tensor, "functions times"]) -> Float[Tensor, "pieces functions dim parameters"]:
        """d/dtheta of sum_t sums_kt grad H(y_t) over pieces of as many points as there are times, one after another.

        A column an entry of theta, in the order of `parameters()`.
        """
        tangents, turns = self._along(self.weights[0][..., None])
        dim, points = self.activations[0].shape
        start = torch.eye(dim).to(sums)[..., None].expand(-1, -1, points)  # da_0 along the coordinates

        def cut(x: Float[Tensor, "*entries points"]) -> Float[Tensor, "*entries pieces times"]:
            return x.unflatten(-1, (-1, sums.shape[1]))

        layers = zip(turns, self.activations, self.sensitivities, [start, *tangents], strict=False)
        columns, biases = [torch.einsum("idnt,kt->nkdi", cut(tangents[-1]), sums)], []
        for turn, a, sensitivity, da in layers:
            a, da, turn = cut(a), cut(da), cut(turn)[..., None, :] * sums
            weights = torch.einsum("idnkt,jnt->nkdij", turn, a)
            weights += torch.einsum("inkt,jdnt->nkdij", cut(sensitivity)[..., None, :] * sums, da)
            columns.append(weights.flatten(-2))
            biases.append(turn.sum(-1).permute(2, 3, 1, 0))
        return torch.cat((*columns, *biases), dim=-1)

    def _along(self, dz: Float[Tensor, "width directions points_or_1"]) -> tuple[list[Tensor], list[Tensor]]:
        """The change of every a_k and of every dH/dz_k along directions u, given dz_1 = W_1 u."""
        changes = [dz]
        tangents = [self.slopes[0][:, None] * dz]
        for weight, slope in zip(self.weights[1:], self.slopes[1:], strict=True):
            changes.append(mix(weight, tangents[-1]))
            tangents.append(slope[:, None] * changes[-1])
        turns = [self.curvatures[-1][:, None] * changes[-1]]
        for layer in range(len(self.weights) - 2, -1, -1):
            turn = mix(self.weights[layer + 1].T, turns[0]).mul_(self.slopes[layer][:, None])
            turns.insert(0, turn.addcmul_(self.curvatures[layer][:, None], changes[layer]))
        return tangents, turns


def mix(weight: Float[Tensor, "out into"], x: Float[Tensor, "into *points"]) -> Float[Tensor, "out *points"]:
    """weight x over the first axis, in one product of matrices."""
    return (weight @ x.flatten(1)).unflatten(1, x.shape[1:])


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), the initialisation of torch.nn.Linear, from an explicit generator."""
    return (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
