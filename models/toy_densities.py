"""Two-dimensional densities to learn: the toy sets of Grathwohl et al. (FFJORD), arXiv 1810.01367, drawn anew."""

from math import pi

import torch
from jaxtyping import Float
from torch import Tensor


def eight_gaussians(count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    """Eight equal Gaussians of standard deviation 0.18 on a circle of radius 2 sqrt 2."""
    angles = pi / 4 * torch.randint(8, (count,), generator=generator)
    centres = 8**0.5 * torch.stack((angles.cos(), angles.sin()), -1)
    return centres + 0.18 * torch.randn(count, 2, generator=generator)


def two_moons(count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
    """Two interleaved half circles with Gaussian noise, centred, stretched to half-widths of about 3 and 1.5."""
    angles = pi * torch.rand(count, generator=generator)
    lower = torch.randint(2, (count,), generator=generator)
    sign = 1 - 2 * lower
    moons = torch.stack((sign * angles.cos() + lower - 0.5, sign * angles.sin() + 0.5 * lower - 0.25), -1)
    return 2 * (moons + 0.1 * torch.randn(count, 2, generator=generator))
