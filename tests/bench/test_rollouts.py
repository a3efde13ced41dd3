"""Free rollouts: errors that are known, and rollouts that cannot be finished."""

from math import cos, inf, sin

import pytest
import torch

import systems
from bench import rollouts
from bench.evaluate import judge
from bench.protocol import Protocol, load_protocol
from bench.schema import COLUMNS
from models.base import FlowModel, Model
from models.true_h import TrueH
from systems.integrators import NotSolved
from systems.integrators.implicit_midpoint import ImplicitMidpoint

SYSTEM = "harmonic_oscillator"


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load_protocol("smoke").model_copy(update={"dt": 0.1, "steps": 20})


class Rotation(FlowModel):
    """The flow of the harmonic oscillator, `fast` times as fast, with radii that grow by `growth` a unit of time."""

    fast, growth = 1.0, 0.0

    def flow(self, y, h):
        q, p = y.unbind(-1)
        c, s = cos(self.fast * h), sin(self.fast * h)
        return (1 + self.growth * h) * torch.stack((c * q + s * p, c * p - s * q), dim=-1)


def rotation(**changes: float) -> Rotation:
    model = Rotation(systems.get(SYSTEM)(), torch.Generator())
    for name, value in changes.items():
        setattr(model, name, value)
    return model


def error(model: Model, protocol: Protocol) -> float:
    return rollouts.rollout_error(model, SYSTEM, systems.get(SYSTEM)(), protocol)


def test_the_true_flow_has_no_error(protocol: Protocol):
    assert error(rotation(), protocol) < 1e-9


def test_a_phase_that_runs_ahead_has_the_error_of_the_chords(protocol: Protocol):
    """Over t = dt, ..., T the angle between prediction and truth is 0.05 t, for every start alike."""
    times = 0.1 * torch.arange(1, 21, dtype=torch.float64)
    expected = float((2 * (0.025 * times).sin()).square().mean().sqrt())
    assert error(rotation(fast=1.05), protocol) == pytest.approx(expected, rel=1e-6)


def test_a_rollout_that_is_not_finite_or_not_solved_has_an_infinite_error(protocol: Protocol, monkeypatch):
    assert error(rotation(growth=1e300), protocol) == inf

    def fail(*_):
        raise NotSolved(1.0, 0.1, 3)

    monkeypatch.setattr(Rotation, "flow", fail)
    assert error(rotation(), protocol) == inf


def test_a_model_without_an_integrator_is_not_rolled_out(protocol: Protocol):
    system = systems.get(SYSTEM)()
    assert "rollout_error" not in judge(TrueH(system, torch.Generator()), SYSTEM, protocol)
    columns = judge(TrueH(system, torch.Generator(), ImplicitMidpoint()), SYSTEM, protocol)
    assert 1e-6 < columns["rollout_error"] < 1e-2, "the error of the midpoint rule"


def test_the_energy_curve_is_asked_for_and_is_that_of_the_growth(protocol: Protocol):
    """Radii that grow as (1 + g h)^k give H_k - H_0 = H_0 ((1 + g h)^2k - 1)."""
    assert "energy_times" not in judge(rotation(), SYSTEM, protocol)
    long = protocol.model_copy(update={"long_horizon": 100.0})
    columns = judge(rotation(growth=0.01), SYSTEM, long)
    assert set(columns) <= set(COLUMNS)
    times = torch.tensor(columns["energy_times"], dtype=torch.float64)
    assert (times[0], times[-1]) == (pytest.approx(0.1), pytest.approx(100.0))
    system = systems.get(SYSTEM)()
    middle = system.hamiltonian(rollouts.long_starts(SYSTEM, system, long)).median()
    expected = middle * (1.001 ** (2 * times / 0.1) - 1)
    torch.testing.assert_close(torch.tensor(columns["energy_error_curve"], dtype=torch.float64), expected)


def test_the_energy_curve_ends_where_the_states_do(protocol: Protocol):
    long = protocol.model_copy(update={"long_horizon": 100.0})
    columns = judge(rotation(growth=1e30), SYSTEM, long)
    assert 0 < len(columns["energy_times"]) == len(columns["energy_error_curve"]) < 20


def test_long_starts_have_the_energies_that_are_asked_for():
    system, paper = systems.get("henon_heiles")(), load_protocol("paper")
    asked = paper.model_copy(update={"long_energies": {"henon_heiles": [0.09, 0.11]}})
    starts = rollouts.long_starts("henon_heiles", system, asked)
    assert starts.shape == (rollouts.LONG_STARTS, 4)
    assert 0.09 <= float(system.hamiltonian(starts).min()) <= float(system.hamiltonian(starts).max()) <= 0.11
    with pytest.raises(ValueError, match="fewer than 1 start in 100"):
        rollouts.long_starts(
            "henon_heiles", system, paper.model_copy(update={"long_energies": {"henon_heiles": [5, 6]}})
        )
