"""The true H before every judge: no error of its own, and of its integrator the order that theory says."""

from functools import cache
from math import log2

import pytest
import torch

import systems
from bench.evaluate import judge
from bench.judges.chaos import exponent_columns, roll_out_with_exponents
from bench.judges.long_rollouts import long_columns
from bench.judges.rolling import roll_out
from bench.judges.sections import section_starts
from bench.protocol import Protocol, load_protocol
from bench.schema import COLUMNS
from models.true_h import TrueH
from systems import integrators

pytestmark = pytest.mark.usefixtures("without_type_checks")

LONG = load_protocol("long").model_copy(
    update={
        "long_horizon": 20.0,
        "exponent_horizon": 0.0,
        "section_orbits": 2,
        "section_energies": {"henon_heiles": [0.1]},
    }
)


def true_h(system: str, integrator: str) -> TrueH:
    return TrueH(systems.get(system)(), torch.Generator(), integrators.get(integrator)())


def short(dt: float, steps: int) -> Protocol:
    few = {"dt": dt, "steps": steps, "test_points": 100, "calibration_points": 100, "grid_per_axis": 4}
    return load_protocol("smoke").model_copy(update=few)


@pytest.mark.parametrize("system", ["double_well", "henon_heiles"])
def test_errors_of_h_are_zero_and_the_step_is_symplectic_and_reversible_to_rounding(system: str):
    columns = judge(true_h(system, "implicit_midpoint"), system, short(0.02, 10))
    assert set(columns) <= set(COLUMNS)
    exact = [name for name in columns if name.startswith(("h_mae", "h_raw", "field_error"))]
    assert {columns[name] for name in exact} == {0.0}
    assert len(exact) == 3 * 3 + 1 + 3 * 7, "of three sets and seven parts of them, and the field's on RU once more"
    assert {columns[name] for name in columns if name.startswith("h_r2")} == {1.0}
    assert columns["symplecticity_defect_max"] < 1e-14
    assert columns["volume_defect"] < 1e-14
    assert columns["reversal_error"] < 1e-13
    assert columns["escape_share"] == 0
    assert columns["energy_drift"] == columns["learned_energy_drift"]


@cache
def unit_time(integrator: str, h: float) -> dict:
    """Rollouts of the harmonic oscillator with this step, judged at a horizon of 1."""
    return judge(true_h("harmonic_oscillator", integrator), "harmonic_oscillator", short(h, round(1 / h)))


@pytest.mark.slow
@pytest.mark.parametrize(("integrator", "order"), [("stormer_verlet", 2), ("rk4", 4)])
def test_errors_of_rollouts_have_the_order_of_the_integrator(integrator: str, order: int):
    coarse, fine = unit_time(integrator, 0.1), unit_time(integrator, 0.05)
    names = ["error_at_horizon", "error_at_ten_horizons", "rollout_error", "period_error"]
    orders = {name: log2(coarse[name] / fine[name]) for name in names}
    assert orders == pytest.approx(dict.fromkeys(names, order), abs=0.5)


def test_energy_moves_with_the_order_of_the_integrator():
    coarse, fine = unit_time("stormer_verlet", 0.1), unit_time("stormer_verlet", 0.05)
    assert log2(coarse["energy_amplitude"] / fine["energy_amplitude"]) == pytest.approx(2, abs=0.3)
    assert coarse["energy_horizon"] == pytest.approx(10)


def test_a_method_that_is_not_symplectic_is_noticed():
    good, bad = unit_time("stormer_verlet", 0.1), unit_time("rk4", 0.1)
    for name in ("symplecticity_defect", "volume_defect", "reversal_error"):
        assert good[name] < 1e-13
        assert bad[name] > 1e-9


def test_the_section_is_the_true_one_and_the_separatrix_is_kept():
    """At E = 0.1 and T = 20, point by point that of the reference."""
    system = systems.get("henon_heiles")()
    columns = long_columns(true_h("henon_heiles", "gauss_legendre6"), "henon_heiles", system, LONG, 10.0)
    assert columns["section_distance"] == [0.0]
    assert columns["section_outside"] == [0.0]
    assert len(columns["section_first"]) == len(columns["section_number"]) >= 4
    assert columns["long_escape_share"] == 0
    well = systems.get("double_well")()
    columns = long_columns(true_h("double_well", "yoshida4"), "double_well", well, LONG, 20.0)
    assert columns["separatrix_error"] == 0
    assert set(columns) <= set(COLUMNS)


def test_companions_do_not_disturb_the_rollouts_that_they_go_along_with():
    """Nor do the others disturb the exponents; one that leaves the bound stays ended."""
    protocol = LONG.model_copy(update={"long_horizon": 6.0, "exponent_horizon": 4.0})
    starts = 0.1 * torch.tensor([[1.0, 2, 3, 4], [2, 1, 1, 2], [0, 50, 0, 0], [2, 2, 2, 2]], dtype=torch.float64)
    model, orbits = true_h("henon_heiles", "yoshida4"), slice(1, 4)
    together, exponents = roll_out_with_exponents(model, starts, orbits, "henon_heiles", protocol, 6.0)
    alone = roll_out(model, starts, protocol.dt, 60, 6.0)
    assert alone.lasted[2] < 60
    torch.testing.assert_close((together.states, together.lasted), (alone.states, alone.lasted), equal_nan=True)
    model.resumes = False
    _, apart = roll_out_with_exponents(model, starts, orbits, "henon_heiles", protocol, 6.0)
    torch.testing.assert_close(exponents, apart, equal_nan=True, rtol=1e-5, atol=1e-7)
    assert exponents.isfinite().tolist() == [True, False, True]


@pytest.mark.slow
def test_the_chaotic_share_and_the_exponents_are_the_known_ones():
    """reference/models.md, 1.1.3: 0, 0.59 and 0.96 of 100 orbits; here of 32, so within three standard errors."""
    energies, shares = [1 / 12, 1 / 8, 1 / 6], [0.0, 0.59, 0.96]
    protocol = load_protocol("long").model_copy(
        update={"section_orbits": 32, "section_energies": {"henon_heiles": energies}}
    )
    starts = section_starts("henon_heiles", systems.get("henon_heiles")(), protocol)
    model = true_h("henon_heiles", "yoshida4")
    _, exponents = roll_out_with_exponents(model, starts, slice(None), "henon_heiles", protocol, 10.0)
    columns = exponent_columns(exponents, protocol)
    for found, share in zip(columns["chaotic_share"], shares, strict=True):
        assert found == pytest.approx(share, abs=max(0.05, 3 * (share * (1 - share) * (1 / 32 + 1 / 100)) ** 0.5))
    assert columns["chaotic_exponent"][1:] == pytest.approx([0.054, 0.132], rel=0.25)
