"""Continuous normalising flows on toy densities.

Measured is the divergence KL(p || p_flow) of unseen points in nats, with the true log p known. The flow of a free
field is trained with the exact and with Hutchinson's trace (Grathwohl et al., arXiv 1810.01367). The negative control
is the flow of a Hamiltonian field H(t, y): it keeps volumes, so the levels of what it learns enclose those of the
Gaussian that it began with.
"""

import time
from collections.abc import Iterator
from typing import get_args

import torch

from bench.seeds import generator
from models.cnf import CNF, ConcatSquash, HamiltonianField, Trace
from models.toy_densities import Mixture, eight_gaussians, two_moons

DENSITIES = {"eight_gaussians": eight_gaussians, "two_moons": two_moons}
ITERATIONS = 800
BATCH = 256
UNSEEN = 2000
REACH, SIDE = 4.0, 81  # the picture: SIDE x SIDE points of the square [-REACH, REACH]^2
HIDDEN = (32, 32, 32)
STEPS = 12  # of RK4 in training; with 6, nets learn to gain from the error of the steps: masses of 1.2 to 1.6
JUDGED_STEPS = 48  # the density is then that of the flow, not of the steps: of mass 1


def rows(iterations: int = ITERATIONS, seed: int = 0) -> Iterator[dict]:
    """Those of every density: the truth, then each flow at ten moments of its training."""
    for name, make in DENSITIES.items():
        density = make()
        unseen = density.draw(UNSEEN, generator("density unseen", name))
        truth = {"density": name, "flow": "truth", "kl": 0.0}
        yield truth | {"log_density": density.log_density(picture()).tolist(), "points": unseen.flatten().tolist()}
        for trace in get_args(Trace):
            flow = CNF(ConcatSquash((2, *HIDDEN, 2), generator("density net", seed)), 2, STEPS)
            yield from train(flow, name, density, "free", trace, iterations, seed)
        flow = CNF(HamiltonianField(2, HIDDEN, generator("density net", seed)), 2, STEPS)
        yield from train(flow, name, density, "hamiltonian", "exact", iterations, seed)


def train(
    flow: CNF, name: str, density: Mixture, field: str, trace: Trace, iterations: int, seed: int
) -> Iterator[dict]:
    """Adam on -log p of fresh points, with a rate that falls by a cosine from 1e-2 to nothing."""
    stream = generator("density training", name, field, trace, seed)
    unseen = density.draw(UNSEEN, generator("density unseen", name))
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    spent = 0.0
    for iteration in range(1, iterations + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        (-flow.log_density(density.draw(BATCH, stream), trace, stream).mean()).backward()
        optimizer.step()
        schedule.step()
        spent += time.perf_counter() - start
        if iteration == iterations or iteration % max(1, iterations // 10) == 0:
            kl = (density.log_density(unseen) - exact(flow, unseen)).mean()
            moment = {"iteration": iteration, "seed": seed, "seconds": spent, "kl": float(kl)}
            row = {"density": name, "flow": field, "trace": trace} | moment
            last = {"log_density": exact(flow, picture()).tolist()} if iteration == iterations else {}
            yield row | last


def exact(flow: CNF, points: torch.Tensor) -> torch.Tensor:
    """The flow's log p by the exact trace and fine steps, whichever it is trained with."""
    with torch.no_grad():
        return CNF(flow.net, flow.dim, JUDGED_STEPS).log_density(points.float())


def picture() -> torch.Tensor:
    """The points of the square at which densities are drawn, row by row of the first coordinate."""
    axis = torch.linspace(-REACH, REACH, SIDE)
    return torch.cartesian_prod(axis, axis)
