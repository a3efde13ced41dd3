"""Every gradient mode with every integrator that it applies to: one rollout, and the gradients that are claimed."""

from itertools import product

import pytest
import torch
from stretched_model import Derived, Stretched

import models
import systems
from models import gradients
from systems import integrators
from systems.integrators import field_of_owner, unroll
from systems.tao_oscillator import TaoOscillator

SYSTEMS = ["double_well", "coupled_oscillator", "henon_heiles", "toda"]  # n = 1 separable and not, 2, 3
MODES = {name: gradients.get(name) for name in gradients.names()}
INTEGRATORS = {name: integrators.get(name) for name in integrators.names()}
APPLICABLE = [
    (mode, integrator)
    for mode, integrator in product(MODES, INTEGRATORS)
    if MODES[mode].inapplicable(Stretched, INTEGRATORS[integrator]) is None
]
EXACT = [(mode, integrator) for mode, integrator in APPLICABLE if MODES[mode].exact and mode != "backprop"]
FAVOURITE = {  # of each mode: implicit midpoint, or else the first that it applies to
    mode: "implicit_midpoint" if (mode, "implicit_midpoint") in APPLICABLE else dict(reversed(APPLICABLE))[mode]
    for mode in MODES
}
LEARNERS = [name for name in models.names() if models.get(name).integrates and models.get(name).trainable]
USUAL = ["implicit_midpoint", "rk4", "stormer_verlet"]
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def stretched(system, dtype=torch.float64):
    return Stretched(system, torch.Generator().manual_seed(0)).to(dtype)


def starts_and_weights(dim, steps, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    y0 = 0.5 * torch.randn(3, dim, dtype=torch.float64, generator=generator)
    weights = torch.randn(steps + 1, 3, dim, dtype=torch.float64, generator=generator)
    return y0.to(dtype), weights.to(dtype)


def gradients_of(mode, integrator, model, y0, weights, h):
    """(d/dtheta, d/dy0) of sum w y^2 over all times, samples and coordinates."""
    y0 = y0.clone().requires_grad_()
    states = MODES[mode]().rollout(model, INTEGRATORS[integrator](), y0, h, len(weights) - 1)
    loss = (weights * states.square()).sum()
    *theta, start = torch.autograd.grad(loss, [*model.parameters(), y0])
    return torch.cat([part.flatten() for part in theta]), start


def relative(difference, reference):
    return float((difference - reference).norm() / reference.norm())


@pytest.mark.parametrize("name", INTEGRATORS)
def test_the_value_of_the_rollout_does_not_depend_on_the_mode(name):
    model = stretched(TaoOscillator())
    y0, _ = starts_and_weights(2, 3)
    expected = unroll(INTEGRATORS[name](), field_of_owner(model), y0, 0.1, 3)
    for mode in (mode for mode, integrator in APPLICABLE if integrator == name):
        states = MODES[mode]().rollout(model, INTEGRATORS[name](), y0, 0.1, 3)
        torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize(("mode", "integrator"), [pair for pair in EXACT if pair[1] in USUAL])
def test_exact_modes_equal_backprop_through_every_model(mode, integrator, name):
    if reason := MODES[mode].inapplicable(models.get(name), INTEGRATORS[integrator]):
        pytest.skip(reason)
    system = systems.get("henon_heiles")()
    model = models.get(name)(system, torch.Generator().manual_seed(0), INTEGRATORS[integrator]()).double()
    y0, weights = starts_and_weights(4, 3)
    found, expected = (gradients_of(each, integrator, model, y0, weights, 0.1) for each in (mode, "backprop"))
    assert [relative(*parts) for parts in zip(found, expected, strict=True)] == pytest.approx([0, 0], abs=1e-12)


def test_modes_do_not_apply_to_models_that_do_not_integrate():
    assert all(mode.inapplicable(models.get("constant"), INTEGRATORS["rk4"]) for mode in MODES.values())


@pytest.mark.parametrize(
    ("steps", "dtype"), [(1, torch.float64), (2, torch.float64), (7, torch.float64), (7, torch.float32)]
)
@pytest.mark.parametrize("h", [0.1, 0.01])
@pytest.mark.parametrize("system_name", SYSTEMS)
@pytest.mark.parametrize("mode", [mode for mode, integrator in EXACT if integrator == "implicit_midpoint"])
def test_exact_modes_equal_backprop_through_implicit_midpoint(mode, system_name, steps, h, dtype):
    model = stretched(systems.get(system_name)(), dtype)
    y0, weights = starts_and_weights(model.dim, steps, dtype)
    theta, start = gradients_of(mode, "implicit_midpoint", model, y0, weights, h)
    expected_theta, expected_start = gradients_of("backprop", "implicit_midpoint", model, y0, weights, h)
    assert relative(theta, expected_theta) < TOLERANCE[dtype]
    assert relative(start, expected_start) < TOLERANCE[dtype]


@pytest.mark.parametrize(("mode", "integrator"), EXACT)
def test_exact_modes_equal_backprop_through_every_integrator(mode, integrator):
    model = stretched(TaoOscillator())
    y0, weights = starts_and_weights(2, 7)
    theta, start = gradients_of(mode, integrator, model, y0, weights, 0.1)
    expected_theta, expected_start = gradients_of("backprop", integrator, model, y0, weights, 0.1)
    assert relative(theta, expected_theta) < 1e-10
    assert relative(start, expected_start) < 1e-10


@pytest.mark.parametrize(
    ("mode", "integrator"),
    [pair for pair in APPLICABLE if pair[0] == "backprop"] + [(mode, FAVOURITE[mode]) for mode in dict(EXACT)],
)
def test_exact_gradients_are_directional_derivatives_by_finite_differences(mode, integrator):
    model, eps = stretched(TaoOscillator()), 1e-5
    y0, weights = starts_and_weights(2, 7)
    theta, start = gradients_of(mode, integrator, model, y0, weights, 0.1)
    generator = torch.Generator().manual_seed(2)
    along_theta = torch.randn(theta.shape, dtype=torch.float64, generator=generator)
    along_start = torch.randn(start.shape, dtype=torch.float64, generator=generator)

    def loss(amount):
        moved = stretched(TaoOscillator())
        parts = along_theta.split([parameter.numel() for parameter in moved.parameters()])
        with torch.no_grad():
            for parameter, part in zip(moved.parameters(), parts, strict=True):
                parameter += amount * part
            states = unroll(
                INTEGRATORS[integrator](), field_of_owner(moved), y0 + amount * along_start, 0.1, len(weights) - 1
            )
        return float((weights * states.square()).sum())

    derivative = float((theta * along_theta).sum() + (start * along_start).sum())
    assert derivative == pytest.approx((loss(eps) - loss(-eps)) / (2 * eps), rel=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_a_field_derived_from_h_alone_has_the_gradient_of_one_in_closed_form(mode):
    y0, weights = starts_and_weights(2, 2)
    derived = Derived(TaoOscillator(), torch.Generator().manual_seed(0)).double()
    found = gradients_of(mode, FAVOURITE[mode], derived, y0, weights, 0.1)
    expected = gradients_of(mode, FAVOURITE[mode], stretched(TaoOscillator()), y0, weights, 0.1)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mode", [mode for mode in MODES if MODES[mode].exact])
def test_gradcheck(mode):
    model, y0 = stretched(TaoOscillator()), torch.tensor([[0.7, -1.1]], dtype=torch.float64, requires_grad=True)

    def rollout(y0, *_parameters):
        return MODES[mode]().rollout(model, INTEGRATORS[FAVOURITE[mode]](), y0, 0.1, 2)

    assert torch.autograd.gradcheck(rollout, (y0, *model.parameters()))


@pytest.mark.parametrize(("mode", "integrator"), FAVOURITE.items())
def test_observing_every_third_step_leaves_out_states_and_loss_terms_and_changes_nothing_else(mode, integrator):
    model = stretched(TaoOscillator())
    y0, weights = starts_and_weights(2, 6)
    observed = torch.zeros_like(weights)
    observed[::3] = weights[::3]
    expected_theta, expected_start = gradients_of(mode, integrator, model, y0, observed, 0.1)
    y0.requires_grad_()
    states = MODES[mode]().rollout(model, INTEGRATORS[integrator](), y0, 0.1, 6, 3)
    all_states = MODES[mode]().rollout(model, INTEGRATORS[integrator](), y0, 0.1, 6)
    torch.testing.assert_close(states, all_states[::3], rtol=0, atol=1e-14)
    if not MODES[mode].exact:
        return  # what lies between two observations may be solved by other steps on the way back
    *theta, start = torch.autograd.grad((weights[::3] * states.square()).sum(), [*model.parameters(), y0])
    torch.testing.assert_close(torch.cat([part.flatten() for part in theta]), expected_theta, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(start, expected_start, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_gradients_arrive_where_y0_needs_none_and_accumulate_over_backward_passes(mode):
    model = stretched(TaoOscillator())
    y0, weights = starts_and_weights(2, 3)
    expected, _ = gradients_of(mode, FAVOURITE[mode], model, y0, weights, 0.1)
    for _ in range(2):
        states = MODES[mode]().rollout(model, INTEGRATORS[FAVOURITE[mode]](), y0, 0.1, 3)
        (weights * states.square()).sum().backward()
    found = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    torch.testing.assert_close(found, 2 * expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("mode", MODES)
def test_frozen_parameters_get_no_gradient_and_disturb_no_other(mode):
    model = stretched(TaoOscillator())
    y0, weights = starts_and_weights(2, 3)
    expected, _ = gradients_of(mode, FAVOURITE[mode], model, y0, weights, 0.1)
    model.stretch.requires_grad_(False)
    states = MODES[mode]().rollout(model, INTEGRATORS[FAVOURITE[mode]](), y0, 0.1, 3)
    (weights * states.square()).sum().backward()
    assert model.stretch.grad is None
    torch.testing.assert_close(model.shift.grad, expected[2:], rtol=1e-12, atol=0)
