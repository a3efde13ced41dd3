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
        """Hess H(y), symmetric: derivatives of all layers forward, then of the backward sweep."""
        activations = self._activations(y)
        slopes = [1 - a * a for a in activations]
        tangents = []  # d z_k / d y_i, [*batch, dim, width]
        tangent = self.weights[0].T.expand(*y.shape[:-1], -1, -1)
        for slope, weight in zip(slopes, [*self.weights[1:], None], strict=True):
            tangents.append(tangent)
            if weight is not None:
                tangent = (tangent * slope[..., None, :]) @ weight.T
        back, back_tangent = self.readout, torch.zeros((), dtype=y.dtype, device=y.device)
        layers = list(zip(self.weights, activations, slopes, tangents, strict=True))
        for weight, a, slope, tangent in reversed(layers):
            curvature = -2 * a * slope * back
            back_tangent = (curvature[..., None, :] * tangent + slope[..., None, :] * back_tangent) @ weight
            back = (slope * back) @ weight
        return back_tangent

    def _activations(self, y: Tensor) -> list[Tensor]:
        activations = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            y = torch.tanh(nn.functional.linear(y, weight, bias))
            activations.append(y)
        return activations


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), the initialisation of torch.nn.Linear, from an explicit generator."""
    return (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
