"""SympFlow: symplectic, the identity at t = 0, and the exact flow of the Hamiltonian that is read off it."""

import pytest
import torch
from torch.autograd.functional import jacobian

import systems
from models.base import FlowModel
from models.gradients.backprop import Backprop
from models.sympflow import SympFlow
from systems.base import apply_j, field_of
from systems.trajectories import Window, draw_starts, integrate

SYSTEMS = ["harmonic_oscillator", "henon_heiles"]


def flow_of(system_name: str, *, preset: str = "paper", seed: int = 0) -> SympFlow:
    """With parameters half as large again as at the start of training: no layer is nearly linear."""
    stream = torch.Generator().manual_seed(seed)
    model = SympFlow(systems.get(system_name)(), stream, **SympFlow.presets[preset]).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    return model


def states(dim: int, count: int = 6) -> torch.Tensor:
    return torch.randn(count, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=SYSTEMS)
def model(request) -> SympFlow:
    return flow_of(request.param)


@pytest.mark.parametrize("t", [0.3, 1.0, -0.7, 5.0])
def test_it_is_symplectic_at_every_time(model: SympFlow, t: float):
    y = states(model.dim, 1)[0]
    m = jacobian(lambda y: model.flow(y[None], t)[0], y)
    j = apply_j(torch.eye(model.dim, dtype=torch.float64)).T
    assert float((m - torch.eye(model.dim)).norm()) > 0.1, "not the identity"
    torch.testing.assert_close(m.T @ j @ m, j, rtol=0, atol=1e-13)


def test_it_is_the_identity_at_time_zero(model: SympFlow):
    y = states(model.dim)
    torch.testing.assert_close(model.at(torch.zeros(len(y), dtype=y.dtype), y), y, rtol=0, atol=0)


@pytest.mark.parametrize("t", [0.0, 0.4, 2.0])
def test_it_is_the_flow_of_the_hamiltonian_that_is_read_off(model: SympFlow, t: float):
    """d/dt N(t, x) by finite differences is J grad_z H(z, t) at z = N(t, x)."""
    y, step = states(model.dim), 1e-5
    times = torch.full((len(y),), t, dtype=y.dtype)
    slope = (model.at(times + step, y) - model.at(times - step, y)) / (2 * step)
    expected = field_of(lambda z: model.generator_at(times, z), model.at(times, y).detach())
    assert float(slope.detach().norm()) > 0.1
    torch.testing.assert_close(slope, expected, rtol=1e-8, atol=1e-8)


def test_the_velocity_in_closed_form_is_that_of_automatic_differentiation(model: SympFlow):
    y = states(model.dim)
    t = torch.linspace(-1, 1, len(y), dtype=y.dtype)
    reached, velocity = model.velocity(t, y)
    torch.testing.assert_close(reached, model.at(t, y), rtol=1e-14, atol=1e-14)
    expected = jacobian(lambda t: model.at(t, y).sum(0), t).T  # every state has its own time
    torch.testing.assert_close(velocity.detach(), expected, rtol=1e-12, atol=1e-14)


def test_the_hamiltonian_that_is_judged_is_the_mean_over_the_span(model: SympFlow):
    y = states(model.dim)
    model.span.fill_(0.5)
    fine = (torch.arange(2000, dtype=y.dtype) + 0.5) / 2000 * 0.5
    expected = model.generator_at(fine[:, None].expand(2000, len(y)), y.expand(2000, *y.shape)).mean(0)
    torch.testing.assert_close(model.hamiltonian(y), expected, rtol=1e-4, atol=1e-4)


def test_beyond_the_span_it_is_composed(model: SympFlow):
    y = states(model.dim)
    model.span.fill_(0.4)
    one, rest = (lambda y, h=h: model.at(torch.full((len(y),), h, dtype=y.dtype), y) for h in (0.4, 0.3))
    torch.testing.assert_close(model.flow(y, 1.1), rest(one(one(y))), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(model.flow(y, 0.8), one(one(y)), rtol=1e-6, atol=1e-6)
    path = model.rollout(y, 0.1, 11)
    assert path.shape == (12, *y.shape)
    torch.testing.assert_close(path[4], one(y), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(path[11], rest(one(one(y))), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(model.rollout(y, 1.1, 2)[1], rest(one(one(y))), rtol=1e-6, atol=1e-6)


def test_an_untrained_flow_is_composed_from_step_to_step(model: SympFlow):
    y = states(model.dim)
    expected = FlowModel.compose(model, y, 0.1, 3)
    torch.testing.assert_close(model.rollout(y, 0.1, 3), expected, rtol=0, atol=0)


def window_of(system_name: str, *, shared: bool = True) -> Window:
    system = systems.get(system_name)()
    starts = draw_starts(system, system.box, 64, torch.Generator().manual_seed(3), accepted_only=True)
    observed = integrate(system, starts, 0.1, 10).transpose(0, 1)
    return Window(observed[0], observed, 0.1, equations=system if shared else None)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["unsupervised", "hamiltonian_matching", "mixed"])
@pytest.mark.parametrize("system_name", SYSTEMS)
def test_it_learns_from_the_equations_alone(system_name: str, preset: str):
    """The observations are not looked at: only the starts are. The error of the flow falls to a tenth."""
    window, model = window_of(system_name), flow_of(system_name, preset=preset)
    blind = Window(window.start, torch.full_like(window.observed, torch.nan), 0.1, equations=window.equations)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    errors = []
    for _ in range(150):
        errors.append(float((model.rollout(window.start, 0.1, 10) - window.observed).norm()))
        optimizer.zero_grad()
        model.loss(blind, Backprop()).backward()
        optimizer.step()
    assert errors[-1] < 0.1 * errors[0]
    assert float(model.span) == pytest.approx(1.0)


def test_matching_makes_the_hamiltonian_right_and_stops_after_so_many_losses():
    window, system = window_of("henon_heiles"), systems.get("henon_heiles")()
    plain, matched, both = (flow_of("henon_heiles", preset=name) for name in ("unsupervised", "mixed", "mixed"))
    both.matching = 1
    first = both.loss(window, Backprop())
    torch.testing.assert_close(first, matched.loss(window, Backprop()))
    torch.testing.assert_close(both.loss(window, Backprop()), plain.loss(window, Backprop()))
    times = (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    difference = plain.generator_at(times, window.start) - system.hamiltonian(window.start)
    torch.testing.assert_close(first - plain.loss(window, Backprop()), difference.var(correction=0))


def test_without_equations_it_says_so():
    model = flow_of("harmonic_oscillator", preset="unsupervised")
    with pytest.raises(ValueError, match="needs equations"):
        model.loss(window_of("harmonic_oscillator", shared=False), Backprop())
    assert SympFlow.needs("unsupervised") == {"equations"}
    assert SympFlow.needs("paper") == frozenset()


def test_the_matched_preset_has_about_1100_parameters():
    for preset in set(SympFlow.presets) - {"paper"}:
        count = sum(parameter.numel() for parameter in flow_of("harmonic_oscillator", preset=preset).parameters())
        assert 1000 < count < 1200
