"""What every system promises, whichever file it stands in."""

from pathlib import Path

import pytest
import torch
from torch.autograd.functional import jvp

import systems
from systems.base import System
from systems.trajectories import draw_starts

FACTS = Path(__file__).parents[1] / "systems"  # where they are tested
COSTLY = ("spring_chain_20",)  # spring_chain_10 is the same system at an eighth of the cost
NAMES = [pytest.param(name, marks=pytest.mark.slow) if name in COSTLY else name for name in systems.names()]


@pytest.fixture(params=NAMES)
def system(request):
    return systems.get(request.param)()


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


def test_card_states_formula_facts_and_source(system):
    card = system.card
    assert card.formula.startswith("H")
    assert card.facts
    assert all(isinstance(fact, str) and fact for fact in card.facts)
    assert card.source


def test_the_facts_of_the_card_have_a_test(system):
    """In the file that mirrors the system's own, or that of the family which it belongs to."""
    family = [kind.__module__.rpartition(".")[2] for kind in type(system).__mro__ if issubclass(kind, System)]
    assert any((FACTS / f"test_{module}.py").is_file() for module in family if module != "base"), family[0]


def test_invariants_are_conserved_by_the_field_and_are_not_constants(system, starts):
    for name, value in system.invariants(starts.requires_grad_()).items():
        (gradient,) = torch.autograd.grad(value.sum(), starts, retain_graph=True)
        assert (gradient * system.field(starts)).sum(-1).abs().max() < 1e-12, name
        assert gradient.norm(dim=-1).min() > 1e-3, name
