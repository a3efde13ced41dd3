"""Exponents beside theory: recovered, never mixed, and honest about what an interval contains."""

import math

import pandas as pd
import pytest
from synthetic_rows import frame, profile_row

from reports import exponents
from reports import rows as select
from reports.exhibit import Exhibit
from reports.frames import is_null, records, where
from reports.scaling_points import scalings
from reports.statistics import Exponent
from reports.theory import complexity_table

LENGTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
MEMORY = {"backprop": 1.0, "checkpoint": 0.5, "discrete": 1.0, "reversible": 0.0, "symplectic_adjoint": 1.0,
          "continuous": 1.0, "augmented": 0.0}  # fmt: skip


def measured(rows):
    return scalings(select.of_kind(frame(rows), "profile"))


def power_law(mode, memory, time=1.0, **changes):
    return [profile_row(mode, n, 1e-3 * n**time, 2.0**30 * n**memory, **changes) for n in LENGTHS]


def entries(rows, **equal):
    return records(where(exponents.table(measured(rows)), **equal))


@pytest.mark.parametrize(("mode", "memory"), MEMORY.items())
def test_what_obeys_the_theory_is_found_to(mode, memory):
    found = {entry["quantity"]: entry for entry in entries(power_law(mode, memory))}
    assert found["memory"]["fitted"] == pytest.approx(memory, abs=1e-6)
    assert found["time"]["fitted"] == pytest.approx(1)
    assert [found[name]["theory"] for name in ("memory", "time")] == [memory, 1]
    assert found["memory"]["in_interval"] is True
    assert found["time"]["in_interval"] is True


def test_what_does_not_is_said_not_to():
    (memory,) = entries(power_law("reversible", 0.2), quantity="memory")
    assert (memory["fitted"], memory["theory"], memory["in_interval"]) == (pytest.approx(0.2), 0, False)


def test_interval_and_theory_are_compared_only_where_both_are():
    fit = Exponent(0.9, 0.8, 1.0, 5)
    assert exponents.contains(fit, 1) is True
    assert exponents.contains(fit, 1.1) is False
    assert exponents.contains(fit, None) is None
    assert exponents.contains(Exponent(1.0, math.nan, math.nan, 2), 1) is None
    assert exponents.contains(None, 1) is None
    (paper,) = entries(power_law("paper_adjoint", 1.0), quantity="memory")
    assert is_null(paper["theory"])
    assert is_null(paper["in_interval"])


def test_only_the_upper_half_of_the_lengths_is_fitted():
    rows = [profile_row("backprop", n, 1e-3 * (n if n >= 64 else 50), 2.0**20) for n in LENGTHS]
    (time,) = entries(rows, quantity="time")
    assert (time["shortest"], time["longest"], time["points"]) == (64, 1024, 5)
    assert time["fitted"] == pytest.approx(1)
    (few,) = entries([row for row in rows if row["seq_len"] < 32], quantity="time")
    assert (few["points"], few["fitted"]) == (3, pytest.approx(0))


def test_a_constant_below_a_power_law_is_found_and_the_exponent_above_it():
    rows = [profile_row("discrete", n, 1e-3 * n, 2**20 * (4.8 + 0.004 * n)) for n in LENGTHS]
    (memory,) = entries(rows, quantity="memory")
    assert memory["fitted"] < 0.5
    assert memory["in_interval"] is False
    assert (memory["bent"], memory["constant"]) == pytest.approx((1, 4.8), rel=1e-3)
    assert memory["bent_in_interval"] is True
    (time,) = entries(rows, quantity="time")
    assert is_null(time["bent"])
    assert time["bent_text"] == "–"


def test_augmented_grows_with_the_states_that_are_observed():
    rows = power_law("augmented", 1.0)
    every = [row | {"observations": row["seq_len"]} for row in rows]
    some = [row | {"observations": row["seq_len"] if row["seq_len"] < 512 else 4} for row in rows]
    theory = [entries(own, quantity="memory")[0]["theory"] for own in (rows, every, some)]
    assert theory[:2] == [0, 1]
    assert is_null(theory[2])


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("net", "untrained", "fitted"),
        ("step_size", 0.01, 0.1),
        ("start_guess", "rk2", "observation"),
        ("system", "double_well", "henon_heiles"),
    ],
)
def test_nothing_is_averaged_over_what_sets_measurements_apart(column, one, other):
    rows = power_law("discrete", 1.0, **{column: one}) + power_law("discrete", 0.5, time=2.0, **{column: other})
    found = measured(rows)
    assert {scaling.identity[column] for scaling in found} == {one, other}
    assert len({(scaling.system, scaling.distinction) for scaling in found}) == 2
    assert all(len(scaling.points) == len(LENGTHS) for scaling in found)
    slopes = {scaling.identity[column]: scaling.exponent("discrete", "iteration_ms") for scaling in found}
    assert [slopes[value].slope for value in (one, other)] == pytest.approx([1, 2])


def test_seeds_are_pooled_with_all_their_samples():
    rows = [profile_row("discrete", 4, 1e-3 * (seed + 1), 2**20 * (seed + 1), seed=seed) for seed in range(3)]
    ((point,),) = [records(scaling.points) for scaling in measured(rows)]
    assert (point["seeds"], point["repeats"], point["peak_mib"]) == (3, 63, 2)
    assert point["iteration_ms"] == pytest.approx(2, rel=0.11)


def test_newest_row_of_a_cell_counts():
    old = profile_row("discrete", 4, 1.0, 2**20)
    new = profile_row("discrete", 4, 2.0, 2**20, started_at="2026-02-01T00:00:00+00:00")
    ((point,),) = [records(scaling.points) for scaling in measured([new, old])]
    assert point["iteration_ms"] == pytest.approx(2000)


def test_table_shows_fit_and_theory_side_by_side(tmp_path):
    exhibit = exponents.exhibit(measured(power_law("checkpoint", 0.5)), tmp_path)
    assert "| coupled oscillator | checkpoint | 64 to 1024 | 0.50 ± \\<0.01 | 0.5 | yes | – | – |" in exhibit.body
    assert "upper half" in exhibit.caption
    assert complexity_table().source in exhibit.caption
    assert (tmp_path / "exponents.csv").read_text().count("\n") == 3


def test_exponents_lead_to_the_cells_of_their_mode_at_all_lengths(tmp_path):
    exhibit = exponents.exhibit(measured([*power_law("checkpoint", 0.5), *power_law("discrete", 1)]), tmp_path)
    found = pd.read_csv(tmp_path / "exponents.csv")
    for mode, joined in zip(found["gradient_mode"], found["cell_ids"], strict=True):
        assert {cell.rsplit("-", 2)[0] for cell in joined.split(";")} == {f"profile-{mode}"}
    assert {cell for joined in found["cell_ids"] for cell in joined.split(";")} == set(exhibit.cells)
    assert "`exponents.csv` names the cells behind each line" in (tmp_path / "exponents.md").read_text()


def test_long_tables_do_not_bury_the_index(tmp_path):
    long = Exhibit("a table", "", (tmp_path / "table.md",), "line\n" * 1000)
    assert long.shown == "1000 lines: see [table.md](table.md).\n"
    assert Exhibit("a table", "", (tmp_path / "table.md",), "line\n").shown == "line\n"
