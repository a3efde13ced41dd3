"""NSSNN: its loss counts all four blocks, and its rollout keeps the copy, as Tao's extended map does."""

import torch
from torch.autograd.functional import jacobian

from models.gradients.backprop import Backprop
from models.nssnn import NSSNN
from systems.base import apply_j
from systems.coupled_oscillator import CoupledOscillator
from systems.integrators.gauss_legendre6 import GaussLegendre6
from systems.trajectories import Window

STARTS = torch.randn(6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def build(omega=20.0):
    model = NSSNN(CoupledOscillator(), torch.Generator().manual_seed(0), hidden=(8, 8), omega=omega).double()
    with torch.no_grad():
        for weight in model.net.weights:
            weight *= 3  # an untrained net is nearly flat
    return model


def test_the_loss_is_the_mean_absolute_error_of_all_four_blocks():
    model = build()
    observed = torch.randn(5, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    states = model.extended_rollout(STARTS, 0.1, 8)[2::2]
    blocks = zip(
        states.chunk(4, dim=-1), (*observed[1:].chunk(2, dim=-1), *observed[1:].chunk(2, dim=-1)), strict=True
    )
    expected = torch.stack([(state - seen).abs().mean() for state, seen in blocks]).mean()
    loss = model.loss(Window(STARTS, observed, 0.1, every=2), Backprop())
    torch.testing.assert_close(loss, expected, rtol=1e-14, atol=0)


def test_a_rollout_keeps_the_copy():
    """One long rollout is not two short ones: the copy has left the state when the second begins."""
    model = build(omega=1.0)
    whole = model.rollout(STARTS, 0.2, 10)
    halves = model.rollout(model.rollout(STARTS, 0.2, 5)[-1], 0.2, 5)
    torch.testing.assert_close(whole[:6], model.rollout(STARTS, 0.2, 5), rtol=0, atol=0)
    assert (whole[-1] - halves[-1]).abs().max() > 1e-5


def test_the_map_of_state_and_copy_is_symplectic_and_reversible():
    model, z = build(), torch.cat((STARTS[0], STARTS[1]))

    def step(z, h=0.1):
        return model.tao.extended_rollout(model.field, z, h, 1)[1]

    matrix = jacobian(step, z)[:, [0, 2, 1, 3]][[0, 2, 1, 3]]  # positions (q, x) first
    j = apply_j(torch.eye(4, dtype=torch.float64)).T
    torch.testing.assert_close(matrix.T @ j @ matrix, j, rtol=0, atol=1e-12)
    torch.testing.assert_close(step(step(z), -0.1), z, rtol=0, atol=1e-13)


def test_a_rollout_takes_three_evaluations_a_step_and_one():
    model = build()
    model.rollout(STARTS, 0.1, 10)
    assert model.evaluations == 6 * 31


def test_the_rollout_is_that_of_its_field_to_second_order():
    model, errors = build(), []
    exact = STARTS
    for _ in range(50):
        exact = GaussLegendre6().step(model.field, exact, 0.02)
    for steps in (50, 100, 200):
        errors.append(float((model.rollout(STARTS, 1 / steps, steps)[-1] - exact).norm().detach()))
    assert errors[0] < 1e-2
    assert 3.5 < errors[1] / errors[2] < 4.5
