"""The a-posteriori estimate, measured: from rows to a figure and a table."""

import pandas as pd
import pytest
from synthetic_rows import stored

from bench.studies import collocation as study
from reports import collocation


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return stored("collocation", study.rows(iterations=40))


def test_polynomials_have_no_residual_at_the_nodes_and_the_orders_of_theory(rows: pd.DataFrame):
    """2s + 1 at the end and s + 1 between, with s Gauss nodes: the estimate's order holds at the end alone."""
    assert rows[rows["method"] == "polynomial"]["residual"].max() < 1e-13
    orders = collocation.orders(rows).set_index(["rule", "nodes"])[["order_end", "order_max"]]
    for nodes in (1, 2, 3, 4):
        assert orders.loc[("gauss", nodes)].tolist() == pytest.approx([2 * nodes + 1, nodes + 1], abs=0.1)


def test_a_pinn_leaves_a_row_at_twenty_moments_and_its_error_falls_with_its_residual(rows: pd.DataFrame):
    pinns = rows[rows["method"] == "pinn"]
    assert set(pinns.groupby(["nodes", "span"]).size()) == {20}
    own = pinns[(pinns["nodes"] == 8) & (pinns["span"] == 1.0)]
    assert own["residual"].iloc[-1] < 0.5 * own["residual"].iloc[0]
    assert own["error_max"].iloc[-1] < 0.5 * own["error_max"].iloc[0]


def test_the_report_has_a_figure_and_a_table(rows: pd.DataFrame, tmp_path):
    orders, endings = collocation.exhibits(rows, tmp_path)
    assert [path.suffix for path in orders.files] == [".png", ".pdf", ".md", ".tex", ".csv"]
    assert "| gauss | 3 | 6.98 | 4.01 |" in orders.body
    assert endings.body.count("\n") == 2 + 3 * 2
    assert all("units" in axis.get_ylabel() for axis in collocation.draw(rows).axes)
