"""Solvers of direct fits, against those of torch and against what is known exactly."""

import pytest
import torch

from models.least_squares import Singular, solve_by_evidence, solve_by_rows, solve_normal

STREAM = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=STREAM)


def test_normal_equations_of_badly_scaled_columns():
    rows = torch.tensor([[1.0, 0.0], [0.0, 1e-6]], dtype=torch.float64)
    right = torch.tensor([3.0, 5.0], dtype=torch.float64)
    solution = solve_normal(rows.T @ rows, rows.T @ right)
    torch.testing.assert_close(solution, torch.tensor([3.0, 5e6], dtype=torch.float64))


@pytest.mark.parametrize("seed", range(6))
def test_columns_that_depend_on_each_other_are_told_whatever_rounding_leaves_of_them(seed):
    stream = torch.Generator().manual_seed(seed)
    rows = torch.randn(40, 2, dtype=torch.float64, generator=stream)
    rows = rows @ torch.randn(2, 3, dtype=torch.float64, generator=stream)
    with pytest.raises(Singular, match=r"the 3 coefficients: .* rank 2 and condition number (\d\.\de\+\d\d|inf)"):
        solve_normal(rows.T @ rows, rows.T @ rows[:, 0])


def test_a_condition_number_of_a_million_is_no_harm():
    u, v = torch.linalg.qr(normal(40, 3)).Q, torch.linalg.qr(normal(3, 3)).Q
    rows = u @ torch.diag(torch.tensor([1.0, 1.0, 1e-6], dtype=torch.float64)) @ v
    solution = normal(3)
    torch.testing.assert_close(solve_normal(rows.T @ rows, rows.T @ rows @ solution), solution, rtol=0, atol=1e-2)


@pytest.mark.parametrize("size", [7, 20, 100])
def test_rows_in_blocks_give_the_solution_of_all_rows_at_once(size):
    rows, right = normal(100, 8), normal(100)
    blocks = zip(rows.split(size), right.split(size), strict=True)
    expected = torch.linalg.lstsq(rows, right).solution
    torch.testing.assert_close(solve_by_rows(blocks, 1e-13), expected, rtol=1e-10, atol=1e-12)


def test_of_many_solutions_the_shortest_is_taken():
    rows, right = normal(100, 3) @ normal(3, 8), normal(100)
    expected = torch.linalg.lstsq(rows, right, rcond=1e-10, driver="gelsd").solution
    torch.testing.assert_close(solve_by_rows([(rows, right)], 1e-10), expected, rtol=1e-8, atol=1e-10)


def test_fewer_rows_than_columns_are_no_harm():
    rows, right = normal(5, 8), normal(5)
    solution = solve_by_rows([(rows[:3], right[:3]), (rows[3:], right[3:])], 1e-13)
    torch.testing.assert_close(rows @ solution, right, rtol=1e-10, atol=1e-12)


def test_the_condition_number_is_not_squared():
    """Condition 1e9: by normal equations nothing of the small direction would be left."""
    u, v = torch.linalg.qr(normal(50, 2)).Q, torch.linalg.qr(normal(2, 2)).Q
    rows = u @ torch.diag(torch.tensor([1.0, 1e-9], dtype=torch.float64)) @ v.T
    solution = v @ torch.tensor([1.0, 1.0], dtype=torch.float64)
    found = solve_by_rows([(rows[:25], (rows @ solution)[:25]), (rows[25:], (rows @ solution)[25:])], 1e-13)
    torch.testing.assert_close(found, solution, rtol=0, atol=1e-5)


def by_evidence(rows, right):
    return solve_by_evidence(rows.T @ rows, rows.T @ right, right.square().sum(), len(right))


def test_without_noise_the_ridge_vanishes():
    rows, solution = normal(200, 10), normal(10)
    torch.testing.assert_close(by_evidence(rows, rows @ solution), solution, rtol=0, atol=1e-8)


@pytest.mark.parametrize("sigma", [0.01, 0.3])
def test_the_ridge_of_the_evidence_is_nearly_the_best_one(sigma):
    """On features whose singular values fall by a factor 10^8: the error is within 1.5 of that of the best ridge."""
    u, v = torch.linalg.qr(normal(400, 40)).Q, torch.linalg.qr(normal(40, 40)).Q
    rows = u * torch.logspace(2, -6, 40, dtype=torch.float64) @ v.T
    ratios = []
    for _ in range(10):
        solution = normal(40)
        right = rows @ solution + sigma * normal(400)
        lengths = rows.norm(dim=0)
        scaled = rows / lengths

        def error(found, solution=solution):
            return float((rows @ (found - solution)).norm())

        gram, eye = scaled.T @ scaled, torch.eye(40, dtype=torch.float64)
        ridges = [
            torch.linalg.solve(gram + ridge * eye, scaled.T @ right) / lengths
            for ridge in torch.logspace(-13, 1, 57, dtype=torch.float64)
        ]
        ratios.append(error(by_evidence(rows, right)) / min(error(found) for found in ridges))
    assert sum(ratios) / len(ratios) < 1.5
