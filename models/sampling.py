"""Hidden units tanh(W y + b) that are drawn and not trained (Bolager et al., arXiv 2306.16830)."""

from collections.abc import Callable
from math import log

import torch
from jaxtyping import Float
from torch import Tensor

Rise = Callable[[Tensor, Tensor], Float[Tensor, " pairs"]]
Units = tuple[Float[Tensor, "width dim"], Float[Tensor, " width"]]
CANDIDATES = 10  # pairs a unit that a density chooses from


def normal_units(y: Float[Tensor, "points dim"], width: int, generator: torch.Generator) -> Units:
    """W ~ N(0, 1), b uniform between the least and the largest coordinate of the data (extreme learning machine)."""
    low, high = y.aminmax()
    weights = torch.randn(width, y.shape[1], dtype=y.dtype, generator=generator)
    return weights, low + (high - low) * torch.rand(width, dtype=y.dtype, generator=generator)


def pair_units(
    y: Float[Tensor, "points dim"],
    width: int,
    generator: torch.Generator,
    rise: Rise | None = None,
) -> Units:
    """One unit a pair of data points (y_i, y_j), -1/2 at the first and 1/2 at the second.

    Pairs are uniform, or with `rise(i, j)` = H(y_j) - H(y_i) drawn in proportion to |rise| / |y_j - y_i|.
    """
    first, second = torch.randint(len(y), (2, CANDIDATES * width), generator=generator)
    steps = y[second] - y[first]
    lengths = steps.norm(dim=1)
    density = (lengths > 0).to(y)  # not one point twice
    if rise is not None:
        density *= (rise(first, second).abs() / lengths).nan_to_num()
    chosen = torch.multinomial(density, width, generator=generator)
    weights = log(3) * steps[chosen] / lengths[chosen, None].square()
    return weights, -(weights * y[first[chosen]]).sum(1) - log(3) / 2
