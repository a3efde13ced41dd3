"""Each judge against figures that are known exactly: checks that pass, and must fail where a fault is planted."""

from dataclasses import replace
from math import erf, inf, pi

import pytest
import torch
from known_flows import SYSTEM, rotation
from torch import nn

from bench.data import Observations
from bench.judges import (
    chaos,
    energy,
    errors,
    field_map,
    free_rollouts,
    points,
    rolling,
    sections,
    separatrix,
    signal,
    step_structure,
)  # fmt: skip
from bench.judges.rolling import Rollouts, roll_out
from bench.judges.truth import Truth
from bench.protocol import load_protocol
from models.base import FlowModel, HamiltonianModel
from models.true_h import TrueH
from systems import sections as surfaces
from systems.double_well import DoubleWell
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.lyapunov import largest_exponents

PAPER = load_protocol("paper").model_copy(update={"test_points": 4000, "calibration_points": 4000})
SMOKE = load_protocol("smoke").model_copy(update={"dt": 0.1, "steps": 20})
DW, HO = DoubleWell(), HarmonicOscillator()


class Scaled(HamiltonianModel):
    """1.1 H + 7 of the double well."""

    def __init__(self):
        nn.Module.__init__(self)
        self.evaluations = 0

    def hamiltonian(self, y):
        return 1.1 * DW.hamiltonian(y) + 7


def columns_of_errors() -> dict:
    return errors.error_columns(Scaled(), "double_well", DW, PAPER)


def check_errors_of_h() -> None:
    """Quadrature gives the mean deviation of H in the box [-2, 2]^2."""
    axis = 4 * (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000 - 2
    h = DW.hamiltonian(torch.cartesian_prod(axis, axis))
    columns = columns_of_errors()
    assert columns["h_mae_ru"] == pytest.approx(0.1 * float((h - h.mean()).abs().mean()), rel=0.05)
    assert columns["h_raw_mae_ru"] == pytest.approx(7 + 0.1 * float(h.mean()), rel=1e-3)
    assert columns["h_raw_mae_ru_in_box"] == columns["h_raw_mae_ru"]
    assert columns["h_r2_ru"] == pytest.approx(0.99)


def check_errors_of_the_field() -> None:
    columns = columns_of_errors()
    parts = [name for name in columns if name.startswith("field_error")]
    assert {round(columns[name], 12) for name in parts} == {0.1}
    assert len(parts) == 1 + 3 + 7


def check_populations() -> None:
    """A normal coordinate of sigma = 1 is within +-2 with probability erf(sqrt 2); the shell ends at 4 = H(2, 2)."""
    columns = columns_of_errors()
    assert columns["share_gaussian_in_box"] == pytest.approx(erf(2**0.5) ** 2, abs=0.015)
    assert columns["share_gaussian_in_box"] + columns["share_gaussian_out_of_box"] == 1
    assert columns["share_ru_in_box"] == columns["share_sg_in_box"] == 1
    least, most = points.shell("double_well", DW, PAPER)
    assert least == pytest.approx(-0.25, abs=1e-3)
    assert 3.8 < most <= 4
    assert columns["h_mae_gaussian_out_of_box"] > 2 * columns["h_mae_gaussian_in_box"]


def check_field_map() -> None:
    """The field of 1.1 H on the grid, in closed form: (1.1 p, 1.1 (q - q^3)), q slowest."""
    columns = field_map.map_columns(Scaled(), "double_well", DW, PAPER.model_copy(update={"field_map": 5}))
    axis = torch.linspace(-2, 2, 5, dtype=torch.float64)
    q, p = axis.repeat_interleave(5), axis.repeat(5)
    assert columns["map_first"] == pytest.approx((1.1 * p).tolist(), rel=1e-3)
    assert columns["map_second"] == pytest.approx((1.1 * (q - q**3)).tolist(), rel=1e-3)
    assert (columns["map_plane"], columns["map_box"]) == ([0, 1], [-2, 2, -2, 2])


def check_field_map_of_a_section() -> None:
    """Henon-Heiles at x = p_x = 0: (p_y, y^2 - y) in the plane of y and p_y."""
    asked = PAPER.model_copy(update={"field_map": 3})
    system = HenonHeiles()
    model = TrueH(system, torch.Generator(), None)
    columns = field_map.map_columns(model, "henon_heiles", system, asked)
    axis = torch.tensor([-0.5, 0.0, 0.5], dtype=torch.float64)
    y, momentum = axis.repeat_interleave(3), axis.repeat(3)
    assert columns["map_plane"] == [1, 3]
    assert columns["map_first"] == pytest.approx(momentum.tolist())
    assert columns["map_second"] == pytest.approx((y**2 - y).tolist())


def check_samples() -> None:
    """States of the coordinates of the plane, from all trajectories and times."""
    grid = torch.arange(500.0)[:, None] + torch.arange(21.0) / 100
    states = torch.stack((grid, 1000 + grid, 2000 + grid, 3000 + grid), dim=-1)
    columns = field_map.sample_columns(Observations(states, states, 0.1), HenonHeiles())
    first, second = torch.tensor(columns["seen_first"]), torch.tensor(columns["seen_second"])
    assert ((second - first - 2000).abs() <= 1).all()
    assert (first.min(), first.max() > 1490) == (1000, True)
    assert len(first) == 250


def truth_on_a_circle() -> Truth:
    """Rotations from (q, p) = (-1, 0), (-2, 0) by steps of 0.1."""
    starts = torch.tensor([[-1.0, 0.0], [-2.0, 0.0]], dtype=torch.float64)
    return Truth(HO.exact(starts, 0.1 * torch.arange(201, dtype=torch.float64)), 1)


def check_accuracy() -> None:
    """Rotation faster by a half: opposite to the truth after 2 pi."""
    truth = truth_on_a_circle()
    rollouts = roll_out(rotation(fast=1.5), truth.starts, 0.1, truth.steps, truth.bound)
    columns = free_rollouts.accuracy_columns(rollouts, truth, HO, SMOKE)
    chords = 2 * (0.25 * 0.1 * torch.arange(1, 21, dtype=torch.float64)).sin()
    assert columns["rollout_error"] == pytest.approx(float(chords.square().mean().sqrt()))
    inner = float(chords[-1])  # the median
    assert columns["error_at_horizon"] == pytest.approx(inner / 2.5**0.5)
    assert columns["valid_time"] == pytest.approx(0.6)  # 0.25 t < 0.2 sqrt(2.5) / 2 on the outer, which the median is


def check_periods() -> None:
    truth = truth_on_a_circle()
    rollouts = roll_out(rotation(fast=1.25), truth.starts, 0.1, truth.steps, truth.bound)
    assert float(free_rollouts.periods(truth.states)[0]) * 0.1 == pytest.approx(2 * pi, rel=1e-10)
    columns = free_rollouts.period_columns(rollouts.states, truth)
    assert columns["period_error"] == pytest.approx(1 - 1 / 1.25, rel=1e-9)


def check_reversal() -> None:
    """The true flow returns, after any time; one whose radii grow arrives (1 + g h)^40 from where it began."""
    truth = truth_on_a_circle()
    for growth, expected in ((0.0, 0.0), (0.02, (1.002**40 - 1) / 2.5**0.5)):
        model = rotation(growth=growth)
        rollouts = roll_out(model, truth.starts, 0.1, 20, truth.bound)
        columns = free_rollouts.reversal_columns(model, HO, rollouts, 0.1, 20, truth)
        assert columns["reversal_error"] == pytest.approx(expected, abs=1e-13)


class Linear(FlowModel):
    """y -> M y with M of two degrees of freedom."""

    matrix = torch.tensor([[2.0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], dtype=torch.float64)

    def flow(self, y, h):
        return y @ self.matrix.T


def check_structure() -> None:
    """By hand: of M^T J M - J the entries +-2 (q1, q2) and +-1 (q1, p1) are left; M J M^T has +-1 in both places."""
    model, y = Linear(HenonHeiles(), torch.Generator()), torch.randn(3, 4, dtype=torch.float64)
    columns = step_structure.structure_columns(model, y, 0.1)
    assert columns["symplecticity_defect"] == pytest.approx(10**0.5)
    assert columns["volume_defect"] == pytest.approx(1)


def check_symplectic_step() -> None:
    """A shear along p and a scaling (q, p) -> (2 q, p/2): symplectic, and not orthogonal."""
    model, y = Linear(HenonHeiles(), torch.Generator()), torch.randn(3, 4, dtype=torch.float64)
    shear = torch.eye(4, dtype=torch.float64)
    shear[:2, 2:] = torch.tensor([[2.0, 1], [1, 3]])
    model.matrix = shear @ torch.diag(torch.tensor([2, 2, 0.5, 0.5], dtype=torch.float64))
    columns = step_structure.structure_columns(model, y, 0.1)
    assert columns["symplecticity_defect_max"] < 1e-13
    assert columns["volume_defect"] < 1e-13


def check_energy() -> None:
    """Radii such that H = 2 + 0.01 t + 0.3 sin t: slope 0.01 and half a range of 0.3."""
    times = 0.1 * torch.arange(10001, dtype=torch.float64)
    radii = (2 * (2 + 0.01 * times + 0.3 * times.sin())).sqrt()
    states = torch.stack((radii, 0 * radii), -1)[:, None].expand(-1, 3, -1)
    rollouts = Rollouts(states, torch.full((3,), 10000))
    columns = energy.drift_columns(rotation(), HO, rollouts, 0.1)
    assert columns["energy_drift"] == pytest.approx(0.01, rel=1e-2)
    assert columns["energy_amplitude"] == pytest.approx(0.3, rel=1e-2)
    assert columns["energy_horizon"] == pytest.approx(1000)
    curve = energy.curve_columns(HO, rollouts, 0.1)
    assert curve["energy_times"][-1] == pytest.approx(1000)
    assert curve["energy_error_curve"][-1] == pytest.approx(10 + 0.3 * float(times[-1].sin()), rel=1e-9)
    states = states.clone()
    states[5001:, 0], states[8001:, 1] = torch.nan, torch.nan  # two of three have ended by t = 800
    curve = energy.curve_columns(HO, Rollouts(states, torch.tensor([5000, 8000, 10000])), 0.1)
    assert curve["energy_times"][-1] == pytest.approx(1000)
    ended = [time > 800 for time in curve["energy_times"]]
    assert [error == inf for error in curve["energy_error_curve"]] == ended
    assert any(ended)


def check_crossings() -> None:
    """x = sin(t - a), y = cos 2 t: x rises through 0 at t = a + 2 pi k."""
    times = 0.1 * torch.arange(1001, dtype=torch.float64)[:, None]
    a = torch.tensor([0.33, 2.0], dtype=torch.float64)
    states = torch.stack(((times - a).sin(), (2 * times).cos().expand(-1, 2), (times - a).cos(), 0 * times + a), -1)
    found = surfaces.crossings(states, 0)
    assert len(found.orbits) == 2 * 16
    turns = (0.1 * found.steps - a[found.orbits]) / (2 * pi)
    assert float((turns - turns.round()).abs().max()) < 1e-11
    assert float(found.states[:, 0].abs().max()) < 1e-12
    assert float((found.states[:, 1] - (2 * a[found.orbits]).cos()).abs().max()) < 1e-8  # motion of frequency 2


SECTION = HenonHeiles.section


def check_section() -> None:
    """Points on the boundary are allowed, those beyond it are not; equal histograms agree, disjoint ones do not."""
    states = SECTION.draw(0.1, 4000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(HenonHeiles().hamiltonian(states), torch.full((4000,), 0.1, dtype=torch.float64))
    inside = states[:, [1, 3]]
    assert sections.share_outside(inside, SECTION, 0.1) == 0
    wider = SECTION.draw(0.125, 4000, torch.Generator().manual_seed(0))[:, [1, 3]]
    assert sections.share_outside(wider, SECTION, 0.1) == pytest.approx(1 - area(0.1) / area(0.125), abs=0.03)
    left, right = inside[inside[:, 0] < 0], inside[inside[:, 0] > 0.125]  # an edge of the bins lies between
    assert sections.histogram_distance(left, right, SECTION) == pytest.approx(1)
    assert sections.histogram_distance(inside, inside.flip(0), SECTION) == 0
    half = torch.cat((left[:500], right[:500]))
    assert sections.histogram_distance(half, left[:500], SECTION) == pytest.approx(0.5)


def area(level: float) -> float:
    """Of the allowed part of the plane (y, py), by counting."""
    axes = [torch.linspace(low, high, 801, dtype=torch.float64) for low, high in SECTION.window]
    return float((SECTION.room(torch.cartesian_prod(*axes), level) > 0).double().mean())


def check_exponents() -> None:
    """Of y' = (y_1, -y_2) the largest is 1; of the rotation it is 0."""
    starts, steps = torch.zeros(2, 2, dtype=torch.float64), 400
    factors = torch.tensor([0.1, -0.1], dtype=torch.float64).exp()
    directions = torch.tensor([[1.0, 1.0], [1.0, -2.0]], dtype=torch.float64)
    found = largest_exponents(lambda y, n: y * factors**n, starts, directions, 0.1, steps, 10)
    torch.testing.assert_close(found, torch.ones(2, dtype=torch.float64), rtol=0, atol=0.03)
    turning = rotation()
    found = largest_exponents(lambda y, n: turning.rollout(y, 0.1, n)[-1], starts + 1, directions, 0.1, steps, 10)
    assert float(found.abs().max()) < 1e-8


def check_chaos() -> None:
    exponents = torch.tensor([[0.001, 0.1, 0.2, 0.3], [torch.nan, torch.nan, 0.01, 0.02]], dtype=torch.float64)
    columns = chaos.chaos_columns(exponents)
    assert columns["chaotic_share"] == [0.75, 0.5]
    assert columns["chaotic_exponent"] == pytest.approx([0.2, 0.02])


def check_separatrix() -> None:
    """The true flow keeps every orbit on its side; a bound that ends all makes all wrong."""
    protocol = PAPER.model_copy(update={"separatrix_margin": 0.05})
    starts = separatrix.separatrix_starts("double_well", DW, protocol)
    above = DW.hamiltonian(starts) > 0
    assert int(above.sum()) == 32
    assert float(DW.hamiltonian(starts).abs().max()) <= 0.05
    moving = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None]
    q = torch.where(above, starts[:, 0].abs() * moving, starts[:, 0].abs())  # those above go from side to side
    rollouts = Rollouts(torch.cat((starts[None], torch.stack((q, 0 * q), -1))), torch.full((64,), 5))
    started_left = starts[:, 0] < 0
    swapped = (~above) & started_left  # begin on the left, and are on the right from then on: passed, and must not
    expected = float(swapped.double().mean())
    assert separatrix.separatrix_columns(rollouts, DW)["separatrix_error"] == pytest.approx(expected)
    assert 0.1 < expected < 0.4
    ended = replace(rollouts, lasted=torch.full((64,), 3))
    assert separatrix.separatrix_columns(ended, DW)["separatrix_error"] == 1


def check_signal() -> None:
    """|f| is the radius, 2 here; the rotation carries noise as it is: 2n + 2n = 4."""
    states = HO.exact(torch.tensor([[2.0, 0.0]], dtype=torch.float64), 0.1 * torch.arange(21, dtype=torch.float64))
    trajectories = states.transpose(0, 1).numpy()
    noisy = SMOKE.model_copy(update={"noise": 0.03})
    columns = signal.signal_columns(SYSTEM, noisy, trajectories, 5)
    assert columns["noise_to_signal"] == pytest.approx(0.03 / (5 * 0.1 * 2))
    assert columns["noise_floor"] == pytest.approx(0.03**2 * 4)
    columns = signal.signal_columns(SYSTEM, noisy.model_copy(update={"start_state": "true"}), trajectories, 5)
    assert columns["noise_floor"] == pytest.approx(0.03**2 * 2)


def check_escapes() -> None:
    """A radius that grows by a tenth a step passes 10 from 2 after 17 steps, and from 0 never."""
    starts = torch.tensor([[2.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    rollouts = rolling.roll_out(rotation(growth=1.0, fast=0.0), starts, 0.1, 40, 10.0)
    assert rollouts.lasted.tolist() == [16, 40]
    assert rollouts.states[17:, 0].isnan().all()
    assert rollouts.states[16, 0, 0] == pytest.approx(2 * 1.1**16)
    assert rollouts.escapes(0.1) == (0.5, pytest.approx(1.6))
