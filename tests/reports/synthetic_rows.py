"""Rows with known figures, from which the tests of the reports build stores."""

import itertools
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.schema import QUANTILES, SCHEMA, STUDIES, TEST_SETS, VERSION, complete

SYSTEMS = ("double_well", "coupled_oscillator", "henon_heiles")
_numbers = itertools.count()


def train_row(system: str, model: str, seed: int, error: float, **changes: object) -> dict:
    """An ok training row with `error` as mean error on all three test sets."""
    trained = model not in ("constant", "true_h")
    generator = np.random.default_rng([seed, len(system), len(model)])
    row = {
        "kind": "train", "system": system, "model": model, "seed": seed, "status": "ok", "attempt": 1,
        "protocol": "paper", "recipe": "one_cycle" if trained else None, "device": "cpu", "dtype": "float32",
        "gradient_mode": "discrete" if trained else None, "seq_len": 5 if trained else None,
        "integrator": "implicit_midpoint" if trained else None, "fingerprint": "f1", "run_id": "run-1",
        "schema_version": VERSION, "started_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    identity = "-".join(str({**row, **changes}[name]) for name in ("system", "model", "seed", "recipe", "protocol"))
    row["cell_id"] = f"cell-{identity}-{changes.get('gradient_mode', '')}"
    for test_set in TEST_SETS:
        row[f"h_mae_{test_set}"] = error
        sample = error * generator.lognormal(-0.3, 0.8, 4000)
        row[f"h_quantiles_{test_set}"] = np.quantile(sample, np.linspace(0, 1, QUANTILES)).tolist()
    if trained:
        epochs = np.arange(1, 11)
        decay = 5e-4 * (1 + 40 * np.exp(-0.7 * epochs) * generator.lognormal(0, 0.2, 10))
        curves = {"curve_train": (1.1 * decay).tolist(), "curve_validation": decay.tolist()}
        row |= curves | {"loss_floor": 4e-4, "train_s": 1.0}
    return complete({**row, **changes})


def field_map(error: float) -> dict:
    """Columns of a map: the rotation (p, -q) in the box [-2, 2]^2, faster by `error`, and states on a circle."""
    q, p = np.meshgrid(np.linspace(-2, 2, 5), np.linspace(-2, 2, 5), indexing="ij")
    angles = np.linspace(0, 6, 30)
    return {
        "map_plane": [0.0, 1.0], "map_box": [-2.0, 2.0, -2.0, 2.0],
        "map_first": ((1 + error) * p).ravel().tolist(), "map_second": (-(1 + error) * q).ravel().tolist(),
        "seen_first": np.cos(angles).tolist(), "seen_second": np.sin(angles).tolist(),
    }  # fmt: skip


def profile_row(mode: str, steps: int, seconds: float, peak: float, **changes: object) -> dict:
    """An ok profile row with 21 timings around `seconds` and `peak` bytes."""
    samples = seconds * np.linspace(0.9, 1.1, 21)
    row = {
        "kind": "profile", "system": "coupled_oscillator", "model": "fshnn", "gradient_mode": mode, "seed": 0,
        "seq_len": steps, "integrator": "implicit_midpoint", "protocol": "paper", "recipe": "one_cycle",
        "start_guess": "extrapolation", "net": "untrained", "observations": 4,
        "device": "cpu", "dtype": "float32", "status": "ok", "attempt": 1, "run_id": "run-1",
        "fingerprint": "f1",
        "schema_version": VERSION, "started_at": "2026-01-01T00:00:00+00:00", "batch_size": 512,
        "step_size": 0.01, "iteration_s": float(np.median(samples)), "iteration_samples_s": samples.tolist(),
        "peak_bytes": round(peak), "peak_forward_bytes": round(0.6 * peak), "peak_backward_bytes": round(peak),
        "peak_optimizer_bytes": 4096, "field_evals_forward": 4.0 * steps, "field_evals_backward": 2.0 * steps,
        "gradient_rel_error": 1e-6, "gradient_cosine": 1.0,
        "cell_id": f"profile-{mode}-{steps}-{next(_numbers)}",
    }  # fmt: skip
    return complete({**row, **changes})


def full_rows(systems: tuple[str, ...] = SYSTEMS) -> list[dict]:
    """Two recipes, the references, three gradient modes, a sweep of h, and cells that failed."""
    rows = []
    for system, scale in zip(systems, (0.66, 0.8, 0.28), strict=False):
        rows += [train_row(system, "constant", 0, scale), train_row(system, "true_h", 0, 3e-9, **field_map(0))]
        rows += [train_row(system, "fshnn", seed, 0.009 + 0.0005 * seed, **field_map(0.1)) for seed in range(5)]
        rows += [train_row(system, "fshnn", seed, scale * (1 + 0.1 * seed), recipe="paper") for seed in range(3)]
    rows[-1] |= {"status": "diverged", "reason": "the loss became NaN in epoch 3"}
    for mode, power, memory in (("backprop", 1.1, 1.0), ("discrete", 1.0, 0.2), ("continuous", 1.05, 0.0)):
        for steps in (4, 8, 16, 32, 64, 128):
            rows.append(profile_row(mode, steps, 2e-3 * steps**power, 2.0**21 * steps**memory))
    for h in (0.02, 0.04):
        rows.append(profile_row("continuous", 16, 3e-2, 2.0**21, step_size=h, gradient_rel_error=0.3 * h**2))
    rows.append(profile_row("backprop", 256, 1, 1, status="oom", reason="needs 30 GiB", peak_bytes=None))
    return rows


def frame(rows: list[dict]) -> pd.DataFrame:
    """Rows as `bench.store.read` gives them."""
    return pa.Table.from_pylist(rows, schema=SCHEMA).to_pandas()


def stored(study: str, rows: Iterable[dict]) -> pd.DataFrame:
    """The rows of a study as a store gives them back."""
    return pa.Table.from_pylist([{**row, "run_id": "run-1"} for row in rows], schema=STUDIES[study]).to_pandas()


def write_store(folder: Path, rows: list[dict]) -> Path:
    """A store folder with the rows in one Parquet file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "store.json").write_text(f'{{"schema_version": {VERSION}}}')
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "part-0.parquet")
    return folder
