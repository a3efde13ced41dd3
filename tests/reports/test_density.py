"""Densities that flows learn: from rows to a figure and a table."""

import pandas as pd
import pytest

from bench.density import FILE, write
from reports import density


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> pd.DataFrame:
    return pd.read_parquet(write(tmp_path_factory.mktemp("results"), iterations=2).parent / FILE)


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
    rows.to_parquet(tmp_path / FILE)
    files = density.build(tmp_path, tmp_path / "out")
    assert [path.name for path in files] == ["density.png", "density.pdf", "density.md"]
    assert files[-1].read_text().count("\n| eight gaussians |") == 3
    assert len(density.draw(rows).axes) == 10
