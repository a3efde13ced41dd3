"""The weak form of y' = f(y): no noisy data are differentiated, and nothing is integrated.

For a test function phi that vanishes at both ends of a window, - int phi' y dt = int phi f(y) dt: an equation that is
linear in f. Several phi on every window of the data, and least squares, give f (Messenger and Bortz, Weak SINDy,
arXiv 2005.04339, whose test functions are others).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import apply_j

LONGEST = 100  # steps of a piece of a trajectory that has test functions of its own
BLOCK = 1 << 22  # features at once: bounds the memory, and stays near the processor


@dataclass(frozen=True)
class WeakForm:
    """Rows over the samples of a window: `left` y = `right` f(y), for as many test functions as there are rows."""

    left: Float[Tensor, "functions times"]
    right: Float[Tensor, "functions times"]

    def like(self, y: Tensor) -> "WeakForm":
        """In the type and on the device of y."""
        return WeakForm(self.left.to(y), self.right.to(y))


@cache
def weak_form(steps: int, h: float) -> WeakForm:
    """The weak form on windows of N steps of h, float64. Raises ValueError for N < 2: no test function is left.

    The test functions are integrals of Legendre polynomials: their slopes are orthogonal, so white noise on y enters
    the equations all but independently, and with its own variance, for rows of `left` have unit length. The first
    one weighs y as the slope of a fitted straight line does. There are as many as the quadrature resolves: one at
    N = 6, three at 32, five at 100.
    """
    if steps < 2:
        raise ValueError(f"the weak form needs windows of 2 steps at least, not {steps}")
    degree = min(steps, int(2 * steps**0.5) + 2)
    count = max(1, degree // 4)
    p = legendre(torch.linspace(-1, 1, steps + 1, dtype=torch.float64), degree)
    number = torch.arange(1, count + 1, dtype=torch.float64)[:, None]
    weights = quadrature(p)
    left = -weights * p[1 : count + 1]
    right = weights * (p[2 : count + 2] - p[:count]) / (2 * number + 1) * (h * steps / 2)
    length = left.norm(dim=1, keepdim=True)
    return WeakForm(left / length, right / length)


def quadrature(p: Float[Tensor, "degrees times"]) -> Float[Tensor, " times"]:
    """Weights on [-1, 1], the nearest to the trapezoidal ones that integrate all given Legendre polynomials exactly.

    Up to a degree of about twice the root of the number of samples they are positive and do not amplify noise
    (Wilson, SIAM J. Numer. Anal. 7, 1970).
    """
    trapezoidal = torch.full_like(p[0], 2 / (p.shape[1] - 1))
    trapezoidal[[0, -1]] /= 2
    exact = torch.zeros_like(p[:, 0])
    exact[0] = 2.0
    return trapezoidal + torch.linalg.pinv(p) @ (exact - p @ trapezoidal)


def legendre(s: Float[Tensor, " points"], degree: int) -> Float[Tensor, "degrees points"]:
    """P_0, ..., P_degree at s, by their recurrence; degree >= 1."""
    p = [torch.ones_like(s), s]
    for k in range(1, degree):
        p.append(((2 * k + 1) * s * p[k] - k * p[k - 1]) / (k + 1))
    return torch.stack(p)


def segments(y: Float[Tensor, "count times dim"]) -> Float[Tensor, "pieces samples dim"]:
    """Trajectories cut into pieces of LONGEST steps at most that meet at their ends; what is left over is dropped."""
    steps = min(LONGEST, y.shape[1] - 1)
    return y.unfold(1, steps + 1, steps).flatten(0, 1).mT


@dataclass(frozen=True)
class WeakProducts:
    """Products of X, the weak features, and g, the weak grad H that data show: X^T X, X^T g, g^T g; entries of g."""

    gram: Float[Tensor, "features features"]
    cross: Float[Tensor, "features dim"]
    square: Float[Tensor, ""]
    equations: int


def weak_products(
    y: Float[Tensor, "count times dim"], dt: float, count: int, features: Callable[[Tensor], Tensor]
) -> WeakProducts:
    """Of `count` features of the state, over all trajectories and test functions; grad H = - J y'. In float64."""
    form = weak_form(y.shape[1] - 1, dt)
    gram, cross = form.left.new_zeros(count, count), form.left.new_zeros(count, y.shape[2])
    square, equations = form.left.new_zeros(()), 0
    for part in y.split(max(1, BLOCK // (y.shape[1] * count))):
        part = part.double()
        x = (form.right @ features(part)).flatten(0, 1)
        shown = -apply_j(form.left @ part).flatten(0, 1)
        gram.addmm_(x.T, x)
        cross.addmm_(x.T, shown)
        square += shown.square().sum()
        equations += shown.numel()
    return WeakProducts(gram, cross, square, equations)


def noise_variance(y: Float[Tensor, "count times dim"]) -> Float[Tensor, " dim"]:
    """Variance of white noise on smooth trajectories, by coordinate, from repeated differences in time.

    A k-th difference multiplies the variance by binomial(2k, k) and leaves little of what is smooth; what it leaves
    can only add, so the least of the estimates is taken.
    """
    estimates, factor = [], 1.0
    for k in range(1, min(8, y.shape[1] - 1) + 1):
        y = y.diff(dim=1)
        factor *= (4 * k - 2) / k
        estimates.append(y.square().mean((0, 1)) / factor)
    return torch.stack(estimates).amin(0)
