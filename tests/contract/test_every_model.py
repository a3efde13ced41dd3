"""What every model promises, on every system that it applies to."""

import pytest
import torch
from torch.autograd.functional import hessian, jacobian

import models
import systems
from models import gradients
from models.base import FlowModel, HamiltonianModel
from systems import integrators
from systems.base import apply_j
from systems.trajectories import Window

POINTS = torch.randn(2, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def build(name, system_name="henon_heiles", seed=0):
    system = systems.get(system_name)()
    reason = models.get(name).inapplicable(system)
    if reason:
        pytest.skip(reason)
    midpoint = integrators.get("implicit_midpoint")()
    return models.get(name)(system, torch.Generator().manual_seed(seed), midpoint)


@pytest.fixture(params=models.names())
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return build(name).double()


def declared(function, *arguments):
    """The value, or a skip if the model does not offer this."""
    try:
        return function(*arguments)
    except NotImplementedError as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("system_name", ["double_well", "henon_heiles", "spring_chain_10"])  # 2n = 2, 4, 20
@pytest.mark.parametrize("batch", [(), (3,), (2, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shapes_and_dtype_follow_the_state(name, system_name, batch, dtype):
    model = build(name, system_name).to(dtype)
    y = torch.full((*batch, model.dim), 0.2, dtype=dtype)
    for function, shape in (
        (model.hamiltonian, batch),
        (model.field, y.shape),
        (model.jacobian, (*y.shape, model.dim)),
    ):
        value = declared(function, y)
        assert (value.shape, value.dtype) == (shape, dtype)


def test_the_seed_alone_decides_the_parameters(name):
    one, same, other = (dict(build(name, seed=seed).named_parameters()) for seed in (1, 1, 2))
    torch.rand(7)  # what the global generator does is of no account
    torch.testing.assert_close(one, same, rtol=0, atol=0)
    if not models.get(name).fits:  # what a fit finds needs no draw to begin with
        assert all(not torch.equal(one[key], other[key]) for key in one)


def test_building_leaves_the_global_generator_alone(name):
    before = torch.random.get_rng_state()
    build(name)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_advance_is_the_first_step_of_a_rollout(model):
    y = 0.1 * POINTS[0]
    torch.testing.assert_close(model.advance(y, 0.05).detach(), model.rollout(y, 0.05, 1)[1], rtol=1e-12, atol=1e-14)


def test_field_is_j_grad_h(model):
    y = POINTS.clone().requires_grad_()
    energy = declared(model.hamiltonian, y)
    # 0 * y: a constant H does not depend on y
    (gradient,) = torch.autograd.grad((energy + 0 * y.sum(-1)).sum(), y)
    expected = torch.cat((gradient[..., 2:], -gradient[..., :2]), dim=-1)
    torch.testing.assert_close(declared(model.field, POINTS), expected, rtol=1e-12, atol=1e-14)


def test_gradient_and_hessian_are_those_of_h(model):
    if not isinstance(model, HamiltonianModel):
        pytest.skip("no Hamiltonian")
    y = POINTS[0, 0]
    torch.testing.assert_close(model.gradient(y), jacobian(model.hamiltonian, y), rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(model.hessian(y), hessian(model.hamiltonian, y), rtol=1e-12, atol=1e-14)


def test_jacobian_is_that_of_the_field_and_carries_no_graph(model):
    value = declared(model.jacobian, POINTS)
    assert not value.requires_grad
    for index in ((0, 0), (1, 4)):
        expected = jacobian(model.field, POINTS[index])
        torch.testing.assert_close(value[index], expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("frozen", [0, 1])
def test_pulled_parameter_gradient_is_that_of_autograd(model, frozen):
    """(df/dtheta)^T w in whatever closed form, with all parameters or without the first."""
    if len(list(model.parameters())) <= frozen:
        pytest.skip("nothing to learn")
    for parameter in list(model.parameters())[:frozen]:
        parameter.requires_grad_(False)
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    y, weights = POINTS.flatten(0, 1), torch.randn(10, 4, dtype=torch.float64, generator=torch.Generator())
    expected = torch.autograd.grad(declared(model.field, y), free, weights)
    torch.testing.assert_close(model.pull_parameters(y, weights), list(expected), rtol=1e-12, atol=1e-14)


def test_no_entry_of_a_parameter_is_a_mere_constant_in_h(model):
    """The field, which is all that a trajectory shows, depends on every entry: there is no output bias."""
    if not (model.trainable and model.has_field):
        pytest.skip("no field to learn")
    weights = torch.randn(POINTS.shape, dtype=POINTS.dtype, generator=torch.Generator().manual_seed(4))
    (model.field(POINTS) * weights).sum().backward()
    assert all(bool((parameter.grad != 0).all()) for parameter in model.parameters())


@pytest.mark.parametrize("mode", gradients.names())
def test_the_loss_reaches_every_parameter(model, mode):
    """Through every mode where the model integrates; once where its loss has no use for a mode."""
    if not model.trainable or model.fits:
        pytest.skip("not trained by a loss")
    reason = gradients.get(mode).inapplicable(type(model), type(model.stepper))
    if reason and (model.integrates or mode != "backprop"):
        pytest.skip(reason)
    truth = systems.get("henon_heiles")()
    observed = torch.stack([POINTS[0] + 0.1 * step * truth.field(POINTS[0]) for step in range(5)])
    window = Window(POINTS[0], observed, 0.1, derivatives=truth.field(observed), equations=truth)
    loss = model.loss(window, gradients.get(mode)())
    assert loss.shape == ()
    loss.backward()
    for parameter in model.parameters():
        assert bool((parameter.grad.isfinite() & (parameter.grad != 0)).all())


def test_rollout_starts_at_the_start_follows_the_field_and_carries_no_graph(model):
    states = declared(model.rollout, POINTS[0], 1e-5, 3)
    assert states.shape == (4, *POINTS[0].shape)
    assert not states.requires_grad
    torch.testing.assert_close(states[0], POINTS[0], rtol=0, atol=0)
    slope = (states[2] - states[0]) / 2e-5
    torch.testing.assert_close(slope, declared(model.field, states[1]).detach(), rtol=1e-4, atol=1e-5)


def test_a_flow_is_symplectic_if_and_only_if_it_says_so(model):
    if not isinstance(model, FlowModel):
        pytest.skip("no flow")
    m = jacobian(lambda y: model.flow(y[None], 0.5)[0], POINTS[0, 0])
    j = jacobian(apply_j, POINTS[0, 0])
    defect = float((m.T @ j @ m - j).norm())
    assert defect < 1e-13 if model.symplectic else defect > 1e-4


def test_evaluations_count_points(model):
    declared(model.field, POINTS)
    assert model.evaluations == 10
