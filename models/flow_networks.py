"""Nets that map states to states: what flow models are built of."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.networks import Layers, VectorMLP, uniform


class TanhMLP(VectorMLP):
    """F(x) = A tanh(... tanh(W_1 x + b_1)) + b, and its derivative along a direction."""

    def __init__(self, sizes: tuple[int, ...], generator: torch.Generator | None = None, *, bias: bool = True):
        super().__init__(sizes, torch.tanh, generator, bias=bias)

    def along(
        self, x: Float[Tensor, "*batch inputs"], v: Float[Tensor, "*batch inputs"]
    ) -> tuple[Float[Tensor, "*batch outputs"], Float[Tensor, "*batch outputs"]]:
        """F(x), and its derivative along v; both differentiable."""
        *inner, last = self.weights
        for weight, bias in zip(inner, self.biases, strict=False):
            x = torch.tanh(nn.functional.linear(x, weight, bias))
            v = (1 - x * x) * (v @ weight.T)
        return nn.functional.linear(x, last, self.output_bias), v @ last.T


class LinearShear(nn.Module):
    """Alternating shears p <- p + h (A + A^T) q and q <- q + h (A + A^T) p, each with its own A, then a shift h b.

    The linear module of a LA-SympNet (Jin et al., arXiv 2001.03750, section 3): symplectic for every A.
    """

    def __init__(self, dof: int, sublayers: int, generator: torch.Generator | None = None):
        super().__init__()
        self.matrices = Layers(uniform((dof, dof), dof, generator) for _ in range(sublayers))
        self.shift = nn.Parameter(uniform((2 * dof,), dof, generator))

    def forward(
        self, q: Float[Tensor, "*batch dof"], p: Float[Tensor, "*batch dof"], h: float
    ) -> tuple[Float[Tensor, "*batch dof"], Float[Tensor, "*batch dof"]]:
        for place, matrix in enumerate(self.matrices):
            symmetric = h * (matrix + matrix.T)
            if place % 2 == 0:
                p = p + q @ symmetric
            else:
                q = q + p @ symmetric
        q_shift, p_shift = self.shift.chunk(2)
        return q + h * q_shift, p + h * p_shift


class GradientShear(nn.Module):
    """p <- p + h grad U(q), or q <- q + h grad U(p): U(x) = a . S(K x + b) and S' is the logistic function.

    The gradient module of a G-SympNet (Jin et al., arXiv 2001.03750, section 3); with K = 1 and b = 0 fixed, the
    activation module of a LA-SympNet.
    """

    def __init__(self, dof: int, width: int | None, *, kick: bool, generator: torch.Generator | None = None):
        """`width` units, or one a coordinate with K = 1 and b = 0 if None; `kick` moves p, otherwise q."""
        super().__init__()
        self.kick = kick
        self.scales = nn.Parameter(uniform((width or dof,), width or dof, generator))
        self.weight = nn.Parameter(uniform((width, dof), dof, generator)) if width else None
        self.bias = nn.Parameter(uniform((width,), dof, generator)) if width else None

    def forward(
        self, q: Float[Tensor, "*batch dof"], p: Float[Tensor, "*batch dof"], h: float
    ) -> tuple[Float[Tensor, "*batch dof"], Float[Tensor, "*batch dof"]]:
        if self.kick:
            return q, p + h * self.slope(q)
        return q + h * self.slope(p), p

    def slope(self, x: Float[Tensor, "*batch dof"]) -> Float[Tensor, "*batch dof"]:
        """grad U."""
        if self.weight is None:
            return self.scales * torch.sigmoid(x)
        return (self.scales * torch.sigmoid(nn.functional.linear(x, self.weight, self.bias))) @ self.weight
