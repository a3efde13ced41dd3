"""Nets as after training, in a second, and gradients of the paper's loss on noisy windows of the true system."""

import copy
from functools import cache

import torch

import systems
from models.fshnn import FSHNN
from systems.trajectories import draw_starts, integrate


def untrained(name):
    return FSHNN(systems.get(name)(), torch.Generator().manual_seed(0)).double()


def fitted(name):
    """A net whose field was fitted to that of the system, float64."""
    return copy.deepcopy(_fitted(name))


@cache
def _fitted(name, iterations=300):
    system, model = systems.get(name)(), untrained(name)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    for _ in range(iterations):
        points = draw_starts(system, system.box, 128, generator, accepted_only=False)
        optimizer.zero_grad()
        (model.field(points) - system.field(points)).square().mean().backward()
        optimizer.step()
        schedule.step()
    return model


@cache
def observations(name, h, steps, noise, batch=64):
    """Noisy states [steps + 1, batch, dim] of true trajectories."""
    system, generator = systems.get(name)(), torch.Generator().manual_seed(2)
    starts = draw_starts(system, system.box, batch, generator, accepted_only=True)
    clean = integrate(system, starts, h, steps).transpose(0, 1)
    return clean + noise * torch.randn(clean.shape, dtype=clean.dtype, generator=generator)


def loss(states, observed):
    return (states[1:] - observed[1:]).square().sum(-1).mean()


def gradient(mode, integrator, model, observed, h, every=1):
    """(d/dtheta, d/dy0) of the loss as vectors, of a rollout from the first observation; every-th state observed."""
    y0 = observed[0].clone().requires_grad_()
    states = mode().rollout(model, integrator(), y0, h, len(observed) - 1, every)
    *theta, start = torch.autograd.grad(loss(states, observed[::every]), [*model.parameters(), y0])
    return torch.cat([part.flatten() for part in theta]), start.flatten()


def relative(ours, exact):
    return float((ours - exact).norm() / exact.norm())


def cosine(ours, exact):
    return float(ours @ exact / (ours.norm() * exact.norm()))
