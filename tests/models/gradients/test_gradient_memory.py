"""Peak memory of one forward and backward pass against N, in bytes, with four observations whatever N is."""

from functools import cache
from math import log

import pytest
import torch

import systems
from bench.measure import peak_bytes
from models import gradients
from models.fshnn import FSHNN
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.rk4 import RK4
from systems.integrators.start_guess import RK2, Extrapolation

pytestmark = pytest.mark.usefixtures("without_type_checks")

SHORT, LONG = 4, 1024
BLOCKS, GRAPHS = 512, 64  # batches: a block of a backward pass holds four steps of 512; graphs have no blocks
EVEN = ImplicitMidpoint(start_guess=RK2())  # every step costs the same; extrapolation makes the first ones dearer
WARM = ImplicitMidpoint(start_guess=Extrapolation())
INTEGRATORS = {"even": EVEN, "warm": WARM, "rk4": RK4()}
STATE = 2 * 4  # bytes: 2n = 2, float32
to_a_length = pytest.mark.parametrize("long", [LONG // 8, pytest.param(LONG, marks=pytest.mark.slow)])


@cache
def peaks(mode, integrator, steps, batch=GRAPHS):
    """Bytes at the peak of the forward and of the backward pass."""
    model = FSHNN(systems.get("coupled_oscillator")(), torch.Generator().manual_seed(0))
    y0 = torch.rand(batch, model.dim, generator=torch.Generator().manual_seed(1))
    target, kept = torch.zeros(5, batch, model.dim), []

    def forward(steps=steps):
        states = gradients.get(mode)().rollout(model, INTEGRATORS[integrator], y0, 0.01, steps, steps // 4)
        kept.append((states - target).square().mean())

    def backward():
        kept.pop().backward()

    forward(SHORT)  # warm: what lasts from one iteration to the next is there
    backward()
    existing = [y0, target, *model.parameters(), *(p.grad for p in model.parameters() if p.grad is not None)]
    return peak_bytes({"forward": forward, "backward": backward}, existing, y0.device)


def peak(mode, integrator, steps, batch=GRAPHS):
    return max(peaks(mode, integrator, steps, batch).values())


def exponent(mode, integrator, long=LONG):
    return log(peak(mode, integrator, long) / peak(mode, integrator, SHORT)) / log(long / SHORT)


@to_a_length
def test_reversible_does_not_grow(long):
    assert peak("reversible", "warm", long, BLOCKS) <= 1.05 * peak("reversible", "warm", SHORT, BLOCKS)


@to_a_length
def test_discrete_grows_by_the_stored_states_alone(long):
    growth, beside = (
        peak(mode, "warm", long, BLOCKS) - peak(mode, "warm", SHORT, BLOCKS) for mode in ("discrete", "reversible")
    )
    assert growth - beside <= 1.02 * long * BLOCKS * STATE


def test_the_symplectic_adjoint_grows_by_the_stored_states_alone():
    """Backward; the forward pass holds the states twice while it stacks them."""
    short, long = (peaks("symplectic_adjoint", "rk4", steps)["backward"] for steps in (SHORT, LONG // 16))
    assert long - short <= 1.02 * LONG // 16 * GRAPHS * STATE


@to_a_length
def test_checkpoint_grows_as_the_square_root(long):
    assert exponent("checkpoint", "even", long) == pytest.approx(0.5, abs=0.15)


@to_a_length
def test_backprop_is_linear(long):
    assert exponent("backprop", "even", long) == pytest.approx(1, abs=0.05)


def test_with_few_observations_the_augmented_adjoint_does_not_grow():
    assert peak("augmented", "rk4", LONG // 16) <= 1.05 * peak("augmented", "rk4", SHORT)


def test_the_symplectic_adjoint_needs_less_than_the_graph_of_a_step():
    assert peaks("symplectic_adjoint", "rk4", SHORT)["backward"] < peak("backprop", "rk4", SHORT) / 4
