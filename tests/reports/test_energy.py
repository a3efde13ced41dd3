"""Energy over long rollouts: what is drawn, and the exponent of a growth that is known."""

import numpy as np
import pytest
from matplotlib.image import imread
from synthetic_rows import frame, full_rows, train_row

from reports import energy, saving, theme
from reports import rows as select
from reports.frames import distinct_pairs
from reports.layout import PAGE
from reports.material import Material

TIMES = np.geomspace(0.1, 1000, 60)


def rows_of(curves: dict[str, np.ndarray], **changes: object) -> list[dict]:
    return [
        train_row(
            "henon_heiles", model, 0, 0.1, energy_times=TIMES.tolist(), energy_error_curve=curve.tolist(), **changes
        )
        for model, curve in curves.items()
    ]


KNOWN = {"sympflow": np.full(60, 1e-4), "pinn": 1e-4 * TIMES, "true_h": np.full(60, 1e-15)}


def points(rows: list[dict]):
    return energy.curves(select.with_lines(select.of_kind(frame(rows), "train")))


def test_the_exponent_is_that_of_the_growth():
    found = {line: own.mean for (_, line), own in energy.growths(points(rows_of(KNOWN))).items()}
    assert found == {"pinn (one_cycle)": pytest.approx(1.0), "sympflow (one_cycle)": pytest.approx(0.0, abs=1e-12)}


def seeds_of(model: str, curves: list[np.ndarray], **changes: object) -> list[dict]:
    """A row a seed."""
    return [
        train_row("henon_heiles", model, seed, 0.1, energy_times=TIMES.tolist(), energy_error_curve=curve.tolist(),
                  **changes)
        for seed, curve in enumerate(curves)
    ]  # fmt: skip


def test_an_exponent_has_the_interval_over_its_seeds():
    rows = seeds_of("pinn", [1e-4 * TIMES**power for power in (0.9, 1.0, 1.1)])
    (found,) = energy.growths(points(rows)).values()
    half = 4.302652729911275 * 0.1 / np.sqrt(3)
    assert (found.mean, found.high - found.mean) == (pytest.approx(1.0), pytest.approx(half))
    (line,) = energy.table(points(rows))
    assert line[-2:] == ["1.00 ± 0.25", "3"]


def test_a_seed_that_escapes_ends_the_line_and_is_no_small_error():
    whole, escaping = 1e-4 * TIMES, np.where(TIMES > 100, np.inf, 1e-6)
    rows = seeds_of("pinn", [whole, escaping, whole])
    (line,) = energy.table(points(rows))
    assert line[3:] == ["1000", "inf", "inf", "inf", "3"]
    looks = {line[1]: theme.model_look("pinn")}
    (axis,) = energy.draw(points(rows), looks).axes
    (drawn, *_), (band,) = axis.lines, axis.collections
    assert drawn.get_xdata().max() == pytest.approx(TIMES[TIMES <= 100].max())
    assert np.isfinite(band.get_paths()[0].vertices).all()
    assert energy.draw(points(seeds_of("pinn", [np.full(60, np.inf)])), looks).axes


def test_a_line_of_which_no_rollout_lasts_stands_among_the_drifts():
    rows = seeds_of("pinn", [np.full(60, np.inf)] * 2, long_escape_share=1.0)
    (found,) = energy.drifts(select.with_lines(select.of_kind(frame(rows), "train"))).to_dict("records")
    assert (found["long_escape_share"], found["seeds"], np.isnan(found["energy_drift"])) == (1.0, 2, True)


def test_rounding_is_not_drawn_and_lines_stand_in_the_table():
    found = points(rows_of(KNOWN))
    assert set(found["model"]) == {"pinn", "sympflow"}
    pinn, sympflow = energy.table(found)
    assert pinn == ["henon heiles", "pinn (one_cycle)", "0.00108", "1000", "0.1", "0.1", "1.00", "1"]
    assert sympflow[:6] == ["henon heiles", "sympflow (one_cycle)", "0.0001", "1000", "0.0001", "0.0001"]


def test_axes_have_units():
    found = points(rows_of(KNOWN))
    looks = theme.line_looks(sorted(distinct_pairs(found, "model", "line")))
    (axis,) = energy.draw(found, looks).axes
    assert axis.get_xlabel() == "t (units of the system's time)"
    assert "units of H" in axis.get_ylabel()
    assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")


def test_protocols_with_long_rollouts_have_a_figure_and_drifts_each_and_the_others_none(tmp_path):
    none = energy.chapter(Material(frame(full_rows())), tmp_path)
    assert (none.exhibits, len(none.missing)) == ((), 1)
    drifting = {"energy_horizon": 1000.0, "energy_drift": 2e-5}
    rows = rows_of(KNOWN) + rows_of({"pinn": TIMES}, protocol="longer", **drifting)
    rows.append(train_row("double_well", "pinn", 0, 0.1, status="timeout"))
    chapter = energy.chapter(Material(frame(rows)), tmp_path)
    exhibits = chapter.exhibits
    assert chapter.missing == (
        "no ok row of double_well, protocol paper, with a long rollout: its energy is not drawn",
    )
    assert [exhibit.name for exhibit in exhibits] == ["energy_longer", "energy_drift_longer", "energy_paper"]
    assert [exhibit.picture is not None for exhibit in exhibits] == [True, False, True]
    assert "| henon heiles | pinn (one_cycle) | 2e-05 |" in exhibits[1].body
    assert all(path.stat().st_size for exhibit in exhibits for path in exhibit.files)


def test_many_systems_share_one_table_and_no_figure_is_higher_than_a_page(tmp_path):
    curve = {"energy_times": TIMES.tolist(), "energy_error_curve": TIMES.tolist()}
    rows = [train_row(f"system_{number}", "pinn", 0, 0.1, **curve) for number in range(7)]
    first, second = energy.chapter(Material(frame(rows)), tmp_path).exhibits
    assert (first.name, second.name) == ("energy", "energy_sheet2")
    assert first.body.count("pinn (one_cycle)") == 7
    assert [path.suffix for path in second.files] == [".png", ".pdf"]
    assert len(first.cells) == 7
    assert len(second.cells) == 3
    assert all(imread(exhibit.picture).shape[0] <= PAGE * saving.DPI for exhibit in (first, second))
