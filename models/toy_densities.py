"""Two-dimensional densities to learn: the toy sets of Grathwohl et al. (FFJORD), arXiv 1810.01367, drawn anew."""

from dataclasses import dataclass
from math import log, pi

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """Equal Gaussians of one width around the centres, so that the density that a flow is to learn is known."""

    centres: Float[Tensor, "centres 2"]
    width: float

    def draw(self, count: int, generator: torch.Generator) -> Float[Tensor, "count 2"]:
        """Independent points of it, in the default dtype."""
        chosen = self.centres[torch.randint(len(self.centres), (count,), generator=generator)]
        return chosen.to(torch.get_default_dtype()) + self.width * torch.randn(count, 2, generator=generator)

    def log_density(self, x: Float[Tensor, "batch 2"]) -> Float[Tensor, " batch"]:
        """log p(x), exact, in nats."""
        distances = torch.cdist(x.to(self.centres), self.centres, compute_mode="donot_use_mm_for_euclid_dist")
        exponents = -0.5 * (distances / self.width).square()
        return exponents.logsumexp(-1) - log(2 * pi * self.width**2 * len(self.centres))


def eight_gaussians() -> Mixture:
    """Eight Gaussians of standard deviation 0.18 on a circle of radius 2 sqrt 2."""
    angles = pi / 4 * torch.arange(8, dtype=torch.float64)
    return Mixture(8**0.5 * torch.stack((angles.cos(), angles.sin()), -1), 0.18)


def two_moons() -> Mixture:
    """Two interleaved half circles of radius 2, blurred by 0.2, with too many centres to be told apart."""
    angles = pi * (torch.arange(256, dtype=torch.float64) + 0.5) / 256
    upper = torch.stack((angles.cos() - 0.5, angles.sin() - 0.25), -1)
    return Mixture(2 * torch.cat((upper, -upper)), 0.2)
