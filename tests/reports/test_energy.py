"""Energy over long rollouts: what is drawn, and the exponent of a growth that is known."""

import numpy as np
import pytest
from synthetic_rows import frame, full_rows, train_row

from reports import energy
from reports import rows as select
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
    found = points(rows_of(KNOWN))
    by_model = {model: energy.growth(own) for model, own in found.groupby("model")}
    assert by_model == {"pinn": pytest.approx(1.0), "sympflow": pytest.approx(0.0, abs=1e-12)}


def test_rounding_is_not_drawn_and_lines_stand_in_the_table():
    found = points(rows_of(KNOWN))
    assert set(found["model"]) == {"pinn", "sympflow"}
    pinn, sympflow = energy.table(found)
    assert pinn == ["henon heiles", "pinn (one_cycle)", "0.00108", "1000", "0.1", "0.1", "1"]
    assert sympflow[:6] == ["henon heiles", "sympflow (one_cycle)", "0.0001", "1000", "0.0001", "0.0001"]


def test_axes_have_units():
    (axis,) = energy.draw(points(rows_of(KNOWN))).axes
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
