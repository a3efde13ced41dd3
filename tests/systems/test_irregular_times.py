"""Samples at irregular times: the reference, windows and slopes at them."""

import pytest
import torch

import systems
from systems import integrators
from systems.harmonic_oscillator import HarmonicOscillator
from systems.integrators import field_of_owner, unroll, unroll_at
from systems.trajectories import (
    Window,
    integrate,
    jittered_times,
    points_and_slopes,
    reference_trajectories,
)

OSCILLATOR = HarmonicOscillator()
TIMES = jittered_times(5, 0.1, 20, 0.9, torch.Generator().manual_seed(0))
STARTS = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_times_are_in_order_between_fixed_ends_and_fill_their_share_of_the_step():
    many = jittered_times(2000, 0.1, 20, 0.9, torch.Generator().manual_seed(2))
    regular = 0.1 * torch.arange(21, dtype=torch.float64)
    away = (many - regular)[:, 1:-1]
    assert (many.diff(dim=1) > 0).all()
    assert torch.equal(many[:, [0, -1]], regular[[0, -1]].expand(2000, 2))
    assert 0.0449 < float(away.max()) <= 0.045
    assert -0.045 <= float(away.min()) < -0.0449
    assert float(away.var()) == pytest.approx(0.09**2 / 12, rel=0.05)
    assert abs(float((away[:, 1:] * away[:, :-1]).mean())) < 4 * 0.09**2 / 12 / away.numel() ** 0.5


def test_without_jitter_times_are_regular():
    regular = jittered_times(3, 0.1, 20, 0.0, torch.Generator())
    assert torch.equal(regular, (0.1 * torch.arange(21, dtype=torch.float64)).expand(3, 21))


def test_the_reference_is_the_solution_at_the_times_of_each_trajectory():
    states, error = reference_trajectories(OSCILLATOR, STARTS, 0.1, 20, times=TIMES)
    exact = torch.stack([OSCILLATOR.exact(*pair) for pair in zip(STARTS, TIMES, strict=True)])
    torch.testing.assert_close(states, exact, rtol=0, atol=1e-11)
    assert error < 1e-10


def test_at_regular_times_it_is_the_regular_reference():
    times = 0.1 * torch.arange(21, dtype=torch.float64).expand(5, 21)
    at = integrate(OSCILLATOR, STARTS, 0.1, 20, times=times)
    torch.testing.assert_close(at, integrate(OSCILLATOR, STARTS, 0.1, 20), rtol=0, atol=1e-14)


@pytest.mark.parametrize("method", integrators.names())
@pytest.mark.parametrize("name", ["harmonic_oscillator", "coupled_oscillator"])
def test_every_integrator_takes_a_step_of_its_own_for_every_sample(method, name):
    system, integrator = systems.get(name)(), integrators.get(method)()
    field = field_of_owner(system)
    together = unroll_at(integrator, field, STARTS, TIMES.T[:3])
    for b in range(5):
        y = STARTS[b : b + 1]
        for h in TIMES[b, :3].diff().tolist():
            y = unroll(integrator, field, y, h, 1)[-1]
        torch.testing.assert_close(together[-1, b], y[0], rtol=0, atol=1e-13)


def test_slopes_at_irregular_times_are_exact_for_parabolas():
    times = TIMES.T[:7]
    parabola = torch.stack((1 + 2 * times - 3 * times**2, times**2), -1)
    points, slopes = points_and_slopes(Window(parabola[0], parabola, 0.1, times=times))
    expected = torch.stack((2 - 6 * times, 2 * times), -1)
    torch.testing.assert_close(points, parabola[1:-1], rtol=0, atol=0)
    torch.testing.assert_close(slopes, expected[1:-1], rtol=0, atol=1e-12)


def test_of_two_samples_the_slope_is_that_between_them():
    times = TIMES.T[:2]
    line = torch.stack((5 * times, -times), -1)
    _, slopes = points_and_slopes(Window(line[0], line, 0.1, times=times))
    torch.testing.assert_close(slopes[0], torch.tensor([5.0, -1.0]).double().expand(5, 2), rtol=0, atol=1e-12)


def test_the_duration_of_a_window_is_that_of_its_longest_trajectory():
    times, observed = TIMES.T[:4], torch.zeros(4, 5, 2, dtype=torch.float64)
    assert Window(observed[0], observed, 0.1, times=times).duration == float(TIMES[:, 3].max())
    assert Window(observed[0], observed, 0.1).duration == pytest.approx(0.3)
