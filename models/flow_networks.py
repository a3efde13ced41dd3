"""Nets that map states to states: what flow models are built of."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks import uniform


class VectorMLP(nn.Module):
    """F(x) = A tanh(... tanh(W_1 x + b_1)) + b: a net with tanh units and, if asked for, an output bias."""

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator | None = None, *, bias: bool = True):
        """`sizes` are the widths from the input to the output, e.g. (3, 30, 30, 2)."""
        super().__init__()
        pairs = list(pairwise(sizes))
        self.weights = nn.ParameterList(uniform((out, into), into, generator) for into, out in pairs)
        biased = pairs if bias else pairs[:-1]
        self.biases = nn.ParameterList(uniform((out,), into, generator) for into, out in biased)

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        for weight, bias in zip(self.weights[:-1], self.biases, strict=False):
            x = torch.tanh(nn.functional.linear(x, weight, bias))
        return nn.functional.linear(x, self.weights[-1], self._output_bias)

    def along(
        self, x: Float[Tensor, "*batch inputs"], v: Float[Tensor, "*batch inputs"]
    ) -> tuple[Float[Tensor, "*batch outputs"], Float[Tensor, "*batch outputs"]]:
        """F(x), and its derivative along v; both differentiable."""
        for weight, bias in zip(self.weights[:-1], self.biases, strict=False):
            x = torch.tanh(nn.functional.linear(x, weight, bias))
            v = (1 - x * x) * (v @ weight.T)
        return nn.functional.linear(x, self.weights[-1], self._output_bias), v @ self.weights[-1].T

    @property
    def _output_bias(self) -> Tensor | None:
        return self.biases[-1] if len(self.biases) == len(self.weights) else None
