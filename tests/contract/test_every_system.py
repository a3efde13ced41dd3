"""What every system promises, whichever file it stands in."""

from functools import cache

import pytest
import torch
from dop853 import follow
from torch.autograd.functional import jvp

import systems
from systems.trajectories import draw_starts, reference_trajectories

DT, STEPS = 0.01, 100  # to the horizon of the protocol `paper`
TIMES = DT * torch.arange(STEPS + 1, dtype=torch.float64)


COSTLY = ("spring_chain_20",)  # spring_chain_10 is the same system at an eighth of the cost
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in COSTLY else name for name in systems.names()]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def system(name):
    return systems.get(name)()


@pytest.fixture
def starts(system):
    return draw_starts(system, system.box, 32, torch.Generator().manual_seed(0), accepted_only=True)


def derivatives(system, y):
    """grad H and Hess H by automatic differentiation."""
    y = y.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(system.hamiltonian(y).sum(), y, create_graph=True)
    rows = [torch.autograd.grad(g.sum(), y, retain_graph=True)[0] for g in (gradient + 0 * y).unbind(-1)]
    return gradient.detach(), torch.stack(rows, dim=-2)


def test_field_is_j_grad_h(system, starts):
    gradient, _ = derivatives(system, starts)
    q_dot, p_dot = system.field(starts).chunk(2, dim=-1)
    torch.testing.assert_close(q_dot, gradient[:, system.dof :], rtol=0, atol=1e-12)
    torch.testing.assert_close(p_dot, -gradient[:, : system.dof], rtol=0, atol=1e-12)


def test_separable_means_no_mixed_second_derivative(system, starts):
    _, hessian = derivatives(system, starts)
    mixed = hessian[:, : system.dof, system.dof :].abs().max()
    assert (mixed < 1e-12) == system.separable


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
def test_shapes_and_dtype_follow_the_state(system, batch, dtype):
    y, t = torch.full((*batch, system.dim), 0.1, dtype=dtype), torch.linspace(0, 1, 4, dtype=dtype)
    energy, field, accepted, exact = system.hamiltonian(y), system.field(y), system.accepts(y), system.exact(y, t)
    assert (energy.shape, energy.dtype) == (batch, dtype)
    assert (field.shape, field.dtype) == (y.shape, dtype)
    assert (accepted.shape, accepted.dtype) == (batch, torch.bool)
    assert exact is None or (exact.shape, exact.dtype) == ((4, *y.shape), dtype)


def test_box_has_an_interval_a_coordinate(system):
    assert len(system.box) == system.dim == 2 * system.dof
    assert all(low < high for low, high in system.box)


def test_the_box_is_accepted_or_the_card_says_how_much_of_it(system):
    drawn = draw_starts(system, system.box, 4096, torch.Generator().manual_seed(1), accepted_only=False)
    assert system.accepts(drawn).all() or any("box" in fact for fact in system.card.facts)


def test_exact_solution_satisfies_the_equation(system, starts):
    t = torch.linspace(-2, 5, 9, dtype=torch.float64)
    if system.exact(starts, t) is None:
        pytest.skip("no closed form")
    states, derivative = jvp(lambda t: system.exact(starts, t), t, torch.ones_like(t))
    torch.testing.assert_close(derivative, system.field(states), rtol=0, atol=1e-12)
    torch.testing.assert_close(system.exact(starts, t[:1] * 0)[0], starts, rtol=0, atol=0)


@cache
def reference(name):
    """The reference from accepted starts, times first."""
    system = systems.get(name)()
    starts = draw_starts(system, system.box, 8, torch.Generator().manual_seed(0), accepted_only=True)
    return reference_trajectories(system, starts, DT, STEPS)[0].transpose(0, 1)


def test_the_reference_agrees_with_dop853(name, system):
    ours = reference(name)
    torch.testing.assert_close(ours, follow(system, ours[0], TIMES), rtol=0, atol=1e-9)


def test_the_reference_agrees_with_the_exact_solution(name, system):
    ours = reference(name)
    exact = system.exact(ours[0], TIMES)
    if exact is None:
        pytest.skip("no closed form")
    torch.testing.assert_close(ours, exact, rtol=0, atol=1e-10)


def test_energy_and_invariants_are_constant_along_the_reference(name, system):
    ours = reference(name)
    for value in (system.hamiltonian(ours), *system.invariants(ours).values()):
        assert ((value - value[0]).abs() <= 1e-12 * (1 + value.abs())).all()


def test_card_states_formula_facts_and_source(system):
    card = system.card
    assert card.formula.startswith("H")
    assert card.facts
    assert all(isinstance(fact, str) and fact for fact in card.facts)
    assert card.source


def test_invariants_are_conserved_by_the_field_and_are_not_constants(system, starts):
    for name, value in system.invariants(starts.requires_grad_()).items():
        (gradient,) = torch.autograd.grad(value.sum(), starts, retain_graph=True)
        assert (gradient * system.field(starts)).sum(-1).abs().max() < 1e-12, name
        assert gradient.norm(dim=-1).min() > 1e-3, name
