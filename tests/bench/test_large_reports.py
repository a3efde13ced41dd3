"""Stores of drawn figures, and what all reports on them cost."""

from pathlib import Path

from bench.perf.large_reports import build, write
from bench.schema import QUANTILES
from bench.store import read


def test_a_drawn_store_holds_the_cells_of_the_grid_and_more_seeds(tmp_path: Path):
    write(tmp_path / "store", "smoke", 60)
    rows = read(tmp_path / "store")
    assert len(rows) == rows["cell_id"].nunique() == 60
    assert set(rows["status"]) == {"ok"}
    trained = rows[(rows["status"] == "ok") & (rows["kind"] == "train")]
    assert {len(quantiles) for quantiles in trained["h_quantiles_ru"]} == {QUANTILES}
    assert rows["seed"].max() > 0


def test_what_reports_cost_is_metered_with_the_processes_that_they_start(tmp_path: Path):
    write(tmp_path / "store", "smoke", 60)
    cost = build(tmp_path / "store", tmp_path / "report")
    assert (tmp_path / "report" / "report.html").is_file()
    assert cost.cpu_s > 0
    assert 2**26 < cost.peak_bytes < 2**34
