"""The a-posteriori estimate, measured: from rows to a figure and a table."""

import pandas as pd
import pytest

from bench.collocation import FILE, write
from reports import collocation


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> pd.DataFrame:
    return pd.read_parquet(write(tmp_path_factory.mktemp("results"), iterations=40).parent / FILE)


def test_polynomials_have_no_residual_at_the_nodes_and_the_orders_of_theory(rows: pd.DataFrame):
    """2s + 1 at the end and s + 1 between, with s Gauss nodes: the estimate's order holds at the end alone."""
    assert rows[rows["method"] == "polynomial"]["residual"].max() < 1e-13
    orders = collocation.orders(rows).set_index(["rule", "nodes"])
    for nodes in (1, 2, 3, 4):
        assert orders.loc[("gauss", nodes)].tolist() == pytest.approx([2 * nodes + 1, nodes + 1], abs=0.1)


def test_a_pinn_leaves_a_row_at_twenty_moments_and_its_error_falls_with_its_residual(rows: pd.DataFrame):
    pinns = rows[rows["method"] == "pinn"]
    assert set(pinns.groupby(["nodes", "span"]).size()) == {20}
    own = pinns[(pinns["nodes"] == 8) & (pinns["span"] == 1.0)]
    assert own["residual"].iloc[-1] < 0.5 * own["residual"].iloc[0]
    assert own["error_max"].iloc[-1] < 0.5 * own["error_max"].iloc[0]


def test_the_report_has_a_figure_and_a_table(rows: pd.DataFrame, tmp_path):
    rows.to_parquet(tmp_path / FILE)
    files = collocation.build(tmp_path, tmp_path / "out")
    assert [path.name for path in files] == ["collocation.png", "collocation.pdf", "collocation.md"]
    assert "| gauss | 3 | 6.98 | 4.01 |" in files[-1].read_text()
    assert all("units" in axis.get_ylabel() for axis in collocation.draw(rows).axes)
