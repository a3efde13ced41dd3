"""PINN: its initial conditions, its velocity, and what it is not."""

import pytest
import torch
from torch.autograd.functional import jacobian

import systems
from models.gradients.backprop import Backprop
from models.pinn import PINN
from systems.base import apply_j
from systems.trajectories import Window, draw_starts, integrate

SYSTEM = systems.get("henon_heiles")()


def build(preset: str) -> PINN:
    return PINN(SYSTEM, torch.Generator().manual_seed(0), **PINN.presets[preset]).double()


def window(*, shared: bool = True) -> Window:
    starts = draw_starts(SYSTEM, SYSTEM.box, 64, torch.Generator().manual_seed(3), accepted_only=True)
    observed = integrate(SYSTEM, starts, 0.1, 10).transpose(0, 1)
    return Window(observed[0], observed, 0.1, equations=SYSTEM if shared else None)


@pytest.fixture(params=PINN.presets)
def preset(request) -> str:
    return request.param


def test_the_initial_condition_is_exact_unless_it_is_soft(preset: str):
    y = window().start
    error = (build(preset).at(torch.zeros(len(y), dtype=y.dtype), y) - y).abs().max().item()
    assert error > 0.1 if "soft" in preset else error == 0


def test_the_velocity_is_that_of_automatic_differentiation(preset: str):
    model, y = build(preset), window().start[:5]
    t = torch.linspace(-1, 1, 5, dtype=y.dtype)
    reached, velocity = model.velocity(t, y)
    torch.testing.assert_close(reached, model.at(t, y), rtol=0, atol=0)
    expected = jacobian(lambda t: model.at(t, y).sum(0), t).T
    torch.testing.assert_close(velocity.detach(), expected, rtol=1e-12, atol=1e-14)


def test_it_learns_the_flow_from_the_equations_alone(preset: str):
    seen, model = window(), build(preset)
    blind = Window(seen.start, torch.full_like(seen.observed, torch.nan), 0.1, equations=SYSTEM)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        model.loss(blind, Backprop()).backward()
        optimizer.step()
    error = float((model.rollout(seen.start, 0.1, 10) - seen.observed).norm())
    still = (seen.start - seen.observed).norm()
    assert error < 0.3 * float(still)
    assert all(bool((parameter.grad != 0).all()) for parameter in model.parameters())


def test_the_energy_term_is_the_only_difference():
    plain, kept = build("matched"), build("hard_energy")
    start, t = window().start, (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    drift = SYSTEM.hamiltonian(plain.at(t, start)) - SYSTEM.hamiltonian(start)
    difference = kept.loss(window(), Backprop()) - plain.loss(window(), Backprop())
    torch.testing.assert_close(difference, drift.square().mean())


def test_it_is_not_symplectic():
    y, model = window().start[0], build("matched")
    m = jacobian(lambda y: model.flow(y[None], 1.0)[0], y)
    j = apply_j(torch.eye(4, dtype=torch.float64)).T
    assert float((m.T @ j @ m - j).norm()) > 1e-3


def test_without_equations_it_says_so(preset: str):
    with pytest.raises(ValueError, match="needs equations"):
        build(preset).loss(window(shared=False), Backprop())
    assert PINN.needs(preset) == {"equations"}


def test_the_matched_preset_has_about_1100_parameters():
    model = PINN(systems.get("harmonic_oscillator")(), torch.Generator(), **PINN.presets["matched"])
    assert 1000 < sum(parameter.numel() for parameter in model.parameters()) < 1200
