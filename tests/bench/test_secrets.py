"""What a run leaves behind holds nothing of its environment."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bench.attempt
import bench.run
from bench.attempt import build
from bench.store import read, records

SECRET = "planted-3f9c1b7e-token"


@pytest.mark.usefixtures("hasty")
def test_rows_tracebacks_and_provenance_hold_no_token(tiny: Path, tmp_path: Path, monkeypatch):
    def fail_with_a_token_at_hand(cell, *rest):
        token = os.environ["AWS_SECRET_ACCESS_KEY"]
        assert token == SECRET
        if cell.seed == 1:
            raise ZeroDivisionError("a bug of the model")
        return build(cell, *rest)

    for name in ("AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "OMP_SECRET", "RAY_AUTH_TOKEN", "PLANTED"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setattr(bench.attempt, "build", fail_with_a_token_at_hand)
    monkeypatch.setattr(bench.run, "build_report", lambda place: True)
    out = tmp_path / "out"
    words = ["--grid", str(tiny / "grid.toml"), "--out", str(out), "--backend", "inline"]
    result = CliRunner().invoke(bench.run.app, words)
    rows = read(out, attempts=True)
    (traceback,) = rows["traceback"].dropna()
    assert "fail_with_a_token_at_hand" in traceback
    found = {
        "rows": rows.to_json(),
        "provenance": json.dumps(records(out)),
        "output": result.output,
        "files": " ".join(map(str, out.rglob("*"))),
    }
    assert [where for where, text in found.items() if SECRET in text] == []
    assert all(SECRET.encode() not in path.read_bytes() for path in out.rglob("*") if path.is_file())
    (record,) = records(out).values()
    assert set(record["threads"]) == {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
