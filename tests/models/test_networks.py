from math import sqrt

import pytest
import torch
from torch.autograd.functional import hessian, jacobian

from models.networks import LinearisedMLP, ScalarMLP

SIZES = [(2, 1), (2, 3), (2, 16, 32, 16), (4, 16, 32, 16), (6, 5, 4)]


def net(sizes, dtype=torch.float64):
    return ScalarMLP(sizes, torch.Generator().manual_seed(0)).to(dtype)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_gradient_and_hessian_in_closed_form_are_those_of_autograd(sizes, batch):
    mlp = net(sizes)
    y = torch.randn(*batch, sizes[0], dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    gradient, second = mlp.gradient(y).reshape(-1, sizes[0]), mlp.hessian(y).reshape(-1, sizes[0], sizes[0])
    for row, point in enumerate(y.reshape(-1, sizes[0])):
        torch.testing.assert_close(gradient[row], jacobian(mlp, point), rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(second[row], hessian(mlp, point), rtol=1e-12, atol=1e-15)
    assert mlp(y).shape == batch


def test_gradient_is_itself_differentiable_in_weights_and_y():
    mlp, y = net((2, 4, 3)), torch.tensor([[0.3, -0.8], [1.0, 0.2]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y, *_: mlp.gradient(y), (y, *mlp.parameters()))


@pytest.mark.parametrize("sizes", SIZES)
def test_derivatives_of_weighted_sums_of_gradients_are_those_of_autograd(sizes):
    """For every piece, every row of weights over its times, every coordinate and every entry of theta."""
    mlp, (pieces, functions, times) = net(sizes), (3, 2, 4)
    stream = torch.Generator().manual_seed(1)
    y = torch.randn(pieces, times, sizes[0], dtype=torch.float64, generator=stream)
    sums = torch.randn(functions, times, dtype=torch.float64, generator=stream)
    found = LinearisedMLP(mlp, y.flatten(0, 1)).pull_sums(sums)
    entries = (sums @ mlp.gradient(y)).flatten()
    rows = [torch.autograd.grad(entry, list(mlp.parameters()), retain_graph=True) for entry in entries]
    expected = torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])
    assert found.shape == (pieces, functions, sizes[0], expected.shape[1])
    torch.testing.assert_close(found.flatten(0, 2), expected, rtol=1e-10, atol=1e-13)


def test_it_is_the_mlp_that_torch_would_build_without_output_bias():
    mlp, y = net((2, 16, 32, 16)), torch.randn(7, 2, dtype=torch.float64)
    layers = [torch.nn.Linear(2, 16), torch.nn.Linear(16, 32), torch.nn.Linear(32, 16)]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, mlp.weights, mlp.biases, strict=True):
            layer.double()
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
            y_next = torch.tanh(layer(y if layer is layers[0] else y_next))
        torch.testing.assert_close(mlp(y), y_next @ mlp.readout, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("dim", "count"), [(2, 48 + 544 + 528 + 16), (4, 80 + 544 + 528 + 16)])
def test_number_of_parameters_of_the_papers_net(dim, count):
    assert sum(parameter.numel() for parameter in net((dim, 16, 32, 16)).parameters()) == count


def test_initial_weights_are_uniform_within_one_over_root_fan_in():
    mlp = net((2, 400, 300))
    for parameter, fan_in in zip([*mlp.weights, *mlp.biases, mlp.readout], [2, 400, 2, 400, 300], strict=True):
        bound = 1 / sqrt(fan_in)
        assert 0.95 * bound < parameter.abs().max() <= bound
        assert float(parameter.detach().std()) == pytest.approx(bound / sqrt(3), rel=0.1)
