"""The store: what is in it is on the disk, is read whole, and stands there once."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.schema import COLUMNS, SCHEMA, VERSION, UnknownColumn
from bench.store import DamagedFile, Store, StoreError, check_usable, read

PROMISED = """
cell_id kind system model gradient_mode integrator seq_len seed protocol recipe device status attempt
h_mae_ru h_mae_sg h_mae_gaussian field_error gradient_rel_error gradient_cosine
iteration_s peak_bytes field_evals compile_s train_s eval_s wall_s
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "store"


def files(folder: Path, pattern: str) -> list[Path]:
    return sorted(folder.glob(pattern))


def fill(folder: Path, run_id: str, rows: list[dict]) -> None:
    with Store(folder, run_id) as store:
        for row in rows:
            store.append(row)


def crash(store: Store) -> None:
    """What is left of a store whose process was killed."""
    store._lock.close()


def test_rows_come_back_as_they_were(folder: Path, make_row):
    row = make_row(1, h_mae_ru=0.1, seq_len=4, peak_bytes=2**40, reason="ü\u2028\n\"'", curve_train=[1.5, 0.5])
    fill(folder, "a", [row])
    (back,) = read(folder).to_dict(orient="records")
    assert {name: back[name] for name in row if name != "curve_train"} == {
        name: value for name, value in row.items() if name != "curve_train"
    }
    assert list(back["curve_train"]) == [1.5, 0.5]
    assert back["run_id"] == "a"


def test_the_promised_columns_are_there_in_an_empty_store_too(folder: Path):
    fill(folder, "a", [])
    frame = read(folder)
    assert set(frame.columns) >= set(PROMISED.split())
    assert list(frame.columns) == list(COLUMNS)
    assert frame.empty


def test_a_row_is_on_the_disk_before_append_returns(folder: Path, make_row, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    with Store(folder, "a") as store:
        synced.clear()
        store.append(make_row(1))
        (journal,) = files(folder, "journal-*")
        assert synced[0] == journal.stat().st_size > 0


def test_another_process_reads_a_row_while_the_writer_is_open(folder: Path, make_row):
    with Store(folder, "a") as store:
        store.append(make_row(7))
        code = f"from bench.store import read; print(read({str(folder)!r})['cell_id'].tolist())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['7']"


@pytest.mark.parametrize("compacted", [False, True])
def test_nan_and_null_stay_apart(folder: Path, make_row, compacted: bool):
    store = Store(folder, "a")
    store.append(make_row(1, train_loss=float("nan"), validation_loss=float("inf"), field_error=None))
    if compacted:
        store.close()
        (part,) = files(folder, "part-*")
        table = pq.read_table(part)
        assert (table["train_loss"].null_count, table["field_error"].null_count) == (0, 1)
    else:
        crash(store)
    (row,) = read(folder).to_dict(orient="records")
    assert pd.isna(row["train_loss"])
    assert row["validation_loss"] == float("inf")
    assert pd.isna(row["field_error"])


def test_an_unknown_column_is_an_error_and_leaves_no_trace(folder: Path, make_row):
    with Store(folder, "a") as store:
        with pytest.raises(UnknownColumn, match="no column colour"):
            store.append(make_row(1, colour="red"))
        store.append(make_row(2))
    assert read(folder)["cell_id"].tolist() == ["2"]


def test_the_last_attempt_counts_and_all_are_kept(folder: Path, make_row):
    late = make_row(1, attempt=2, status="ok", started_at="2026-01-02T00:00:00")
    fill(folder, "a", [make_row(1, status="error"), make_row(2)])
    fill(folder, "b", [late])
    frame = read(folder)
    assert dict(zip(frame["cell_id"], frame["attempt"], strict=True)) == {"1": 2, "2": 1}
    assert len(read(folder, attempts=True)) == 3


def test_the_last_attempt_counts_even_where_a_clock_went_back(folder: Path, make_row):
    fill(folder, "a", [make_row(1, started_at="2026-01-02")])
    fill(folder, "b", [make_row(1, attempt=2, started_at="2026-01-01")])
    assert read(folder)["attempt"].tolist() == [2]


def test_a_hundred_rows_become_one_parquet_file(folder: Path, make_row):
    with Store(folder, "a") as store:
        for number in range(99):
            store.append(make_row(number))
        assert files(folder, "part-*") == []
        store.append(make_row(99))
        assert len(files(folder, "part-*")) == 1
        store.append(make_row(100))
        assert len(read(folder)) == 101
    assert len(files(folder, "part-*")) == 2
    assert files(folder, "journal-*") == []
    assert read(folder)["cell_id"].tolist() == [str(number) for number in range(101)]


def test_parquet_carries_units_and_the_version(folder: Path, make_row):
    fill(folder, "a", [make_row(1)])
    schema = pq.read_schema(files(folder, "part-*")[0])
    assert schema.field("peak_bytes").metadata[b"unit"] == b"bytes"
    assert schema.metadata[b"schema_version"] == str(VERSION).encode()
    assert schema.equals(SCHEMA, check_metadata=False)


def test_a_half_written_last_line_is_dropped_with_a_warning(folder: Path, make_row):
    store = Store(folder, "a")
    store.append(make_row(1))
    store.append(make_row(2))
    crash(store)
    (journal,) = files(folder, "journal-*")
    journal.write_bytes(journal.read_bytes()[:-40])
    with pytest.warns(DamagedFile, match=r"journal-a\.jsonl: line 2 is not whole"):
        assert read(folder)["cell_id"].tolist() == ["1"]
    with pytest.warns(DamagedFile, match="line 2"):
        fill(folder, "b", [make_row(3)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(folder)["cell_id"].tolist() == ["1", "3"]


def test_a_journal_of_a_killed_run_is_kept_by_the_next(folder: Path, make_row):
    store = Store(folder, "a")
    store.append(make_row(1))
    crash(store)
    fill(folder, "b", [make_row(2)])
    assert read(folder)[["cell_id", "run_id"]].to_numpy().tolist() == [["1", "a"], ["2", "b"]]
    assert files(folder, "journal-*") == []


def test_a_crash_between_parquet_and_the_journals_removal_duplicates_nothing(folder: Path, make_row):
    store = Store(folder, "a")
    store.append(make_row(1))
    (journal,) = files(folder, "journal-*")
    content = journal.read_bytes()
    store.close()
    journal.write_bytes(content)
    assert len(read(folder, attempts=True)) == 1
    fill(folder, "b", [make_row(2)])
    assert read(folder, attempts=True)["cell_id"].tolist() == ["1", "2"]
    in_parquet = [name for part in files(folder, "part-*") for name in pq.read_table(part)["cell_id"].to_pylist()]
    assert sorted(in_parquet) == ["1", "2"]


def test_a_crash_while_a_file_is_written_leaves_the_old_state(folder: Path, make_row):
    fill(folder, "a", [make_row(1)])
    (folder / ".part-b.parquet.0123").write_bytes(b"half a file")
    assert read(folder)["cell_id"].tolist() == ["1"]
    fill(folder, "b", [make_row(2)])
    assert len(read(folder)) == 2


def test_a_crash_before_the_marker_leaves_a_usable_folder(folder: Path, make_row):
    folder.mkdir(parents=True)
    (folder / ".store.json.0123").write_bytes(b"{")
    check_usable(folder)
    fill(folder, "a", [make_row(1)])
    assert len(read(folder)) == 1


@pytest.mark.parametrize("damage", [lambda old: b"", lambda old: old[: len(old) // 2], lambda old: b"x" * len(old)])
def test_a_damaged_parquet_file_is_named_set_aside_and_the_rest_is_used(folder: Path, make_row, damage):
    fill(folder, "a", [make_row(1)])
    (first,) = files(folder, "part-*")
    fill(folder, "b", [make_row(2)])
    bad = damage(first.read_bytes())
    first.write_bytes(bad)
    with pytest.warns(DamagedFile, match=first.name):
        assert read(folder)["cell_id"].tolist() == ["2"]
    with Store(folder, "c") as store:
        assert store.set_aside == [f"damaged/{first.name}"]
    assert (folder / "damaged" / first.name).read_bytes() == bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(folder)["cell_id"].tolist() == ["2"]


def test_an_older_file_without_a_newer_column_is_read_with_nulls(folder: Path, make_row):
    fill(folder, "a", [make_row(1, compile_s=1.0)])
    (part,) = files(folder, "part-*")
    pq.write_table(pq.read_table(part).drop_columns(["compile_s"]), part)
    assert read(folder)["compile_s"].isna().tolist() == [True]


@pytest.mark.parametrize("use", [read, check_usable, lambda folder: Store(folder, "a")])
def test_a_foreign_folder_is_refused_and_left_alone(folder: Path, use):
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="not a store of hamiltonian-bench"):
        use(folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("use", [read, check_usable, lambda folder: Store(folder, "a")])
def test_a_newer_schema_is_refused(folder: Path, use):
    fill(folder, "a", [])
    (folder / "store.json").write_text(json.dumps({"schema_version": 99}))
    with pytest.raises(StoreError, match=f"schema version 99, this code reads versions up to {VERSION}:"):
        use(folder)


def test_reading_what_was_never_written_is_an_error(tmp_path: Path):
    with pytest.raises(StoreError, match="nothing was ever stored there"):
        read(tmp_path / "absent")


def test_a_second_writer_is_told_who_writes(folder: Path):
    with (
        Store(folder, "a"),
        pytest.raises(StoreError, match=rf"written by process {os.getpid()} on {os.uname().nodename}"),
    ):
        Store(folder, "b")
    Store(folder, "c").close()


def test_provenance_lies_beside_the_rows(folder: Path):
    with Store(folder, "a") as store:
        store.write_provenance({"git_sha": "abc"})
    assert json.loads((folder / "runs" / "a.json").read_text()) == {"git_sha": "abc"}
