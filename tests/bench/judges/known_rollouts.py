"""What is known exactly about rollouts along recordings, about long ones, and about the true ones."""

from math import cosh, log, pi, sinh, sqrt

import pytest
import torch
from known_flows import rotation

import systems
from bench.judges.energy import curve_columns, drift_columns
from bench.judges.errors import Columns
from bench.judges.held_out import held_out_columns
from bench.judges.long_rollouts import long_columns, long_starts
from bench.judges.rolling import Rollouts, roll_out
from bench.judges.sections import section_columns, section_starts
from bench.judges.separatrix import separatrix_columns, separatrix_starts
from bench.judges.truth import TOLERANCE, Truth, agreement, confirmed
from bench.own_data import OwnData
from bench.protocol import load_protocol
from models.base import HamiltonianModel
from models.true_h import TrueH
from systems.base import Card, System, cube
from systems.harmonic_oscillator import HarmonicOscillator
from systems.integrators.gauss_legendre6 import GaussLegendre6

HO = HarmonicOscillator()
COUNT, TIMES, DT = 40, 101, 0.1
RECORDED = OwnData(files=(), content="0", dof=1, trajectories=COUNT, steps=TIMES - 1, dt=DT, irregular=False)
LONG = load_protocol("long").model_copy(
    update={
        "long_horizon": 20.0,
        "exponent_horizon": 0.0,
        "section_orbits": 4,
        "section_energies": {"henon_heiles": [0.1, 0.125]},
    }
)


class Faster(HamiltonianModel):
    """1.5 H of the harmonic oscillator: its rotation, faster by a half."""

    def __init__(self):
        super().__init__(HO, torch.Generator(), GaussLegendre6())

    def hamiltonian(self, y):
        return 1.5 * HO.hamiltonian(y)

    def field(self, y):
        return 1.5 * HO.field(y)


def rotations(times: torch.Tensor) -> torch.Tensor:
    """From 40 angles all around, at times of each one's own: [count, times, 2]."""
    angles = 2 * pi * torch.arange(COUNT, dtype=torch.float64)[:, None] / COUNT + times
    return torch.stack((angles.sin(), angles.cos()), -1)


def check_held_out_rollouts() -> None:
    """A rotation faster by a half is 2 sin(t / 4) from the observed one, at whatever times."""
    regular = DT * torch.arange(TIMES, dtype=torch.float64).expand(COUNT, -1)
    for times, irregular in ((regular, False), (regular**2 / 10, True)):
        data = RECORDED.model_copy(update={"irregular": irregular})
        clock = times.numpy() if irregular else None
        columns = held_out_columns(Faster(), rotations(times).numpy(), clock, data)
        chords = 2 * (times[0, 1:] / 4).sin()
        assert columns["rollout_error"] == pytest.approx(float(chords.square().mean().sqrt()), rel=1e-6)
        assert columns["escape_share"] == 0


def check_held_out_escapes() -> None:
    """A radius that grows by 3 % a step is ten times the observed 1 after 78 steps: 1.03^77 = 9.74."""
    times = DT * torch.arange(TIMES, dtype=torch.float64).expand(COUNT, -1)
    columns = held_out_columns(rotation(growth=0.03 / DT, fast=0.0), rotations(times)[:1].numpy(), None, RECORDED)
    assert columns["escape_share"] == 1
    assert columns["escape_time"] == pytest.approx(DT * int(log(10) / log(1.03)))


def check_held_out_spread() -> None:
    """H = k + 0.1 sin t for k = 1, 2: 0.1 / sqrt 2 along each; of q^2 and p^2 apart, by their moments."""
    k = 1 + torch.arange(COUNT, dtype=torch.float64)[:, None] % 2
    times = 2 * pi * torch.arange(TIMES, dtype=torch.float64).expand(COUNT, -1) / TIMES
    energy = k + 0.1 * times.sin()
    states = (2 * energy).sqrt()[..., None] * rotations(17 * times)
    columns = held_out_columns(Faster(), states.numpy(), None, RECORDED)
    assert columns["energy_spread"] == pytest.approx(1.5 * 0.1 / sqrt(2), rel=0.01)
    kinetic = float(energy.square().mean() * 3 / 8 - energy.mean() ** 2 / 4)  # variance of H cos^2
    assert columns["energy_spread_share"] == pytest.approx(0.1 / sqrt(2) / sqrt(2 * kinetic), rel=0.03)


def check_held_out_noise() -> None:
    """0.02 on each of two coordinates, beside a radius of 1."""
    times = DT * torch.arange(TIMES, dtype=torch.float64).expand(COUNT, -1)
    stream = torch.Generator().manual_seed(0)
    noise = 0.02 * torch.randn(COUNT, TIMES, 2, dtype=torch.float64, generator=stream)
    columns = held_out_columns(Faster(), (rotations(times) + noise).numpy(), None, RECORDED)
    assert columns["noise_share"] == pytest.approx(0.02 * sqrt(2), rel=0.05)


def check_parts_of_long_rollouts() -> None:
    """Each part of what is rolled out together has the figures that it has alone: of a flow that is wrong."""
    model = rotation()
    for name, bound in (("double_well", 2.0), ("henon_heiles", 0.45)):
        system = systems.get(name)()
        columns = long_columns(model, name, system, LONG, bound)

        def alone(starts: torch.Tensor, bound: float = bound) -> Rollouts:
            return roll_out(model, starts, LONG.dt, round(LONG.long_horizon / LONG.dt), bound)

        starts = long_starts(name, system, LONG)
        low, high = LONG.long_energies.get(name, (-1, 10))
        assert low <= float(system.hamiltonian(starts).min()) < float(system.hamiltonian(starts).max()) <= high
        energy = alone(starts)
        expected: Columns = drift_columns(model, system, energy, LONG.dt) | curve_columns(system, energy, LONG.dt)
        expected |= dict(zip(("long_escape_share", "long_escape_time"), energy.escapes(LONG.dt), strict=True))
        if system.separatrix:
            expected |= separatrix_columns(alone(separatrix_starts(name, system, LONG)), system)
        if system.section:
            expected |= section_columns(alone(section_starts(name, system, LONG)), name, system, LONG)
        assert 0 < expected["long_escape_share"] < 1
        assert columns == expected


def check_energy_slope() -> None:
    """RK4 takes (h^6 / 72) H of a rotation's H at every step, to order h^2 of it; the midpoint rule takes nothing."""
    starts = torch.tensor([[0.0, 1.0], [2.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    for name, h, slope in (
        ("rk4", 0.2, 2 * 0.2**5 / 72),
        ("rk4", 0.1, 2 * 0.1**5 / 72),
        ("implicit_midpoint", 0.1, 0),
    ):
        model = TrueH(HO, torch.Generator(), systems.integrators.get(name)())
        columns = drift_columns(model, HO, roll_out(model, starts, h, 100, 10.0), h)
        assert columns["energy_drift"] == pytest.approx(slope, rel=0.01, abs=1e-13)
        assert columns["learned_energy_drift"] == columns["energy_drift"]


class Saddle(System):
    """H = (p^2 - q^2)/2: what rounding begins grows e-fold in a unit of time, as on chaotic motion."""

    dof = 1
    separable = True
    box = cube(1.0, 2)
    card = Card(formula="H = (p^2 - q^2)/2", facts=(), source="")

    def hamiltonian(self, y):
        q, p = y.unbind(-1)
        return (p**2 - q**2) / 2

    def field(self, y):
        return y.flip(-1)

    def exact(self, y0, t):
        return torch.stack([cosh(time) * y0 + sinh(time) * y0.flip(-1) for time in t.tolist()])


def error_of(truth: Truth, system: System, dt: float) -> float:
    times = dt * truth.stride * torch.arange(len(truth.states), dtype=torch.float64)
    return float((truth.states - system.exact(truth.starts, times)).abs().max())


STARTS = torch.tensor([[0.5, 0.3], [-0.2, 0.9]], dtype=torch.float64)


def check_truth_of_what_can_be_followed() -> None:
    truth = confirmed(HO, STARTS, 0.1, 20)
    assert truth.steps == 200
    assert error_of(truth, HO, 0.1) < TOLERANCE


def check_truth_ends_where_it_is_not_known() -> None:
    truth = confirmed(Saddle(), STARTS, 2.0, 1)
    assert 4 <= truth.steps < 10
    assert error_of(truth, Saddle(), 2.0) < TOLERANCE


def check_agreement() -> None:
    """Strides of 2 and 3 have every sixth step in common; from the 18th on they differ, though they agree again."""
    fine, coarse = (torch.arange(0.0, 37.0, stride, dtype=torch.float64)[:, None, None] for stride in (2, 3))
    coarse[6] += 1e-5
    coarse[5] += 1  # at 15, which the other has not
    assert agreement(Truth(fine, 2), Truth(coarse, 3)) == 12
    coarse[6] = torch.nan
    assert agreement(Truth(fine, 2), Truth(coarse, 3)) == 12
    coarse[6] = 18 + 1e-7
    assert agreement(Truth(fine, 2), Truth(coarse, 3)) == 36
