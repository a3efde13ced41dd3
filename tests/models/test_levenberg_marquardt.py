"""Levenberg-Marquardt: exact on linear problems, quadratic near zero residuals, downhill always."""

from itertools import pairwise

import pytest
import torch

from models.levenberg_marquardt import LevenbergMarquardt

DATA = torch.zeros(1)  # of problems that have none


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rosenbrock(damping=1e-2, start=(-1.2, 1.0)):
    theta = torch.tensor(start, dtype=torch.float64)

    def residuals(_):
        return torch.stack((10 * (theta[1] - theta[0] ** 2), 1 - theta[0]))

    def rows(_):
        return torch.tensor([[-20 * float(theta[0]), 10.0], [-1.0, 0.0]], dtype=torch.float64)

    return theta, LevenbergMarquardt([theta], residuals, rows, damping)


def linear(matrix, right, damping):
    """Data are rows of (matrix, right); the parameters are two tensors."""
    theta = [torch.ones(2, dtype=torch.float64), torch.ones(matrix.shape[1] - 2, dtype=torch.float64)]

    def residuals(part):
        return part[:, :-1] @ torch.cat(theta) - part[:, -1]

    return (
        theta,
        LevenbergMarquardt(theta, residuals, lambda part: part[:, :-1], damping),
        torch.hstack((matrix, right)),
    )


def test_one_step_solves_a_linear_problem_in_parts_as_in_one():
    matrix, right = normal(40, 5), normal(40, 1, seed=1)
    expected = torch.linalg.lstsq(matrix, right).solution[:, 0]
    for size in (40, 7):
        theta, method, data = linear(matrix, right, damping=1e-14)
        method.step(list(data.split(size)))
        torch.testing.assert_close(torch.cat(theta), expected, rtol=1e-10, atol=1e-12)


def test_the_damped_step_is_that_of_the_definition():
    matrix, right = normal(40, 5), normal(40, 1, seed=1)
    theta, method, data = linear(matrix, right, damping=0.3)
    gram = matrix.T @ matrix
    residual = matrix.sum(1) - right[:, 0]
    shift = 0.3 * gram.trace() / 5 * torch.eye(5).double()
    expected = 1 - torch.linalg.solve(gram + shift, matrix.T @ residual)
    method.step([data])
    torch.testing.assert_close(torch.cat(theta), expected, rtol=1e-12, atol=0)
    assert method.damping == 0.3 / 4, "a linear problem keeps what it promises"


def test_it_follows_the_valley_of_rosenbrock_downhill_to_its_end():
    theta, method = rosenbrock()
    values = [method.sum_of_squares([DATA])]
    for _ in range(60):
        method.step([DATA])
        values.append(method.sum_of_squares([DATA]))
    assert all(after <= before for before, after in pairwise(values))
    torch.testing.assert_close(theta, torch.ones(2, dtype=torch.float64), rtol=1e-12, atol=0)


def test_without_damping_it_converges_quadratically_where_no_residual_is_left():
    theta, method = rosenbrock(damping=1e-15, start=(1.05, 1.15))
    errors = [float((theta - 1).norm())]
    for _ in range(2):
        method.step([DATA])
        errors.append(float((theta - 1).norm()))
    assert errors[1] < 2 * errors[0] ** 2
    assert errors[2] < 2 * errors[1] ** 2 + 1e-14


def test_at_the_minimum_nothing_moves():
    theta, method = rosenbrock(start=(1.0, 1.0))
    method.step([DATA])
    assert theta.tolist() == [1.0, 1.0]


def test_a_step_that_leads_uphill_is_damped_until_it_does_not():
    _, method = rosenbrock(damping=1e-15)
    before = method.sum_of_squares([DATA])
    method.step([DATA])
    assert 0 < method.sum_of_squares([DATA]) < before
    assert method.damping > 1e-6


def test_directions_that_the_data_do_not_determine_are_no_harm():
    column = normal(40, 1)
    theta, method, data = linear(column.repeat(1, 3), normal(40, 1, seed=1), damping=1e-30)
    method.step([data])
    expected = torch.linalg.lstsq(column, data[:, -1:]).solution
    assert float(torch.cat(theta).sum()) == pytest.approx(float(expected), rel=1e-3)


def test_residuals_that_are_not_finite_are_told():
    _, method = rosenbrock(start=(float("nan"), 1.0))
    with pytest.raises(ArithmeticError, match="the sum of squares of the residuals is nan"):
        method.step([DATA])
