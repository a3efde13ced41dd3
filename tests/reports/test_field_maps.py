"""Figures II to IV: which rows they show, and that the arrows are those of the fields."""

import numpy as np
import pytest
from matplotlib.quiver import Quiver
from synthetic_rows import field_map, frame, train_row

from reports import field_maps, theme
from reports.material import Material

TRUTH = train_row("double_well", "true_h", 0, 0, **field_map(0))


def learned(model: str, seed: int = 0, error: float = 0.1, **changes: object) -> dict:
    return train_row("double_well", model, seed, 0.01, **{**field_map(error), "validation_loss": 1.0, **changes})


def found(*rows: dict) -> field_maps.Map:
    material = Material(frame(list(rows)))
    (one,) = field_maps.maps("paper", material.lined["paper"])
    return one


def test_the_papers_own_model_is_shown_by_its_line_of_least_loss_and_its_first_seed():
    rows = [learned("fshnn", seed, recipe="paper", validation_loss=0.1) for seed in (1, 0)]
    one = found(TRUTH, learned("shnn", validation_loss=0.001), learned("fshnn"), *rows)
    assert (one.shown["line"], one.shown["seed"]) == ("fshnn (paper)", 0)
    assert found(TRUTH, learned("shnn", 3)).shown["line"] == "shnn (one_cycle)"


def test_arrows_point_where_the_field_does_at_points_of_the_grid():
    at_rest = 12  # the middle of the grid, where rounding leaves something
    first = [1e-16 if point == at_rest else value for point, value in enumerate(TRUTH["map_first"])]
    one = found(TRUTH | {"map_first": first}, learned("fshnn"))
    with theme.style():
        figure = field_maps.draw(one)
    arrows = [artist for axis in figure.axes for artist in axis.collections if isinstance(artist, Quiver)]
    assert len(arrows) == 2
    for quiver in arrows:
        q, p = quiver.XY.T
        assert len(q) == 25
        size = np.hypot(q, p)
        moving = size > 0
        assert np.hypot(quiver.U, quiver.V)[at_rest] < 1e-9
        assert quiver.U[moving] == pytest.approx((p / size.clip(1e-9))[moving])
        assert quiver.V[moving] == pytest.approx((-q / size.clip(1e-9))[moving])
    assert field_maps.speed(one.shown).max() == pytest.approx(1.1 * 8**0.5)
    labels = {axis.get_xlabel() for axis in figure.axes} | {axis.get_ylabel() for axis in figure.axes}
    assert {"q (position)", "p (momentum)", "epoch", "loss (state²)", "|f| in the plane (state/time)"} <= labels


def test_what_is_missing_is_said(tmp_path):
    chapter = field_maps.chapter(
        Material(frame([learned("polynomial", curve_train=None, curve_validation=None)])), tmp_path
    )
    assert chapter.missing == (
        "no row of true_h with a map of double_well, protocol paper: the true field is not drawn",
    )
    assert [exhibit.name for exhibit in chapter.exhibits] == ["field_double_well"]
    others = [
        train_row("henon_heiles", "fshnn", 0, 0.1),
        train_row("coupled_oscillator", "true_h", 0, 0, **field_map(0)),
    ]
    partial = field_maps.chapter(Material(frame([TRUTH, learned("fshnn"), *others])), tmp_path)
    assert partial.missing == tuple(
        f"no ok row of a trained model with a map of {system}, protocol paper: its field is not drawn"
        for system in ("coupled_oscillator", "henon_heiles")
    )
    none = field_maps.chapter(Material(frame([train_row("double_well", "fshnn", 0, 0.1)])), tmp_path)
    assert none.missing == ("no ok row of a trained model has a map of its field: Figures II to IV not drawn",)
