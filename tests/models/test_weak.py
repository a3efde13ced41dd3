"""The weak form: exact for smooth trajectories, and fair to white noise."""

from math import comb

import pytest
import torch

from models.weak import noise_variance, weak_form
from systems import integrators
from systems.double_well import DoubleWell
from systems.trajectories import integrate

LENGTHS = [2, 3, 6, 16, 32, 100]


def times(steps, h):
    return h * torch.arange(steps + 1, dtype=torch.float64)


@pytest.mark.parametrize("steps", LENGTHS)
@pytest.mark.parametrize("h", [0.01, 0.3])
def test_both_sides_agree_for_polynomials_in_time(steps, h):
    """y = t^m and y' = m t^(m-1), up to the degree that the quadrature leaves for y."""
    form, t = weak_form(steps, h), times(steps, h) / (steps * h)
    highest = min(steps, int(2 * steps**0.5) + 2) - len(form.left)
    for m in range(highest + 1):
        y, slope = t**m, m * t ** max(m - 1, 0) / (steps * h)
        torch.testing.assert_close(form.left @ y, form.right @ slope, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("steps", "error"), [(6, 3e-7), (32, 3e-7), (100, 1e-12)])
def test_both_sides_agree_along_a_true_trajectory(steps, error):
    system, h = DoubleWell(), 1 / 32 if steps < 100 else 0.01
    start = torch.tensor([[1.7, 0.4], [-0.3, 1.9]], dtype=torch.float64)
    y = integrate(system, start, h, steps)
    form = weak_form(steps, h)
    right = form.right @ system.field(y)
    assert float((form.left @ y - right).abs().max()) < error * float(right.abs().max())


def test_the_error_falls_with_the_step_at_a_fixed_number_of_steps():
    """Degree 4 of y is exact at N = 6 and the fifth is odd: the relative error is O(h^5) or better."""
    errors = []
    for h in (0.1, 0.05):
        t = times(6, h)
        form = weak_form(6, h)
        right = form.right @ t.cos()
        errors.append(float(((form.left @ t.sin() - right) / right).abs().max()))
    assert errors[1] < errors[0] / 2**4.8


@pytest.mark.parametrize("steps", [6, 32, 100])
def test_white_noise_enters_all_equations_alike(steps):
    left = weak_form(steps, 0.01).left
    covariance = left @ left.T
    torch.testing.assert_close(covariance.diagonal(), torch.ones(len(left), dtype=torch.float64))
    assert float((covariance - covariance.diagonal().diag()).abs().max()) < 0.2


@pytest.mark.parametrize("steps", [16, 32, 100, 400])
def test_no_weight_is_negative_or_far_above_the_mean(steps):
    weights = weak_form(steps, 1.0).left[0] / torch.linspace(1, -1, steps + 1, dtype=torch.float64)
    weights = weights[weights.isfinite()]  # 0 / 0 where P_1 vanishes
    assert 0.2 < float(weights.min() / weights.mean()) < float(weights.max() / weights.mean()) < 1.7


def test_the_first_row_is_the_slope_of_the_line_through_noise():
    """It differs from least squares by the end corrections alone."""
    row = weak_form(100, 1.0).left[0]
    line = torch.linspace(1, -1, 101, dtype=torch.float64)
    assert float((row @ line) / row.norm() / line.norm()) == pytest.approx(1, abs=0.02)


def test_one_step_has_no_weak_form():
    with pytest.raises(ValueError, match="2 steps at least, not 1"):
        weak_form(1, 0.1)


@pytest.mark.parametrize("sigma", [0.0, 1e-3, 0.1])
def test_the_variance_of_the_noise_is_found_on_moving_trajectories(sigma):
    stream = torch.Generator().manual_seed(0)
    y = integrate(DoubleWell(), torch.rand(500, 2, dtype=torch.float64, generator=stream), 0.02, 40)
    noise = torch.randn(y.shape, dtype=torch.float64, generator=stream) * torch.tensor([1.0, 2.0])
    found = noise_variance(y + sigma * noise)
    expected = sigma**2 * torch.tensor([1.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=1e-17)


def test_differences_are_normalised_by_binomials():
    impulse = torch.zeros(1, 101, 1, dtype=torch.float64)
    impulse[0, 50] = 1.0
    by_hand = min(comb(2 * k, k) / comb(2 * k, k) / (101 - k) for k in range(1, 9))
    assert float(noise_variance(impulse)) == pytest.approx(by_hand)


def test_every_reference_integrator_satisfies_it_to_its_order():
    """The residual on a trajectory of an integrator is that integrator's error: order 2 for implicit midpoint."""
    system, start = DoubleWell(), torch.tensor([[0.5, 1.0]], dtype=torch.float64)
    residuals = []
    for h in (0.04, 0.02):
        steps = round(1.28 / h)
        y, step = [start], integrators.get("implicit_midpoint")().step
        for _ in range(steps):
            y.append(step(system.field, y[-1], h))
        states = torch.stack(y, 1)
        form = weak_form(steps, h)
        residual = form.left[:2] @ states - form.right[:2] @ system.field(states)
        residuals.append(float(residual.abs().max()) / steps**0.5)  # the rows are normalised over more samples
    assert residuals[0] / residuals[1] == pytest.approx(4, rel=0.15)
