"""Stores that older code wrote, one for each version of the schema, and what their rows mean today.

`stores/vN` holds the tiny grid, run by commits b9d212b~1, c24d518~1 and c24d518: the last of version 1, the last of
version 2, the first of version 3.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import bench.run
from bench.schema import COLUMNS, SCHEMA, VERSION
from bench.store import Store, StoreError, check_usable, read
from bench.store.__main__ import app
from bench.store.migration import migrated
from bench.store.upkeep import doctor, merge

STORES = Path(__file__).parent / "stores"
CHANGED = {1: {"preset", "compiled", "solver_residual"}, 2: {"rollout_error"}}  # by the step to the next version


@pytest.fixture(params=[1, 2, 3, 4, 5])
def version(request) -> int:
    return request.param


@pytest.fixture
def old(version: int, tmp_path: Path) -> Path:
    return Path(shutil.copytree(STORES / f"v{version}", tmp_path / "old"))


def stored(folder: Path) -> pd.DataFrame:
    """The rows as the file has them."""
    return pq.read_table(folder / "part-0.parquet").to_pandas().set_index("cell_id")


def exact(value: object) -> object:
    """What is equal for equal bits, NaN included."""
    return value.tobytes() if isinstance(value, np.ndarray) else "null" if value is None else repr(value)


def check(rows: pd.DataFrame, folder: Path, version: int) -> None:
    before, after = stored(folder), rows.set_index("cell_id")
    changed = set().union(*(names for step, names in CHANGED.items() if step >= version)) | {"schema_version"}
    assert set(after.columns) == set(COLUMNS) - {"cell_id"}
    assert sorted(after["status"]) == ["ok"] * 4
    for name in (set(before.columns) & set(COLUMNS)) - changed:
        assert before[name].map(exact).to_dict() == after[name].map(exact).to_dict(), name
    assert set(after["schema_version"]) == {VERSION}
    learned = after["model"] != "constant"
    assert set(after.loc[learned, "preset"]) == {"paper"}
    assert after.loc[~learned, "preset"].isna().tolist() == [True]
    assert not after["compiled"].astype(bool).any()
    assert after["rollout_error"].isna().all() == (version < 3)
    if version == 1:
        assert before["solver_residual"].notna().any()
        assert after["solver_residual"].isna().all()


def test_every_version_up_to_this_has_a_store():
    assert {path.name for path in STORES.iterdir()} == {f"v{number}" for number in range(1, VERSION + 1)}
    for number in range(1, VERSION + 1):
        assert json.loads((STORES / f"v{number}" / "store.json").read_text()) == {"schema_version": number}


def test_an_old_store_is_read_with_what_its_columns_mean_today(old: Path, version: int):
    check(read(old), STORES / f"v{version}", version)


def test_some_columns_of_an_old_store_are_those_of_all(old: Path):
    for names in (["preset"], ["rollout_error", "status"], ["schema_version"], ["solver_residual", "compiled"]):
        assert read(old, columns=names).equals(read(old)[names])


def test_the_journal_of_an_old_run_that_was_killed_is_migrated_too(old: Path, version: int):
    (part,) = old.glob("part-*")
    rows = pq.read_table(part).to_pylist()
    (old / "journal-a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    part.unlink()
    check(read(old), STORES / f"v{version}", version)
    Store(old, "b").close()
    assert not list(old.glob("journal-*"))
    check(read(old), STORES / f"v{version}", version)


def test_an_old_store_goes_on_as_one_of_today(old: Path, version: int, make_row):
    with Store(old, "b") as store:
        store.append(make_row(1, preset="matched"))
    presets = dict(zip(*(read(old)[name] for name in ("cell_id", "preset")), strict=True))
    assert presets.pop("1") == "matched"
    assert list(presets.values()).count("paper") == 3
    assert json.loads((old / "store.json").read_text()) == {"schema_version": VERSION}


def test_doctor_and_merge_write_old_rows_anew(old: Path, version: int, tmp_path: Path):
    found = [finding.what for finding in doctor(old) if finding.remedy == "write anew"]
    assert len(found) == (version < VERSION)
    doctor(old, mend=True)
    assert not [finding for finding in doctor(old) if finding.remedy == "write anew"]
    assert merge(tmp_path / "all", [old]).rows == 4
    for folder in (old, tmp_path / "all"):
        check(read(folder), STORES / f"v{version}", version)


@pytest.mark.parametrize("where", ["marker", "part"])
def test_a_store_of_a_newer_schema_is_a_sentence(where: str, tmp_path: Path):
    folder = Path(shutil.copytree(STORES / f"v{VERSION}", tmp_path / "new"))
    if where == "marker":
        (folder / "store.json").write_text(json.dumps({"schema_version": VERSION + 1}))
        with pytest.raises(StoreError, match="or a newer one"):
            check_usable(folder)
    else:
        table = pq.read_table(folder / "part-0.parquet")
        metadata = {"schema_version": str(VERSION + 1)}
        pq.write_table(table.replace_schema_metadata(metadata), folder / "part-0.parquet")
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    grid = str(Path(__file__).parent / "tiny" / "grid.toml")
    for command, words in (
        (bench.run.app, ["--grid", grid, "--out", str(folder), "--backend", "inline"]),
        (app, ["status", str(folder)]),
    ):
        result = CliRunner().invoke(command, words, env={"COLUMNS": "400"})
        assert result.exit_code == 2
        assert f"has schema version {VERSION + 1}, this code reads versions up to {VERSION}" in result.output
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


def test_rollout_errors_of_own_data_are_null_before_version_4():
    versions, data = [3, 3, 4, 4], [None, "own", None, "own"]
    rows = [
        {"schema_version": version, "data": own, "rollout_error": 1.0}
        for version, own in zip(versions, data, strict=True)
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    assert migrated(table, 3)["rollout_error"].to_pylist() == [1.0, None, 1.0, 1.0]
