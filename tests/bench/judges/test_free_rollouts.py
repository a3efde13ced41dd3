"""Free rollouts: errors, times and periods that are known, and rollouts that cannot be finished."""

from math import inf

import pytest
import torch
from known_flows import SYSTEM, Rotation, rotation

from bench.evaluate import judge
from bench.judges.truth import truth_of
from bench.protocol import Protocol, load_protocol
from bench.schema import COLUMNS
from models.base import Model
from models.true_h import TrueH
from systems.coupled_oscillator import CoupledOscillator
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.integrators import NotSolved
from systems.integrators.implicit_midpoint import ImplicitMidpoint

pytestmark = pytest.mark.usefixtures("without_type_checks")

SHORT = load_protocol("smoke").model_copy(update={"dt": 0.02, "steps": 5, "test_points": 100})


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol("smoke").model_copy(update={"dt": 0.1, "steps": 20})


def columns_of(model: Model, protocol: Protocol) -> dict:
    return judge(model, SYSTEM, protocol)


def chord(t: float) -> float:
    """The distance of two points on the unit circle whose angles are 0.05 t apart."""
    return float(2 * torch.tensor(0.025 * t, dtype=torch.float64).sin())


def test_the_true_flow_has_no_error(protocol: Protocol):
    columns = columns_of(rotation(), protocol)
    assert columns["rollout_error"] < 1e-9
    assert columns["error_at_ten_horizons"] < 1e-7
    assert columns["period_error"] < 1e-7
    assert columns["reversal_error"] < 1e-14
    assert columns["energy_drift"] < 1e-15
    assert (columns["valid_time"], columns["escape_share"]) == (pytest.approx(20.0), 0.0)
    assert "escape_time" not in columns
    assert set(columns) <= set(COLUMNS)


def test_a_phase_that_runs_ahead_has_the_error_of_the_chords_and_a_shorter_period(protocol: Protocol):
    """The angle between prediction and truth is 0.05 t, for every start alike; 2 pi / 1.05 is the period."""
    columns, truth = columns_of(rotation(fast=1.05), protocol), truth_of(SYSTEM, protocol)
    radius = float(truth.starts.norm(dim=-1).median()) / truth.size
    mean_square = sum(chord(0.1 * step) ** 2 for step in range(1, 21)) / 20
    assert columns["rollout_error"] == pytest.approx(mean_square**0.5, rel=1e-6)
    assert columns["error_at_tenth"] == pytest.approx(radius * chord(0.2), rel=1e-6)
    assert columns["error_at_horizon"] == pytest.approx(radius * chord(2.0), rel=1e-6)
    assert columns["error_at_ten_horizons"] == pytest.approx(radius * chord(20.0), rel=1e-6)
    assert columns["period_error"] == pytest.approx(1 - 1 / 1.05, rel=1e-6)


def test_a_rollout_is_valid_until_the_chord_is_too_long(protocol: Protocol):
    """2 sin(0.125 t) r = 0.4: at t = 1.6 where the radius r is that of the mean."""
    columns, truth = columns_of(rotation(fast=1.25), protocol), truth_of(SYSTEM, protocol)
    radii = truth.starts.norm(dim=-1) / truth.size
    times = (8 * (0.2 / radii).clamp(max=1).asin()).nan_to_num().clamp(max=20)
    assert columns["valid_time"] == pytest.approx(float(times.median()), abs=0.1)


def test_time_is_told_in_lyapunov_times_where_there_is_one(protocol: Protocol):
    model = TrueH(HenonHeiles(), torch.Generator(), ImplicitMidpoint())
    columns = judge(model, "henon_heiles", SHORT)
    assert columns["valid_lyapunov_times"] == pytest.approx(1.0 * 0.054)
    assert "valid_lyapunov_times" not in columns_of(rotation(), protocol)


def test_a_growing_radius_shows_in_every_figure(protocol: Protocol):
    """Forward and back again a radius grows by (1 + g h)^2N; a step multiplies areas by (1 + g h)^2."""
    columns, truth = columns_of(rotation(growth=0.02), protocol), truth_of(SYSTEM, protocol)
    radius = float(truth.starts.norm(dim=-1).median()) / truth.size
    assert columns["reversal_error"] == pytest.approx(radius * (1.002**40 - 1), rel=1e-6)
    assert columns["symplecticity_defect"] == pytest.approx((1.002**2 - 1) * 2**0.5, rel=1e-9)
    assert columns["volume_defect"] == pytest.approx(1.002**2 - 1, rel=1e-9)


def test_a_rollout_that_is_not_finite_or_not_solved_has_escaped(protocol: Protocol, monkeypatch):
    columns = columns_of(rotation(growth=1e300), protocol)
    assert columns["rollout_error"] == columns["error_at_tenth"] == columns["reversal_error"] == inf
    assert (columns["escape_share"], columns["escape_time"], columns["valid_time"]) == (1.0, 0.0, 0.0)
    assert "energy_drift" not in columns, "none lasted"

    def fail(*_):
        raise NotSolved(1.0, 0.1, 3)

    monkeypatch.setattr(Rotation, "flow", fail)
    columns = columns_of(rotation(), protocol)
    assert (columns["rollout_error"], columns["escape_share"], columns["escape_time"]) == (inf, 1.0, 0.0)
    assert "symplecticity_defect" not in columns


def test_a_system_that_time_does_not_reverse_has_no_reversal_error():
    """H of the coupled oscillator has a term q p."""
    model = TrueH(CoupledOscillator(), torch.Generator(), ImplicitMidpoint())
    assert "reversal_error" not in judge(model, "coupled_oscillator", SHORT)


def test_a_model_without_an_integrator_is_not_rolled_out(protocol: Protocol):
    assert "rollout_error" not in columns_of(TrueH(HarmonicOscillator(), torch.Generator()), protocol)
    columns = columns_of(TrueH(HarmonicOscillator(), torch.Generator(), ImplicitMidpoint()), protocol)
    assert 1e-6 < columns["rollout_error"] < 1e-2, "the error of the midpoint rule"
