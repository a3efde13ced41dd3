"""Stores of drawn figures, and the bounds that all reports on them keep."""

from pathlib import Path

import pytest

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


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "rows", "seconds"), [("paper", 75, 60), ("full", 100_000, 90)])
def test_all_reports_are_built_in_time_and_memory(tmp_path: Path, grid: str, rows: int, seconds: float):
    write(tmp_path / "store", grid, rows)
    cost = build(tmp_path / "store", tmp_path / "report")
    assert (tmp_path / "report" / "report.html").is_file()
    assert cost.cpu_s < seconds
    assert cost.peak_bytes < 2 * 2**30
