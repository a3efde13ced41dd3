"""Sampled units: what is drawn, that the readout solves what it should, and the published accuracy."""

from math import pi

import pytest
import torch
from torch.autograd.functional import hessian, jacobian

from models.sampled_hnn import SampledHNN, rise_along_chords
from models.sampling import normal_units, pair_units
from models.weak import weak_form
from systems.base import apply_j
from systems.henon_heiles import HenonHeiles
from systems.pendulum import Pendulum
from systems.trajectories import TrainingData, draw_starts, integrate

SYSTEM = Pendulum()
SMALL = ((-pi, pi), (-1.0, 1.0))
PUBLISHED = {"elm": 1.49e-11, "u_swim": 8.74e-10, "a_swim": 3.62e-10, "swim": 3.62e-10}  # 2411.17511, pendulum


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def model(preset, system=SYSTEM, **size):
    return SampledHNN(system, stream(1), **(SampledHNN.presets[preset] | size)).double()


def points(count, box, seed=0):
    return draw_starts(SYSTEM, box, count, stream(seed), accepted_only=False)


def shared(y):
    """Single states with their derivatives, as trajectories of one sample."""
    return TrainingData(y[:, None], 0.01, stream(2), SYSTEM.field(y)[:, None])


def error(fitted, y):
    """Relative L2 error of H, the offset removed."""
    with torch.no_grad():
        difference = fitted.hamiltonian(y) - SYSTEM.hamiltonian(y)
    return float((difference - difference.mean()).norm() / SYSTEM.hamiltonian(y).norm())


@pytest.mark.parametrize(("preset", "bound"), [("elm", 1e-6), ("u_swim", 1e-4), ("a_swim", 1e-4), ("swim", 1e-4)])
def test_two_hundred_units_learn_a_pendulum_from_derivatives(preset, bound):
    fitted = model(preset, width=200)
    fitted.fit(shared(points(2000, SMALL)))
    assert error(fitted, points(2000, SMALL, seed=5)) < bound


@pytest.mark.slow
@pytest.mark.parametrize("preset", PUBLISHED)
def test_a_thousand_units_reach_ten_times_the_published_error(preset):
    fitted = model(preset, width=1000)
    fitted.fit(shared(points(10_000, SYSTEM.box)))
    assert error(fitted, points(10_000, SYSTEM.box, seed=5)) < 10 * PUBLISHED[preset]


def test_the_readout_is_that_of_least_squares_on_the_gradient():
    y = points(100, SMALL)
    fitted = model("elm", width=20)
    fitted.fit(shared(y))
    rows = torch.stack([jacobian(fitted.hidden, point).T for point in y]).flatten(0, 1)
    expected = torch.linalg.lstsq(rows, -apply_j(SYSTEM.field(y)).flatten()).solution
    left = rows @ fitted.readout.detach() + apply_j(SYSTEM.field(y)).flatten()
    assert float(left.norm()) == pytest.approx(float((rows @ expected + apply_j(SYSTEM.field(y)).flatten()).norm()))


def trajectories(sigma=0.0, count=600):
    y = integrate(SYSTEM, points(count, SMALL), 0.02, 50)
    return y + sigma * torch.randn(y.shape, dtype=torch.float64, generator=stream(3))


def test_the_weak_readout_is_that_of_the_rows_of_the_weak_form(monkeypatch):
    """The sums over coordinates by products of weights, against the rows written out."""
    seen = []
    monkeypatch.setattr("models.sampled_hnn.solve_by_evidence", lambda *given: seen.append(given) or given[1])
    y, fitted = trajectories(count=30), model("weak", width=7)
    fitted.fit(TrainingData(y, 0.02, stream(2)))
    form = weak_form(50, 0.02)
    gradients = fitted.slopes(y)[..., None] * fitted.weights
    rows = torch.einsum("kt,ntwd->nkdw", form.right, gradients).flatten(0, 2)
    shown = -apply_j(form.left @ y).flatten()
    matrix, right, square, count = seen[0]
    torch.testing.assert_close(matrix, rows.T @ rows)
    torch.testing.assert_close(right, rows.T @ shown)
    assert float(square) == pytest.approx(float(shown.square().sum()))
    assert count == len(shown)


def test_the_weak_form_bears_noise_and_looks_at_no_derivative():
    errors = {}
    for sigma in (0.0, 0.01):
        fitted = model("weak", width=200)
        y = trajectories(sigma)
        fitted.fit(TrainingData(y, 0.02, stream(2), torch.full_like(y, torch.nan)))
        errors[sigma] = error(fitted, points(2000, SMALL, seed=5))
    assert errors[0.0] < 1e-5
    assert errors[0.01] < 5e-3


def test_a_second_draw_by_the_slope_of_h_changes_the_units():
    drawn = []
    for preset in ("u_swim", "a_swim", "swim"):
        fitted = model(preset, width=50)
        fitted.fit(shared(points(500, SMALL)))
        drawn.append(fitted.weights)
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2]), "swim chooses by the derivatives, of the same candidates"


def test_the_rise_along_a_chord_is_exact_where_h_is_quadratic():
    y, first, second = points(6, SMALL), torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])
    energy = y.square().sum(1) / 2
    torch.testing.assert_close(rise_along_chords(y, y, first, second), energy[second] - energy[first])


@pytest.mark.parametrize("draw", ["elm", "u_swim", "a_swim", "swim"])
def test_without_derivatives_the_presets_that_need_them_say_so(draw):
    with pytest.raises(ValueError, match="needs derivatives of the state; `weak` needs none"):
        model(draw, width=5).fit(TrainingData(trajectories(count=3), 0.02, stream()))


def test_units_of_pairs_are_minus_and_plus_a_half_at_their_points():
    y = torch.tensor([[0.3, -1.0, 0.2, 2.0], [1.0, 0.5, -0.7, 1.0]], dtype=torch.float64)
    weights, biases = pair_units(y, 5, stream())
    values = torch.tanh(y @ weights.T + biases)
    torch.testing.assert_close(values.abs(), torch.full_like(values, 0.5))
    assert bool((values.sum(0).abs() < 1e-12).all()), "one point has -1/2, the other 1/2"


def test_pairs_are_drawn_in_proportion_to_the_slope_between_them():
    """Three points on a line; H rises three times as steeply between the first two as between the others."""
    y = torch.tensor([[0.0, 0.0], [1.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    energy = torch.tensor([0.0, 3.0, 5.0], dtype=torch.float64)
    weights, _ = pair_units(y, 20_000, stream(), lambda i, j: energy[j] - energy[i])
    lengths = (torch.log(torch.tensor(3.0)) / weights[:, 0].abs()).round().long().bincount(minlength=4)
    slopes = torch.tensor([3.0, 1.0, 5 / 3])  # of the pairs 01, 12 and 02: lengths 1, 2 and 3
    # drawn without replacement from ten times as many, of which each pair is two ninths
    torch.testing.assert_close(lengths[1:] / 20_000, slopes / slopes.sum(), rtol=0.1, atol=0)


def test_normal_units_cover_the_data():
    y = points(1000, SYSTEM.box)
    weights, biases = normal_units(y, 5000, stream())
    assert float(weights.mean()) == pytest.approx(0, abs=0.05)
    assert float(weights.std()) == pytest.approx(1, abs=0.05)
    assert float(y.min()) <= float(biases.min()) < 0.95 * float(y.min())
    assert 0.95 * float(y.max()) < float(biases.max()) <= float(y.max())


@pytest.mark.parametrize("system", [Pendulum(), HenonHeiles()])
def test_gradient_and_hessian_are_those_of_h_for_any_readout(system):
    drawn = model("elm", system, width=30)
    torch.nn.init.normal_(drawn.readout, generator=stream(5))
    y = torch.randn(system.dim, dtype=torch.float64, generator=stream(6))
    torch.testing.assert_close(drawn.gradient(y), jacobian(drawn.hamiltonian, y), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(drawn.hessian(y), hessian(drawn.hamiltonian, y), rtol=1e-10, atol=1e-12)
