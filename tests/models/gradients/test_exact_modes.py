"""The modes that claim the gradient of the discrete rollout have it, for windows short and long, dense and sparse."""

import copy
from functools import cache

import pytest
import torch
from fitted_net import fitted, gradient, loss, observations, relative

from models.gradients.backprop import Backprop
from models.gradients.checkpoint import Checkpoint, ceil_sqrt
from models.gradients.discrete import Discrete
from models.gradients.reversible import Reversible
from models.gradients.symplectic_adjoint import SymplecticAdjoint
from systems import integrators
from systems.integrators import field_of_owner, unroll
from systems.integrators.base import Integrator
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.rk4 import RK4
from systems.integrators.start_guess import Observation
from systems.integrators.stormer_verlet import StormerVerlet
from systems.integrators.symplectic_euler import SymplecticEuler
from systems.integrators.yoshida4 import Yoshida4

pytestmark = pytest.mark.usefixtures("without_type_checks")

H, BATCH = 0.05, 3
SYSTEMS = ["double_well", "coupled_oscillator", "henon_heiles", "toda"]  # n = 1 separable and not, 2, 3
PAIRS = [
    (Checkpoint, ImplicitMidpoint),
    (Discrete, ImplicitMidpoint),
    (Reversible, ImplicitMidpoint),
    (SymplecticAdjoint, RK4),
]
WINDOWS = [(1, 1), (2, 2), (7, 1), (64, 16)]  # steps, every
each_pair = pytest.mark.parametrize(("mode", "integrator"), PAIRS, ids=lambda part: part.__name__)


@cache
def backprop(integrator, name, steps, every):
    return gradient(Backprop, integrator, fitted(name), observations(name, H, 64, 0.01, BATCH)[: steps + 1], H, every)


@each_pair
@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(("steps", "every"), WINDOWS)
def test_equals_backprop_of_the_converged_step(mode, integrator, name, steps, every):
    observed = observations(name, H, 64, 0.01, BATCH)[: steps + 1]
    ours = gradient(mode, integrator, fitted(name), observed, H, every)
    exact = backprop(integrator, name, steps, every)
    assert [relative(*parts) for parts in zip(ours, exact, strict=True)] == pytest.approx([0, 0], abs=1e-10)


@pytest.mark.parametrize("mode", [Discrete, Reversible])
def test_composed_steps_are_no_exception(mode):
    observed = observations("henon_heiles", H, 64, 0.01, BATCH)[:4]
    ours = gradient(mode, Yoshida4, fitted("henon_heiles"), observed, H)
    exact = backprop(Yoshida4, "henon_heiles", 3, 1)
    assert [relative(*parts) for parts in zip(ours, exact, strict=True)] == pytest.approx([0, 0], abs=1e-10)


@each_pair
@pytest.mark.parametrize("name", ["double_well", "henon_heiles"])
def test_is_a_directional_derivative_by_finite_differences(mode, integrator, name):
    model, eps = fitted(name), 1e-5
    observed = observations(name, H, 64, 0.01, BATCH)[:8]
    theta, start = gradient(mode, integrator, model, observed, H)
    generator = torch.Generator().manual_seed(3)
    along, along_start = (torch.randn(part.shape, dtype=part.dtype, generator=generator) for part in (theta, start))

    def moved_loss(amount):
        moved = copy.deepcopy(model)
        with torch.no_grad():
            for parameter, part in zip(
                moved.parameters(), along.split([p.numel() for p in moved.parameters()]), strict=True
            ):
                parameter += amount * part.view_as(parameter)
            y0 = observed[0] + amount * along_start.view_as(observed[0])
            return float(loss(unroll(integrator(), field_of_owner(moved), y0, H, 7), observed))

    assert float(theta @ along + start @ along_start) == pytest.approx(
        (moved_loss(eps) - moved_loss(-eps)) / (2 * eps), rel=1e-6, abs=1e-7
    )


def test_reversible_refuses_what_cannot_be_undone():
    model = type(fitted("double_well"))
    assert "symmetric" in (Reversible.inapplicable(model, SymplecticEuler) or "")
    assert "symmetric" in (Reversible.inapplicable(model, integrators.get("tao")) or "")
    assert Reversible.inapplicable(model, StormerVerlet) is None


def test_the_symplectic_adjoint_refuses_what_is_not_an_explicit_runge_kutta_method():
    model = type(fitted("double_well"))
    refused = [n for n in integrators.names() if SymplecticAdjoint.inapplicable(model, integrators.get(n))]
    assert set(integrators.names()) - set(refused) == {"explicit_midpoint", "rk4"}
    assert "explicit Runge-Kutta" in (SymplecticAdjoint.inapplicable(model, ImplicitMidpoint) or "")


def test_the_symplectic_adjoint_evaluates_a_stage_once_and_pulls_it_back_once():
    model, observed = fitted("double_well"), observations("double_well", H, 64, 0.01, BATCH)[:8]
    before = model.evaluations
    gradient(SymplecticAdjoint, RK4, model, observed, H)
    assert (model.evaluations - before) / BATCH == 7 * 4 * 3  # forward; stages again; one graph a stage


@pytest.mark.parametrize("steps", [1, 7, 64])
def test_checkpoint_evaluates_the_field_once_more_than_backprop(steps):
    model, observed = fitted("double_well"), observations("double_well", H, 64, 0.01, BATCH)[: steps + 1]
    before = model.evaluations
    gradient(Checkpoint, RK4, model, observed, H)
    assert (model.evaluations - before) / BATCH == 2 * 4 * steps


@pytest.mark.parametrize(("number", "root"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (64, 8), (65, 9)])
def test_ceil_sqrt(number, root):
    assert ceil_sqrt(number) == root


class Numbered(Integrator):
    """The explicit Euler method; notes the numbers of the steps that it takes."""

    def __init__(self):
        self.taken = []

    def step(self, field, y, h):
        return y + h * field(y)

    def stepping(self, field, h, first=0):
        step = first

        def advance(y):
            nonlocal step
            self.taken.append(step)
            step += 1
            return self.step(field, y, h)

        return advance


def test_the_steps_of_a_segment_keep_their_numbers():
    integrator = Numbered()
    y0 = torch.zeros(1, 2, dtype=torch.float64)
    Checkpoint().rollout(fitted("double_well"), integrator, y0, H, 7)
    assert integrator.taken == list(range(7))


def test_states_rebuilt_from_observations_start_from_the_observation_before():
    model, observed = fitted("double_well"), observations("double_well", H, 64, 0.0, BATCH)[:13:3]
    integrator = ImplicitMidpoint(start_guess=Observation()).observing(observed, 3)
    assert isinstance(integrator, ImplicitMidpoint)
    states = Reversible().rollout(model, integrator, observed[0], H, 12, 3)
    report, forward = integrator.solver.report, integrator.solver.report.iterations
    states.square().sum().backward()
    assert report.solves == 24
    assert report.iterations - forward <= 0.8 * forward  # they are its own states, and exact


@pytest.mark.parametrize("name", integrators.names())
def test_every_integrator_has_an_exact_mode_beside_backprop(name):
    model = type(fitted("double_well"))
    assert Discrete.inapplicable(model, integrators.get(name)) is None
    assert Checkpoint.inapplicable(model, integrators.get(name)) is None
