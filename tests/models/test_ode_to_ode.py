"""ODE-to-ODE: the weights stay orthogonal, and the flow is the identity at time 0."""

import torch
from torch.linalg import matrix_exp

from models.ode_to_ode import ODEtoODE, cayley
from systems.henon_heiles import HenonHeiles

Y = torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def build(**arguments):
    return ODEtoODE(HenonHeiles(), torch.Generator().manual_seed(0), **arguments).double()


def test_the_weights_stay_orthogonal_and_move():
    model = build(substeps=20)
    weights = model.weights(0.3)
    one = torch.eye(model.width, dtype=torch.float64)
    for w in weights:
        torch.testing.assert_close(w @ w.T, one, rtol=0, atol=1e-13)
    assert (weights[-1] - weights[0]).abs().max() > 0.1


def test_the_weights_follow_their_equation():
    """W(t + step) = W(t) exp(step Omega) up to the cube of the step."""
    model, errors = build(), []
    for step in (0.1, 0.05):
        first, second, _ = model.weights(step)
        omega = model.skew(model.turning(torch.tensor([step / 2], dtype=torch.float64)))
        errors.append(float((second - first @ matrix_exp(step * omega)).norm().detach()))
    assert 6 < errors[0] / errors[1] < 10


def test_cayley_of_nothing_is_the_identity():
    torch.testing.assert_close(cayley(torch.zeros(3, 3)), torch.eye(3))


def test_the_flow_is_the_identity_at_time_zero_and_converges_with_its_substeps():
    torch.testing.assert_close(build().flow(Y, 0.0), Y, rtol=0, atol=0)
    ends = [build(substeps=count).flow(Y, 0.5) for count in (20, 40, 80)]
    ratio = (ends[0] - ends[1]).norm() / (ends[1] - ends[2]).norm()
    assert 1.8 < float(ratio.detach()) < 2.2


def test_no_lifted_coordinate_falls_but_those_read_out_may():
    model = build()
    moved = model.flow(Y, 0.5) - Y
    assert bool((moved > 0).any() and (moved < 0).any())
    with torch.no_grad():
        model.read_out.copy_(torch.eye(4, model.width))  # reads out four of the lifted coordinates
    assert bool((model.flow(Y, 0.5) > Y).all())
