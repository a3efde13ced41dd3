"""Polynomial collocation against a PINN on one initial value problem.

Measured is the a-posteriori estimate of Murari's lecture slides (2025): if the residual of N is at most epsilon at
the nodes of a quadrature rule of order p, then || x(t) - N(t) || <= alpha Dt^(p+1) + beta epsilon on [0, Dt]. The
problem is the harmonic oscillator from (1, 0). Polynomials have no residual at the nodes and show the order in Dt;
the PINN, while it trains, shows the residual term.
"""

import time
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from bench.seeds import generator
from models.pinn import PINN
from systems.collocation import chebyshev, collocate, gauss
from systems.harmonic_oscillator import HarmonicOscillator

NODES = {"gauss": gauss, "chebyshev": chebyshev}
SPANS = (0.125, 0.25, 0.5, 1.0)
PINN_SPANS = (0.5, 1.0)
PINN_NODES = (2, 4, 8)
ITERATIONS = 3000
SYSTEM = HarmonicOscillator()
Y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)


def rows(iterations: int = ITERATIONS) -> Iterator[dict]:
    """Those of the polynomials, then those of the PINNs."""
    yield from polynomials()
    yield from pinns(iterations)


def polynomials() -> Iterator[dict]:
    """A row for each rule, number of nodes and span."""
    for rule, nodes_of in NODES.items():
        for count in (1, 2, 3, 4):
            for span in SPANS:
                nodes = nodes_of(count)
                start = time.perf_counter()
                found = collocate(SYSTEM.field, Y0, span, nodes)
                seconds = time.perf_counter() - start
                at_nodes = span * torch.tensor(nodes, dtype=torch.float64)
                residual = found.velocity(at_nodes) - SYSTEM.field(found.at(at_nodes))
                yield solution("polynomial", rule, count, span, seconds, residual, found.at(fine(span)))


def pinns(iterations: int, seed: int = 0) -> Iterator[dict]:
    """A row for each number of Gauss nodes and span, at twenty moments of the training of a net."""
    for count in PINN_NODES:
        for span in PINN_SPANS:
            stream = generator("collocation", count, str(span), seed)
            model = PINN(SYSTEM, stream, hidden=(30, 30), initial="hard").double()
            yield from train(model, gauss(count), span, iterations, seed)


def train(model: PINN, nodes: tuple[float, ...], span: float, iterations: int, seed: int) -> Iterator[dict]:
    """Adam on the mean squared residual at the nodes, with a rate that falls by a cosine from 5e-3 to nothing."""
    times = span * torch.tensor(nodes, dtype=torch.float64)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    start = time.perf_counter()
    for iteration in range(1, iterations + 1):
        optimizer.zero_grad()
        states, velocity = model.velocity(times, Y0.expand(len(times), -1))
        residual = velocity - SYSTEM.field(states)
        residual.square().sum(-1).mean().backward()
        if iteration == iterations or iteration % max(1, iterations // 20) == 0:
            seconds = time.perf_counter() - start
            with torch.no_grad():
                late = fine(span)
                states = model.at(late, Y0.expand(len(late), -1))
            moment = {"iteration": iteration, "seed": seed}
            yield solution("pinn", "gauss", len(nodes), span, seconds, residual.detach(), states) | moment
        optimizer.step()
        schedule.step()


def fine(span: float) -> Float[Tensor, " times"]:
    """Times at which errors are measured, the last of them the end."""
    return torch.linspace(0, span, 201, dtype=torch.float64)


def solution(
    method: str,
    rule: str,
    count: int,
    span: float,
    seconds: float,
    residual: Float[Tensor, "nodes dim"],
    states: Float[Tensor, "times dim"],
) -> dict:
    """The columns of a solution whose residual at the nodes and states at the fine times are given."""
    truth = SYSTEM.exact(Y0, fine(span))
    error = (states - truth).norm(dim=-1)
    return {
        "method": method,
        "rule": rule,
        "nodes": count,
        "span": span,
        "residual": float(residual.norm(dim=-1).max()),
        "error_end": float(error[-1]),
        "error_max": float(error.max()),
        "seconds": seconds,
    }
