"""Entries of the leaderboard: what is averaged, what is not, and what the page is given."""

import json
import math

import pytest
from synthetic_rows import frame, profile_row, train_row

from reports import cells, leaderboard, summary
from reports.frames import records
from reports.provenance import Run

RUNS = [Run("run-1", 1, {"command_line": ["python", "-m", "bench.run", "--grid", "paper"]})]


def entries_of(rows):
    return records(leaderboard.entries(leaderboard.prepare(frame(rows))))


def test_seeds_are_averaged_with_a_t_interval():
    (found,) = entries_of([train_row("double_well", "fshnn", seed, 0.010 + 0.002 * seed) for seed in range(3)])
    assert found["h_mae_ru_mean"] == pytest.approx(0.012)
    assert found["h_mae_ru_half"] == pytest.approx(4.302652729911275 * 0.002 / math.sqrt(3))
    assert found["h_mae_ru_seeds"] == 3
    assert list(found["places"]) == [0, 1, 2]


@pytest.mark.parametrize(
    "change",
    [{"protocol": "smoke"}, {"seq_len": 9}, {"recipe": "paper"}, {"preset": "matched"}, {"dtype": "float64"}],
)
def test_what_differs_is_not_averaged(change):
    found = entries_of(
        [train_row("double_well", "fshnn", 0, 0.01), train_row("double_well", "fshnn", 0, 0.03, **change)]
    )
    assert sorted(entry["h_mae_ru_mean"] for entry in found) == [0.01, 0.03]


def test_iterations_of_another_batch_size_are_no_other_seeds():
    rows = [profile_row("discrete", 4, 1e-3 * batch, 2**20, batch_size=batch) for batch in (64, 512)]
    small, large = entries_of(rows)
    assert [(own["batch_size"], own["iteration_s_seeds"]) for own in (small, large)] == [(64, 1), (512, 1)]
    board = cells.board(leaderboard.prepare(frame(rows)), RUNS)
    assert [entry["variant"] for entry in board["entries"]] == ["one_cycle, B=64", "one_cycle, B=512"]


def test_rows_that_are_not_ok_do_not_count_and_the_newest_of_a_cell_does():
    rows = [
        train_row("double_well", "fshnn", 0, 0.5, cell_id="old"),
        train_row("double_well", "fshnn", 0, 0.01, cell_id="new", started_at="2026-02-01T00:00:00+00:00"),
        train_row("double_well", "fshnn", 1, 9.0, status="diverged"),
    ]
    (found,) = entries_of(rows)
    assert (found["h_mae_ru_mean"], found["h_mae_ru_seeds"]) == (0.01, 1)


def test_nan_is_no_value_and_infinity_is_one():
    rows = [
        train_row("double_well", "fshnn", 0, 0.02, h_mae_ru=math.nan),
        train_row("double_well", "fshnn", 1, 0.01),
        train_row("double_well", "hnn", 0, 0.02, h_mae_ru=math.inf),
        train_row("double_well", "hnn", 1, 0.01),
    ]
    fshnn, hnn = entries_of(rows)
    assert (fshnn["h_mae_ru_mean"], fshnn["h_mae_ru_seeds"]) == (0.01, 1)
    assert (hnn["h_mae_ru_mean"], hnn["h_mae_ru_seeds"]) == (math.inf, 2)
    assert math.isnan(hnn["h_mae_ru_half"])
    board = cells.board(leaderboard.prepare(frame(rows)), RUNS)
    assert json.loads(json.dumps(board, allow_nan=False)) == board
    assert board["entries"][1]["values"][0] == ["Infinity", None, 2]


def test_compiled_modes_are_entries_of_their_own_in_readable_units():
    rows = [profile_row("discrete", 4, 2e-3, 2**20), profile_row("discrete", 4, 1e-3, 2**21, compiled=True)]
    found = {entry["gradient_mode"]: entry for entry in entries_of(rows)}
    assert found["discrete"]["iteration_s_mean"] == pytest.approx(2)
    assert found["discrete, compiled"]["peak_bytes_mean"] == 2


def test_an_energy_curve_counts_by_its_largest_error_even_if_it_is_nan():
    rows = [
        train_row("double_well", "pinn", 0, 1, energy_error_curve=[0.1, 3.0, 0.2]),
        train_row("double_well", "hnn", 0, 1, energy_error_curve=[0.1, math.nan]),
        train_row("double_well", "srnn", 0, 1, energy_error_curve=[0.1, math.inf]),
    ]
    hnn, pinn, srnn = entries_of(rows)
    assert (pinn["energy_error_mean"], srnn["energy_error_mean"]) == (3.0, math.inf)
    assert math.isnan(hnn["energy_error_mean"])


@pytest.mark.parametrize(("share", "expected"), [(0.5, 0.2), (0.53, math.inf)])
def test_a_curve_that_is_cut_where_half_have_escaped_is_no_small_error(share, expected):
    """As rows of earlier code hold it."""
    curve = {"energy_error_curve": [0.1, 0.2], "long_escape_share": share}
    (found,) = entries_of([train_row("double_well", "pinn", 0, 1, **curve)])
    assert found["energy_error_mean"] == expected


def test_every_cell_of_an_entry_has_its_value_and_command(tmp_path):
    rows = [train_row("double_well", "fshnn", seed, 0.01 * (1 + seed)) for seed in range(2)]
    board = cells.board(leaderboard.prepare(frame(rows)), RUNS)
    assert [(cell[1], cell[3][0]) for cell in board["entries"][0]["cells"]] == [(0, 0.01), (1, 0.02)]
    assert board["commands"] == ["python -m bench.run --grid paper --cell {} --out results/rerun"]
    lines = cells.csv(frame(rows), RUNS, tmp_path).read_text().splitlines()
    assert lines[0].endswith(",rerun")
    assert f"--cell {rows[0]['cell_id']} --out" in lines[1]
    assert len(lines) == 3


def test_failures_carry_their_traceback_once():
    lost = {"status": "error", "traceback": "boom", "reason": "x"}
    rows = [train_row("double_well", "fshnn", seed, 1, **lost) for seed in range(2)]
    found = cells.failures(frame(rows), RUNS)
    assert found["tracebacks"] == ["boom"]
    assert [row["traceback"] for row in found["rows"]] == [0, 0]


def test_the_best_of_a_system_is_trained_and_stands_beside_what_it_has_to_beat():
    rows = [
        train_row("double_well", "constant", 0, 0.66),
        train_row("double_well", "true_h", 0, 0.0),
        train_row("double_well", "fshnn", 0, 0.02),
        train_row("double_well", "hnn", 0, 0.01),
    ]
    (best,) = summary.bests(leaderboard.prepare(frame(rows)))
    assert (best.model, best.error) == ("hnn (one_cycle)", "1.00e-2")
    assert (best.constant, best.published) == ("6.60e-1", "1.00e-2")
    assert best.link == f"#cells/h_mae_ru/{rows[3]['cell_id']}"
    assert summary.bests(leaderboard.prepare(frame(rows[:2]))) == []
