"""Peak memory of one forward and backward pass against N, in bytes, with four observations whatever N is."""

from functools import cache
from math import log

import pytest
import torch
from jaxtyping import config

import systems
from bench.measure import peak_bytes
from models import gradients
from models.fshnn import FSHNN
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.rk4 import RK4
from systems.integrators.start_guess import RK2, Extrapolation

BATCH = 256  # four steps fill a block of the backward pass
SHORT, LONG = 4, 256
EVEN = ImplicitMidpoint(start_guess=RK2())  # every step costs the same; extrapolation makes the first ones dearer
WARM = ImplicitMidpoint(start_guess=Extrapolation())
INTEGRATORS = {"even": EVEN, "warm": WARM, "rk4": RK4()}
STORED = LONG * BATCH * 2 * 4  # bytes of the states of the long window: 2n = 2, float32


@pytest.fixture(autouse=True, scope="module")
def _without_type_checks():
    """Which take most of the time here; the same code runs with them in the other files."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@cache
def peaks(mode, integrator, steps):
    """Bytes at the peak of the forward and of the backward pass."""
    model = FSHNN(systems.get("coupled_oscillator")(), torch.Generator().manual_seed(0))
    y0 = torch.rand(BATCH, model.dim, generator=torch.Generator().manual_seed(1))
    target, kept = torch.zeros(5, BATCH, model.dim), []

    def forward(steps=steps):
        states = gradients.get(mode)().rollout(model, INTEGRATORS[integrator], y0, 0.01, steps, steps // 4)
        kept.append((states - target).square().mean())

    def backward():
        kept.pop().backward()

    forward(SHORT)  # warm: what lasts from one iteration to the next is there
    backward()
    existing = [y0, target, *model.parameters(), *(p.grad for p in model.parameters() if p.grad is not None)]
    return peak_bytes({"forward": forward, "backward": backward}, existing, y0.device)


def peak(mode, integrator, steps):
    return max(peaks(mode, integrator, steps).values())


def exponent(mode, integrator, short=SHORT):
    return log(peak(mode, integrator, LONG) / peak(mode, integrator, short)) / log(LONG / short)


@pytest.mark.parametrize("integrator", ["even", "warm"])
def test_reversible_does_not_grow(integrator):
    assert peak("reversible", integrator, LONG) <= 1.05 * peak("reversible", integrator, SHORT)


@pytest.mark.parametrize("integrator", ["even", "warm"])
def test_discrete_grows_by_the_stored_states_alone(integrator):
    growth = peak("discrete", integrator, LONG) - peak("discrete", integrator, SHORT)
    beside = peak("reversible", integrator, LONG) - peak("reversible", integrator, SHORT)
    assert growth - beside <= 1.02 * STORED


def test_the_symplectic_adjoint_grows_by_the_stored_states_alone():
    """Backward; the forward pass holds the states twice while it stacks them."""
    short, long = (peaks("symplectic_adjoint", "rk4", steps)["backward"] for steps in (SHORT, LONG))
    assert long - short <= 1.02 * STORED


def test_checkpoint_grows_as_the_square_root():
    assert exponent("checkpoint", "even") == pytest.approx(0.5, abs=0.15)


def test_backprop_is_linear():
    assert exponent("backprop", "even") == pytest.approx(1, abs=0.05)


def test_with_few_observations_the_augmented_adjoint_does_not_grow():
    assert peak("augmented", "rk4", LONG // 4) <= 1.05 * peak("augmented", "rk4", SHORT)


def test_the_symplectic_adjoint_needs_less_than_the_graph_of_a_step():
    assert peaks("symplectic_adjoint", "rk4", SHORT)["backward"] < peak("backprop", "rk4", SHORT) / 4
