import pytest
import torch

import systems
from systems import trajectories
from systems.henon_heiles import HenonHeiles
from systems.integrators import NotSolved
from systems.tao_oscillator import TaoOscillator
from systems.trajectories import (
    ReferenceError,
    add_noise,
    cut_windows,
    draw_starts,
    integrate,
    reference_trajectories,
    refinement_error,
)

HH = HenonHeiles()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_step_that_is_too_long_even_in_parts_is_an_error_with_the_figures():
    starts = draw_starts(HH, HH.box, 4, generator(), accepted_only=True)
    with pytest.raises(ReferenceError, match=r"dt/8 of dt = 2 changes the reference by .* > 1e-10"):
        reference_trajectories(HH, starts, 2.0, 4)


def test_a_step_is_taken_in_no_more_parts_than_the_tolerance_asks_for():
    starts = draw_starts(HH, HH.box, 4, generator(), accepted_only=True)
    loose, error = reference_trajectories(HH, starts, 0.2, 5, tolerance=1e-4)
    assert torch.equal(loose, integrate(HH, starts, 0.2, 5))
    tight, refined = reference_trajectories(HH, starts, 0.2, 5, tolerance=100 * error / 2)
    assert torch.equal(tight, integrate(HH, starts, 0.2, 5, substeps=2))
    assert refined < error / 30


def test_a_step_whose_equations_have_no_solution_is_taken_in_parts():
    tao = TaoOscillator()
    starts = draw_starts(tao, tao.box, 4, generator(), accepted_only=True)
    with pytest.raises(NotSolved):
        integrate(tao, starts, 1.0, 2)
    states, error = reference_trajectories(tao, starts, 1.0, 2, tolerance=1e-4)
    assert error < 1e-6
    assert torch.equal(states, integrate(tao, starts, 1.0, 2, substeps=8))


def test_a_reference_that_is_not_a_number_is_an_error(monkeypatch):
    monkeypatch.setattr(trajectories, "refinement_error", lambda *_, **__: float("nan"))
    with pytest.raises(ReferenceError):
        reference_trajectories(HH, torch.zeros(1, 4, dtype=torch.float64), 0.01, 1)


def test_refinement_error_is_the_change_on_halving_the_step():
    starts = draw_starts(HH, HH.box, 4, generator(), accepted_only=True)
    coarse = integrate(HH, starts, 0.2, 5)
    fine = integrate(HH, starts, 0.1, 10)[:, ::2]
    assert refinement_error(HH, coarse, 0.2) == pytest.approx(float((coarse - fine).abs().max()), rel=1e-6)


def test_trajectories_do_not_depend_on_the_batch_that_advances_them(monkeypatch):
    starts = draw_starts(HH, HH.box, 7, generator(), accepted_only=True)
    expected = integrate(HH, starts, 0.05, 3)
    monkeypatch.setattr(trajectories, "BATCH", 3)
    torch.testing.assert_close(integrate(HH, starts, 0.05, 3), expected, rtol=0, atol=1e-14)


def test_starts_are_uniform_in_the_box_and_decided_by_the_generator():
    box = ((-1.0, 3.0), (2.0, 2.5))
    double_well = systems.get("double_well")()
    one, same, other = (draw_starts(double_well, box, 4000, generator(s), accepted_only=False) for s in (1, 1, 2))
    assert one.dtype == torch.float64
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    for column, (low, high) in zip(one.T, box, strict=True):
        assert low <= column.min() < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < column.max() <= high
        assert float(column.mean()) == pytest.approx((low + high) / 2, abs=0.03 * (high - low))


def test_rejected_starts_are_redrawn():
    every = draw_starts(HH, HH.box, 1000, generator(), accepted_only=False)
    accepted = draw_starts(HH, HH.box, 1000, generator(), accepted_only=True)
    assert 300 < HH.accepts(every).sum() < 700
    assert accepted.shape == (1000, 4)
    assert HH.accepts(accepted).all()


def test_a_box_without_accepted_starts_is_an_error():
    with pytest.raises(ReferenceError, match="accepted"):
        draw_starts(HH, ((2.0, 3.0),) * 4, 5, generator(), accepted_only=True)


@pytest.mark.parametrize("sigma", [0.01, 0.3])
def test_noise_is_independent_and_normal_with_the_stated_sigma(sigma):
    clean = torch.linspace(-1, 1, 200 * 101 * 2, dtype=torch.float64).reshape(200, 101, 2)
    noise = add_noise(clean, sigma, generator(), torch.float64) - clean
    assert float(noise.std()) == pytest.approx(sigma, rel=0.02)
    assert abs(float(noise.mean())) < 4 * sigma / noise.numel() ** 0.5
    assert float((noise.abs() < sigma).double().mean()) == pytest.approx(0.683, abs=0.01)
    for one, next_one in ((noise[:, 1:], noise[:, :-1]), (noise[..., 0], noise[..., 1]), (noise[1:], noise[:-1])):
        assert abs(float((one * next_one).mean())) < 4 * sigma**2 / one.numel() ** 0.5


def test_noise_is_decided_by_the_generator_and_leaves_the_reference_alone():
    clean = torch.zeros(5, 4, 2, dtype=torch.float64)
    one, same, other = (add_noise(clean, 0.1, generator(seed)) for seed in (1, 1, 2))
    assert one.dtype == torch.float32
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert not clean.any()


def test_windows_are_the_chosen_states_time_first():
    states = torch.tensor([[[100.0 * row + time, -time] for time in range(6)] for row in range(3)])
    windows = cut_windows(states, torch.tensor([2, 0, 2]), torch.tensor([1, 3, 0]), 2)
    expected = [
        [[201.0, -1.0], [3.0, -3.0], [200.0, 0.0]],
        [[202.0, -2.0], [4.0, -4.0], [201.0, -1.0]],
        [[203.0, -3.0], [5.0, -5.0], [202.0, -2.0]],
    ]
    assert windows.tolist() == expected
