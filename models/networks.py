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
        points = y.reshape(-1, y.shape[-1])
        back: Tensor = self.readout
        for weight, a in zip(reversed(self.weights), reversed(self._activations(points)), strict=True):
            back = torch.addcmul(back, a * a, back, value=-1) @ weight
        return back.view(y.shape)

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """Hess H(y) = sum_k J_k^T diag(c_k) J_k with J_k = dz_k/dy and c_k = tanh''(z_k) dH/da_k; keeps no graph.

        Works with the points along the last axis, and returns a view in which each entry lies in one piece.
        """
        dim, weights = y.shape[-1], [weight.detach() for weight in self.weights]
        points = y.detach().reshape(-1, dim).T
        slopes, curvatures, back = [], [], self.readout.detach()[:, None]
        activations = []
        for weight, bias in zip(weights, self.biases, strict=True):
            points = torch.addmm(bias.detach()[:, None], weight, points).tanh_()
            activations.append(points)
            slopes.append(1 - points * points)
        for weight, a, slope in zip(reversed(weights), reversed(activations), reversed(slopes), strict=True):
            back = slope * back
            curvatures.append(a * back)  # -c_k / 2, last layer first
            back = weight.T @ back
        first, *deeper = weights
        pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        entries = torch.stack([first[:, i] * first[:, j] for i, j in pairs]) @ curvatures.pop()
        columns = list(first.T[..., None])  # of J_k; those of J_1 are the same at every point
        for weight, slope in zip(deeper, slopes[:-1], strict=True):
            if len(columns[0].T) == 1:
                columns = [(weight * column.T) @ slope for column in columns]
            else:
                columns = [weight @ (slope * column) for column in columns]
            curvature = curvatures.pop()
            scaled = [curvature * column for column in columns]
            for entry, (i, j) in zip(entries, pairs, strict=True):
                entry += (scaled[i] * columns[j]).sum(0)
        which = [pairs.index((min(i, j), max(i, j))) for i in range(dim) for j in range(dim)]
        return (-2 * entries[which]).view(dim, dim, *y.shape[:-1]).movedim((0, 1), (-2, -1))

    def pull_gradient(self, y: Float[Tensor, "points dim"], u: Float[Tensor, "points dim"]) -> list[Tensor]:
        """d/dtheta of sum <u, grad H(y)>, in the order of `parameters()`; call it without gradients enabled.

        <u, grad H> is the derivative of H along u: tangents go forward with the activations, one sweep goes back.
        """
        a, da, layers = y, u, []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            into, dinto = a, da
            a = torch.addmm(bias, into, weight.T).tanh_()
            slope = 1 - a * a
            da = (dinto @ weight.T).mul_(slope)
            layers.append((weight, into, dinto, a, da, slope))
        readout, weights, biases = da.sum(0), [], []
        a_bar, da_bar = torch.zeros((), dtype=y.dtype, device=y.device), self.readout
        for weight, into, dinto, a, da, slope in reversed(layers):
            z_bar = (a * da).mul_(da_bar).mul_(-2).addcmul_(slope, a_bar)
            dz_bar = slope * da_bar
            weights.insert(0, (z_bar.T @ into).addmm_(dz_bar.T, dinto))
            biases.insert(0, z_bar.sum(0))
            a_bar, da_bar = z_bar @ weight, dz_bar @ weight
        return [readout, *weights, *biases]

    def _activations(self, y: Tensor) -> list[Tensor]:
        activations = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            y = nn.functional.linear(y, weight, bias).tanh_()
            activations.append(y)
        return activations


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), the initialisation of torch.nn.Linear, from an explicit generator."""
    return (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
