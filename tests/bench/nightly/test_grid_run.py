"""Errors of the nightly grid as figures, and the grid itself."""

import subprocess
from math import nan

from bench.attempt import opening
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.nightly.grid_run import line_figures, run_grid
from bench.schema import complete
from bench.store import Store


def row(seed, error, **changes):
    facts = {"system": "double_well", "model": "fshnn", "gradient_mode": "discrete", "status": "ok", "reason": None}
    return facts | {"seed": seed, "h_mae_ru": error, "rollout_error": nan} | changes


def test_a_line_is_the_mean_over_its_seeds_and_what_does_not_apply_is_left_out():
    figures = line_figures([row(0, 1.0), row(1, 3.0), row(0, 5.0, model="weak_form", gradient_mode=None)])
    assert {name: figure.samples for name, figure in figures.items()} == {
        "grid.h_mae_ru(double_well, fshnn, discrete)": (2.0,),
        "grid.h_mae_ru(double_well, weak_form)": (5.0,),
    }


def test_a_seed_that_did_not_finish_fails_its_line():
    figures = line_figures([row(0, 1.0), row(1, nan, status="diverged", reason="the loss became NaN")])
    assert figures["grid.h_mae_ru(double_well, fshnn, discrete)"].failure == "seed 1: diverged: the loss became NaN"


def test_an_error_of_some_seeds_only_is_a_failure():
    assert line_figures([row(0, 1.0), row(1, nan)])["grid.h_mae_ru(double_well, fshnn, discrete)"].failure


def run_of(monkeypatch, tmp_path, seeds):
    """Figures of a run of the nightly grid that was killed when these seeds had their rows."""
    planned = [cell for cell in expand(load_grid("nightly"), Filters()) if cell.task.cell.seed in seeds]

    def killed(command, **_):
        if planned:
            with Store(tmp_path / "grid", "run") as store:
                for cell in planned:
                    store.append(complete(opening(cell.task) | {"status": "ok", "h_mae_ru": 1.0}))
        return subprocess.CompletedProcess(command, -9, stdout="12 cells\n", stderr="some words\nKilled\n")

    monkeypatch.setattr(subprocess, "run", killed)
    return run_grid(tmp_path, tmp_path / "grid")


def test_a_run_that_was_cut_short_is_no_mean_of_the_seeds_that_are_there(monkeypatch, tmp_path):
    figures = run_of(monkeypatch, tmp_path, {0, 2})
    failure = figures["grid.h_mae_ru(double_well, fshnn, discrete)"].failure
    assert failure == "seed 1: lost: no row, and bench.run ended with exit code -9: Killed"
    assert len(figures) == 8
    assert all(figure.failure and not figure.samples for figure in figures.values())
    assert "some words" in (tmp_path / "grid.log").read_text()


def test_a_run_that_left_no_store_failed_in_every_line(monkeypatch, tmp_path):
    figures = run_of(monkeypatch, tmp_path, set())
    assert len(figures) == 8
    assert all(figure.failure.startswith("seed 0: lost") for figure in figures.values())


def test_a_run_with_all_rows_has_no_failure(monkeypatch, tmp_path):
    figures = run_of(monkeypatch, tmp_path, {0, 1, 2})
    assert {figure.samples for figure in figures.values()} == {(1.0,)}
    assert len(figures) == 4


def test_the_nightly_grid_is_a_dozen_trainings_with_three_seeds_each():
    cells = [planned.task.cell for planned in expand(load_grid("nightly"), Filters()) if not planned.skipped]
    assert len(cells) == 12
    assert {cell.seed for cell in cells} == {0, 1, 2}
