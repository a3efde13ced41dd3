"""Densities that flows learn: from rows to a figure and a table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from synthetic_rows import stored

from bench.studies import density as study
from reports import density


@pytest.fixture(scope="module")
def rows() -> Iterator[pd.DataFrame]:
    """Of trainings that are as short and coarse as can be."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"STEPS": 2, "JUDGED_STEPS": 4, "SIDE": 21}.items():
            patch.setattr(study, name, value)
        yield stored("density", study.rows(iterations=2))


def test_every_flow_leaves_its_divergence_as_it_trains_and_its_density_at_the_end(rows: pd.DataFrame):
    trained = rows[rows["flow"] != "truth"]
    assert set(trained.groupby(["density", "flow", "trace"]).size()) == {2}
    assert len(trained) == 2 * 2 * 3
    assert (trained["kl"] > 0).all()
    assert (density.endings(trained)["iteration"] == 2).all()


def test_the_truth_is_drawn_once_a_density(rows: pd.DataFrame):
    truth = rows[rows["flow"] == "truth"]
    assert sorted(truth["density"]) == ["eight_gaussians", "two_moons"]
    assert {len(points) for points in truth["points"]} == {4000}


def test_the_report_has_a_figure_and_a_table(rows: pd.DataFrame, tmp_path):
    (exhibit,) = density.exhibits(rows, tmp_path)
    assert [path.name for path in exhibit.files] == [f"density.{kind}" for kind in ("png", "pdf", "md", "tex", "csv")]
    assert exhibit.body.count("\n| eight gaussians |") == 3
    assert len(density.draw(rows).axes) == 10
    numbers = pd.read_csv(tmp_path / "density.csv")
    assert set(numbers["run_id"]) == {"run-1"}
    assert sorted(numbers["kl"]) == sorted(density.endings(rows).query("flow != 'truth'")["kl"].astype(float))


def test_a_hamiltonian_flow_cannot_come_closer_than_the_areas_of_level_sets_allow():
    """For a normal density of another width s, the least KL is that of the two themselves: no map is needed."""
    axis = np.linspace(-density.REACH, density.REACH, 321)
    squares, width = axis[:, None] ** 2 + axis**2, 0.5
    normal = (-squares / (2 * width**2) - np.log(2 * np.pi * width**2)).ravel()
    assert density.mass(normal) == pytest.approx(1, abs=1e-6)
    expected = np.log(1 / width**2) + width**2 - 1
    assert density.least_divergence(normal) == pytest.approx(expected, rel=1e-3)
    moved = np.roll(normal.reshape(321, 321), 40, axis=0).ravel()
    assert density.least_divergence(moved) == density.least_divergence(normal)
