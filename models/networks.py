"""Nets, with the derivatives that rollouts need in closed form: faster than nested automatic differentiation."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn


class ScalarMLP(nn.Module):
    """H(y) = w . tanh(... tanh(W_1 y + b_1)): a scalar net with tanh units and no output bias.

    The missing output bias is the additive constant that no trajectory can show. `gradient` is ordinary
    torch code in the weights and y, so one plain backward pass differentiates it.
    """

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator | None = None):
        """`sizes` are the widths from the input to the last hidden layer, e.g. (2, 16, 32, 16)."""
        super().__init__()
        self.weights = nn.ParameterList(uniform((out, into), into, generator) for into, out in pairwise(sizes))
        self.biases = nn.ParameterList(uniform((out,), into, generator) for into, out in pairwise(sizes))
        self.readout = nn.Parameter(uniform((sizes[-1],), sizes[-1], generator))

    def forward(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return self._activations(y)[-1] @ self.readout

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """grad H(y)."""
        back: Tensor = self.readout
        for weight, a in zip(reversed(self.weights), reversed(self._activations(y)), strict=True):
            back = torch.addcmul(back, a * a, back, value=-1) @ weight
        return back

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """Hess H(y) = sum_k J_k^T diag(c_k) J_k with J_k = dz_k/dy and c_k = tanh''(z_k) dH/da_k, no graph kept."""
        activations, dim = self._activations(y), y.shape[-1]
        slopes = [1 - a * a for a in activations]
        curvatures, back = [], self.readout
        for weight, a, slope in zip(reversed(self.weights), reversed(activations), reversed(slopes), strict=True):
            back = slope * back
            curvatures.insert(0, -2 * a * back)
            back = back @ weight
        columns = self.weights[0].T.unbind(0)  # of J_1, the same at every point
        pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        entries = list((curvatures[0] @ torch.stack([columns[i] * columns[j] for i, j in pairs], -1)).unbind(-1))
        for layer in range(1, len(activations)):
            weight, slope, curvature = self.weights[layer].T, slopes[layer - 1], curvatures[layer]
            # slope * column first where the column differs from point to point, column * weight where it does not
            columns = [slope @ (c[:, None] * weight) if layer == 1 else (slope * c) @ weight for c in columns]
            scaled = [curvature * c for c in columns]
            entries = [
                e + torch.linalg.vecdot(scaled[i], columns[j]) for e, (i, j) in zip(entries, pairs, strict=True)
            ]
        position = {pair: entry for pair, entry in zip(pairs, entries, strict=True)}
        full = [position[min(i, j), max(i, j)] for i in range(dim) for j in range(dim)]
        return torch.stack(full, dim=-1).unflatten(-1, (dim, dim))

    def pull_gradient(self, y: Float[Tensor, "points dim"], u: Float[Tensor, "points dim"]) -> list[Tensor]:
        """d/dtheta of sum <u, grad H(y)>, in the order of `parameters()`.

        <u, grad H> is the derivative of H along u: tangents go forward with the activations, one sweep goes back.
        """
        points, both, layers = len(y), torch.cat((y, u)), []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            into = both
            z, dz = (both @ weight.T).split(points)
            a = torch.tanh(z + bias)
            slope = 1 - a * a
            both = torch.cat((a, slope * dz))
            layers.append((into, weight, a, slope, dz))
        readout, weights, biases = both[points:].sum(0), [], []
        a_bar, da_bar = torch.zeros((), dtype=y.dtype, device=y.device), self.readout
        for into, weight, a, slope, dz in reversed(layers):
            dz_bar = slope * da_bar
            z_bar = slope * a_bar - 2 * a * dz * dz_bar
            both = torch.cat((z_bar, dz_bar))
            weights.insert(0, both.T @ into)
            biases.insert(0, z_bar.sum(0))
            a_bar, da_bar = (both @ weight).split(points)
        return [readout, *weights, *biases]

    def _activations(self, y: Tensor) -> list[Tensor]:
        activations = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            y = torch.tanh(nn.functional.linear(y, weight, bias))
            activations.append(y)
        return activations


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), the initialisation of torch.nn.Linear, from an explicit generator."""
    return (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
