"""Stores of drawn figures, and what all reports on them cost."""

import os
import subprocess
import sys
from pathlib import Path

from bench.perf.large_reports import build, memory, write
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


def test_memory_is_that_of_a_process_and_of_those_that_it_starts():
    filled = "filled = bytearray(b'x') * 10**8; print('full', flush=True); input()"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {filled!r}])"
    with subprocess.Popen([sys.executable, "-c", starts], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"full\n"
        assert 10**8 < memory(process.pid) < 2 * 10**8
        process.communicate(b"\n")
    assert memory(process.pid) == 0


def test_what_a_report_costs_is_measured(tmp_path: Path):
    write(tmp_path / "store", "smoke", 60)
    cost = build(tmp_path / "store", tmp_path / "report")
    assert (tmp_path / "report" / "report.html").is_file()
    assert 0 < cost.cpu_s < 1.1 * len(os.sched_getaffinity(0)) * cost.wall_s
    assert cost.peak_bytes > 10**8
