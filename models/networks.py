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

    def moving_gradient(
        self, y: Float[Tensor, "points dim"], velocity: Float[Tensor, "points dim"]
    ) -> tuple[Float[Tensor, "points dim"], Float[Tensor, "points dim"]]:
        """grad H(y), and its rate Hess H(y) v at points that move with a velocity; differentiable like `gradient`.

        A tangent goes through the forward pass and through the pass back: four times as fast as torch's dual numbers.
        """
        one = torch.ones((), dtype=y.dtype, device=y.device)
        activations, rates, slopes = self._activations(y), [], []
        for weight, a in zip(self.weights, activations, strict=True):
            slopes.append(torch.addcmul(one, a, a, value=-1))
            rates.append(slopes[-1] * (velocity @ weight.T))
            velocity = rates[-1]
        back, back_rate = self.readout.expand_as(activations[-1]), torch.zeros_like(activations[-1])
        for weight, a, rate, slope in zip(*map(reversed, (self.weights, activations, rates, slopes)), strict=True):
            back_rate = torch.addcmul(slope * back_rate, a * rate, back, value=-2) @ weight
            back = (slope * back) @ weight
        return back, back_rate

    def _activations(self, y: Tensor) -> list[Tensor]:
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


class LinearisedMLP:
    """Second derivatives of a ScalarMLP at fixed points, from one forward pass that they share; no graph is kept.

    Points lie along the last axis, so that each entry of a small matrix lies in one piece.
    """

    def __init__(self, net: ScalarMLP, y: Float[Tensor, "points dim"]):
        self.weights = [weight.detach() for weight in net.weights]
        self.readout = net.readout.detach()
        self.activations = [y.detach().T]  # a_0 = y
        for weight, bias in zip(self.weights, net.biases, strict=True):
            z = torch.addmm(bias.detach()[:, None], weight, self.activations[-1])
            self.activations.append(z.tanh_())
        one = torch.ones((), dtype=y.dtype, device=y.device)
        self.slopes = [torch.addcmul(one, a, a, value=-1) for a in self.activations[1:]]

    def hessian(self) -> Float[Tensor, "dim dim points"]:
        """sum_k J_k^T diag(c_k) J_k with J_k = dz_k/dy and c_k = tanh''(z_k) dH/da_k."""
        curvatures, back = [], self.readout[:, None]  # -c_k / 2, last layer first
        for weight, a, slope in zip(self.weights[::-1], self.activations[:0:-1], self.slopes[::-1], strict=True):
            back = slope * back
            curvatures.append(a * back)
            back = weight.T @ back
        first, *deeper = self.weights
        dim = first.shape[1]
        pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        entries = torch.stack([first[:, i] * first[:, j] for i, j in pairs]) @ curvatures.pop()
        columns = [column[None] for column in first.T]  # of J_1^T: the same at every point
        for layer, weight in enumerate(deeper):
            slope, curvature = self.slopes[layer], curvatures.pop()
            if layer == 0:
                columns = [(weight * column) @ slope for column in columns]
            else:
                columns = [weight @ (slope * column) for column in columns]
            scaled = [curvature * column for column in columns]
            for entry, (i, j) in zip(entries, pairs, strict=True):
                entry += (scaled[i] * columns[j]).sum(0)
        which = [pairs.index((min(i, j), max(i, j))) for i in range(dim) for j in range(dim)]
        return (-2 * entries[which]).unflatten(0, (dim, dim))

    def pull_gradient(self, u: Float[Tensor, "points dim"]) -> list[Tensor]:
        """d/dtheta of sum <u, grad H(y)>: readout, weights, biases.

        <u, grad H> is the derivative of H along u: its tangents go forward, one sweep goes back.
        """
        tangents = [u.T]
        for weight, slope in zip(self.weights, self.slopes, strict=True):
            tangents.append((weight @ tangents[-1]).mul_(slope))
        weights, biases = [], []
        a_bar, da_bar = torch.zeros_like(self.readout)[:, None], self.readout[:, None]
        for layer in range(len(self.weights) - 1, -1, -1):
            a, da, slope = self.activations[layer + 1], tangents[layer + 1], self.slopes[layer]
            z_bar = (a * da).mul_(da_bar).mul_(-2).addcmul_(slope, a_bar)
            dz_bar = slope * da_bar
            weights.insert(0, (z_bar @ self.activations[layer].T).addmm_(dz_bar, tangents[layer].T))
            biases.insert(0, z_bar.sum(1))
            if layer:
                a_bar, da_bar = self.weights[layer].T @ z_bar, self.weights[layer].T @ dz_bar
        return [tangents[-1].sum(1), *weights, *biases]


def uniform(shape: tuple[int, ...], fan_in: int, generator: torch.Generator | None) -> Tensor:
    """Uniform in +-1/sqrt(fan_in), the initialisation of torch.nn.Linear, from an explicit generator."""
    return (2 * torch.rand(shape, generator=generator) - 1) / fan_in**0.5
