import torch

from systems.base import apply_j, field_of
from systems.coupled_oscillator import CoupledOscillator
from systems.double_well import DoubleWell
from systems.integrators import Separable, field_of_owner

Y = torch.tensor([[0.7, -1.1], [0.2, 3.0]], dtype=torch.float64)


def test_j_takes_the_gradient_to_q_dot_and_p_dot():
    assert apply_j(torch.tensor([1.0, 2.0, 3.0, 4.0])).tolist() == [3, 4, -1, -2]


def test_derived_field_is_differentiable_in_y():
    y = Y.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(field_of(DoubleWell().hamiltonian, y)[:, 1].sum(), y)
    torch.testing.assert_close(gradient, torch.stack((1 - 3 * Y[:, 0] ** 2, 0 * Y[:, 0]), -1), rtol=0, atol=1e-13)


def test_derived_field_has_no_graph_where_none_is_wanted():
    states = 2 * Y.clone().requires_grad_()
    with torch.no_grad():
        for y in (Y, states, states[:1]):
            field = field_of(DoubleWell().hamiltonian, y)
            assert not field.requires_grad
            torch.testing.assert_close(field, DoubleWell().field(y), rtol=0, atol=1e-13)


def test_only_the_field_of_a_separable_owner_is_marked_so():
    assert isinstance(field_of_owner(DoubleWell()), Separable)
    assert not isinstance(field_of_owner(CoupledOscillator()), Separable)
