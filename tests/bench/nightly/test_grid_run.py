"""Errors of the nightly grid as figures, and the grid itself."""

from math import nan

from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.nightly.grid_run import line_figures


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


def test_the_nightly_grid_is_a_dozen_trainings_with_three_seeds_each():
    cells = [planned.task.cell for planned in expand(load_grid("nightly"), Filters()) if not planned.skipped]
    assert len(cells) == 12
    assert {cell.seed for cell in cells} == {0, 1, 2}
