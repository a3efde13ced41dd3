"""Models and gradient modes that say they take samples at irregular times use the times."""

import pytest
import torch

import models
import systems
from models import gradients
from models.base import rollout_loss
from models.continuous_flows import ContinuousFlow
from models.fshnn import FSHNN
from models.gradients.backprop import Backprop
from models.gradients.base import GradientMode
from models.gradients.discrete import Discrete
from systems import integrators
from systems.trajectories import Window, jittered_times

OSCILLATOR = systems.get("harmonic_oscillator")()
TIMES = jittered_times(16, 0.1, 6, 0.8, torch.Generator().manual_seed(0))
STARTS = torch.randn(16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
OBSERVED = torch.stack([OSCILLATOR.exact(*pair) for pair in zip(STARTS, TIMES, strict=True)], 1)
TRUE_TIMES = Window(STARTS, OBSERVED, 0.1, derivatives=None, equations=OSCILLATOR, times=TIMES.T)
TAKING = [
    pytest.param(name, preset, id=f"{name}-{preset}")
    for name in models.names()
    if not models.get(name).fits and models.get(name).trainable
    for preset in models.get(name).presets
    if models.get(name).takes_times(preset)
]


def build(name, preset="paper", integrator="rk4"):
    generator = torch.Generator().manual_seed(2)
    learner = models.get(name)
    return learner(OSCILLATOR, generator, integrators.get(integrator)(), **learner.presets[preset]).double()


def test_those_are_models_of_every_sort():
    taking = {case.values[0] for case in TAKING}
    assert {"fshnn", "neural_ode", "hnn", "sympflow", "pinn", "srnn"} <= taking
    assert not {"shnn", "nssnn", "sympnet", "weak_form", "ode_to_ode"} & taking


@pytest.mark.parametrize(("name", "preset"), TAKING)
def test_their_loss_depends_on_the_times_and_reaches_the_parameters(name, preset):
    model, twin = build(name, preset), build(name, preset)
    loss = model.loss(TRUE_TIMES, Backprop())
    loss.backward()
    assert all(bool((p.grad.isfinite()).all()) for p in model.parameters() if p.grad is not None)
    assert any(bool((p.grad != 0).any()) for p in model.parameters() if p.grad is not None)
    regular = twin.loss(Window(STARTS, OBSERVED, 0.1, equations=OSCILLATOR), Backprop())
    sees_observations = "equations" not in models.get(name).needs(preset)
    assert bool(regular.detach() != loss.detach()) == sees_observations


@pytest.mark.parametrize(("name", "preset"), TAKING)
def test_regular_times_that_are_spelled_out_change_nothing(name, preset):
    even = 0.1 * torch.arange(7, dtype=torch.float64)[:, None].expand(7, 16)
    losses = [
        build(name, preset).loss(Window(STARTS, OBSERVED, 0.1, equations=OSCILLATOR, times=times), Backprop())
        for times in (None, even)
    ]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-12, atol=1e-14)


def test_the_true_field_leaves_the_integrator_s_error_only_if_the_times_are_used():
    truth = models.get("true_h")(OSCILLATOR, torch.Generator(), integrators.get("gauss_legendre4")())
    assert float(rollout_loss(truth, TRUE_TIMES)) < 1e-12
    assert float(rollout_loss(truth, Window(STARTS, OBSERVED, 0.1))) > 1e-4


def test_backprop_is_a_directional_derivative_and_other_modes_say_that_they_need_a_fixed_step():
    model, eps = build("fshnn", integrator="implicit_midpoint"), 1e-5
    (parameter, *_) = model.parameters()
    (slope,) = torch.autograd.grad(model.loss(TRUE_TIMES, Backprop()), parameter)
    direction = torch.randn(slope.shape, dtype=slope.dtype, generator=torch.Generator().manual_seed(3))
    losses = []
    for sign in (1, -1):
        with torch.no_grad():
            parameter += sign * eps * direction
            losses.append(float(model.loss(TRUE_TIMES, Backprop()).detach()))
            parameter -= sign * eps * direction
    assert (losses[0] - losses[1]) / (2 * eps) == pytest.approx(float((slope * direction).sum()), rel=1e-6)
    with pytest.raises(NotImplementedError, match="Discrete needs a fixed step"):
        model.loss(TRUE_TIMES, Discrete())


@pytest.mark.parametrize("name", gradients.names())
def test_modes_that_take_times_have_a_rollout_at_them(name):
    mode = gradients.get(name)
    if not mode.takes_times:
        assert mode.rollout_at is GradientMode.rollout_at
        return
    model = FSHNN(OSCILLATOR, torch.Generator().manual_seed(0), integrators.get("rk4")()).double()
    states = mode().rollout_at(model, model.stepper, STARTS, TIMES.T)
    torch.testing.assert_close(states, model.rollout_at(STARTS, TIMES.T), rtol=0, atol=1e-14)


def flow_of_span(name, preset, span):
    model = build(name, preset)
    model.span.fill_(span)
    return model


CONTINUOUS = [
    pytest.param(name, preset, id=f"{name}-{preset}")
    for name in models.names()
    if issubclass(models.get(name), ContinuousFlow)
    for preset in models.get(name).presets
]


@pytest.mark.parametrize(("name", "preset"), CONTINUOUS)
def test_beyond_the_span_a_flow_is_composed_at_each_start_s_own_times(name, preset):
    """By hand, phi_delta o phi_span o ... o phi_span."""
    model = flow_of_span(name, preset, 0.4)
    times = torch.tensor([[0.0, 0.0], [0.3, 0.4], [0.5, 0.85], [1.3, 1.2]], dtype=torch.float64)
    states = model.rollout_at(STARTS[:2], times)
    composed = [(1, 0, 0, 0.3), (1, 1, 0, 0.4), (2, 0, 1, 0.1), (2, 1, 2, 0.05), (3, 0, 3, 0.1), (3, 1, 2, 0.4)]
    for time, start, spans, rest in composed:
        expected = STARTS[start]
        for t in (*[0.4] * spans, rest):
            expected = model.at(torch.tensor(t, dtype=torch.float64), expected)
        torch.testing.assert_close(states[time, start], expected.detach(), rtol=0, atol=1e-12)
    torch.testing.assert_close(states[0], STARTS[:2])


@pytest.mark.parametrize(("name", "preset"), CONTINUOUS)
def test_times_beyond_the_span_that_happen_to_be_regular_give_the_regular_rollout(name, preset):
    model = flow_of_span(name, preset, 0.3)
    even = 0.1 * torch.arange(21, dtype=torch.float64)[:, None].expand(21, 16)
    expected = model.rollout(STARTS, 0.1, 20)
    torch.testing.assert_close(model.rollout_at(STARTS, even), expected, rtol=0, atol=1e-10)
