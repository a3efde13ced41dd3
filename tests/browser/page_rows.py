"""The store whose page the browser opens."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import SCHEMA, VERSION, complete

EVIL = "<img src=x onerror=document.title='cracked'>"
TRACEBACK = 'Traceback (most recent call last):\n  File "solver.py", line 3\nRuntimeError: </script><b>boom'


def _row(number: int, model: str, seed: int, error: float, **changes: object) -> dict:
    row = {
        "cell_id": f"{number:016x}", "kind": "train", "system": "double_well", "model": model, "seed": seed,
        "status": "ok", "attempt": 1, "protocol": "paper", "recipe": "one_cycle", "gradient_mode": "discrete",
        "integrator": "implicit_midpoint", "seq_len": 6, "device": "cpu", "dtype": "float32", "run_id": "run-1",
        "fingerprint": "f", "schema_version": VERSION, "started_at": "2026-01-01T00:00:00+00:00",
        "h_mae_ru": error, "h_mae_sg": 2 * error, "rollout_error": 1 / error,
    }  # fmt: skip
    return complete(row | changes)


def rows() -> list[dict]:
    """Forty entries of three seeds, so that there are two pages; and what should do no harm."""
    made = []
    for system in ("double_well", "henon_heiles"):
        for place in range(20):
            model = ("fshnn", "shnn", "nssnn", "hnn")[place % 4]
            for seed in range(3):
                error = 10.0 ** (-3 + place / 8) * (1 + 0.1 * seed)
                length = 4 * (1 + place // 4)
                curve = [3 * error, error] if place < 2 else None
                changes = {"system": system, "seq_len": length, "curve_validation": curve}
                made.append(_row(len(made), model, seed, error, **changes))
    made.append(_row(len(made), EVIL, 0, 0.5))
    made.append(_row(len(made), "escapes", 0, float("inf")))
    lost = {"status": "error", "phase": "train", "exception": "RuntimeError", "reason": EVIL, "traceback": TRACEBACK}
    made.append(_row(len(made), "fshnn", 9, 1.0, **lost))
    made.append(_row(len(made), "srnn", 0, 1.0, status="skipped", reason="the system is not separable"))
    return made


def store_of_everything(folder: Path) -> Path:
    """A store of these rows and the record of their run."""
    (folder / "store.json").write_text(json.dumps({"schema_version": VERSION}))
    pq.write_table(pa.Table.from_pylist(rows(), schema=SCHEMA), folder / "part-0.parquet")
    (folder / "runs").mkdir()
    record = {
        "command_line": ["python", "-m", "bench.run", "--grid", "paper"],
        "git_sha": "35580e7abcdef",
        "cpu": EVIL,
    }
    (folder / "runs" / "run-1.json").write_text(json.dumps(record))
    return folder
