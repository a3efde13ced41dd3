"""Several stores as one, damaged and old files, and looking on while a run goes on."""

import json
import os
import shutil
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import bench.store.writer
from bench.schema import VERSION
from bench.store import Place, Store, StoreError, read
from bench.store.__main__ import app
from bench.store.files import read_part
from bench.store.upkeep import doctor, merge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def fill(folder: Path, run_id: str, rows: list[dict]) -> Path:
    with Store(folder, run_id) as store:
        store.write_provenance({"run_id": run_id, "started_at": "2026-01-01T00:00:00+00:00", "planned": len(rows)})
        store.append(*rows)
    return folder


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def everything(folder: Path) -> list[tuple]:
    rows = read(folder, attempts=True)
    return sorted(zip(rows["cell_id"], rows["attempt"], rows["run_id"], rows["wall_s"], strict=True))


@pytest.fixture
def three(tmp_path: Path, make_row) -> list[Path]:
    """Stores of three machines that have rows in common: of the same run, and of the same cell in other runs."""
    shared = fill(tmp_path / "a", "a", [make_row(number) for number in range(3)])
    other = fill(Path(shutil.copytree(shared, tmp_path / "b")), "b", [make_row(2, wall_s=9.0), make_row(3)])
    third = fill(tmp_path / "c", "c", [make_row(3, attempt=2), make_row(4, status="error")])
    return [shared, other, third]


def test_merging_is_associative_commutative_and_idempotent(tmp_path: Path, three: list[Path]):
    results = []
    for number, order in enumerate(permutations(three)):
        together, stepwise = tmp_path / f"together{number}", tmp_path / f"stepwise{number}"
        merge(together, list(order))
        inner = tmp_path / f"inner{number}"
        merge(inner, list(order[1:]))
        merge(stepwise, [order[0]])
        merge(stepwise, [inner])
        results += [everything(together), everything(stepwise)]
        assert merge(together, [*order, stepwise]).rows == 0
        assert everything(together) == results[-1]
        assert read(together).drop(columns="worker").equals(read(stepwise).drop(columns="worker"))
    assert len(results[0]) == 7
    assert all(result == results[0] for result in results)


def test_merging_leaves_the_sources_alone_and_takes_their_runs_along(tmp_path: Path, three: list[Path]):
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for store in three for path in store.rglob("*") if path.is_file()}

    before = contents()
    result = command("merge", tmp_path / "all", *three)
    assert (result.exit_code, "7 rows added" in result.output) == (0, True), result.output
    assert contents() == before
    assert sorted(path.stem for path in (tmp_path / "all" / "runs").iterdir()) == ["a", "b", "c"]


def test_merging_what_is_no_store_writes_nothing(tmp_path: Path, three: list[Path]):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").touch()
    result = command("merge", tmp_path / "all", three[0], tmp_path / "thesis")
    assert (result.exit_code, (tmp_path / "all").exists()) == (2, False)
    assert "thesis is not a store" in result.output


def test_compaction_makes_one_file_and_changes_no_row(folder: Path, make_row, monkeypatch):
    for run in range(5):
        fill(folder, str(run), [make_row(run, curve_train=[1.0, run]), make_row(0, attempt=run + 2)])
    before = everything(folder)
    assert len(list(folder.glob("part-*"))) == 5
    result = command("compact", folder)
    assert (result.exit_code, "in 1 files, before in 5" in result.output) == (0, True), result.output
    assert everything(folder) == before
    monkeypatch.setattr(bench.store.writer, "LARGE_PART", 5)
    (large,) = folder.glob("part-*")
    fill(folder, "more", [make_row(7)])
    command("compact", folder)
    assert large.exists(), "what is large is not written again"


def test_a_run_that_leaves_many_small_files_joins_them_at_its_end(folder: Path, make_row, monkeypatch):
    monkeypatch.setattr(bench.store.writer, "ROWS_A_PART", 2)
    with Store(folder, "a") as store:
        for number in range(60):
            store.append(make_row(number))
        assert len(list(folder.glob("part-*"))) == 30
    assert len(list(folder.glob("part-*"))) == 1
    assert read(folder)["cell_id"].tolist() == [str(number) for number in range(60)]


def test_files_that_are_joined_while_they_are_read_are_read_all(folder: Path, make_row, monkeypatch):
    for run in range(3):
        fill(folder, str(run), [make_row(run)])
    joined = []

    def join_first(place: Place, name: str, columns: list[str] | None = None):
        if not joined:
            joined.append(name)
            bench.store.writer.compact(place)
        return read_part(place, name, columns)

    monkeypatch.setattr("bench.store.reading.read_part", join_first)
    assert read(folder)["cell_id"].tolist() == ["0", "1", "2"]


def test_status_tells_what_is_going_on_from_another_process(folder: Path, make_row):
    with Store(folder, "a") as store:
        store.write_provenance({"run_id": "a", "started_at": "2026-01-01T00:00:00+00:00", "planned": 10})
        store.append(make_row(1, system="pendulum"), make_row(2, status="error", system="pendulum", reason="bug"))
        code = [sys.executable, "-X", "importtime", "-m", "bench.store", "status", str(folder)]
        done = subprocess.run(code, capture_output=True, text=True, check=True)
        assert f"written by process {os.getpid()}" in done.stdout
    assert "| torch" not in done.stderr
    assert "| ray" not in done.stderr
    assert "2 cells, 2 attempts" in done.stdout
    assert "last run a: 2 of 10 cells" in done.stdout
    assert "error: pendulum: bug" in done.stdout
    assert "s left" in done.stdout
    after = command("status", folder).output
    assert "nobody writes it now" in after
    assert "s left" not in after


def test_doctor_finds_mends_and_then_has_nothing_to_say(folder: Path, make_row):
    for run in "abc":
        fill(folder, run, [make_row("abc".index(run))])
    damaged, old, _ = sorted(folder.glob("part-*"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:40] + bytes(200) + content[240:])  # its footer is whole
    table = pq.read_table(old).drop_columns("preset")
    pq.write_table(table.replace_schema_metadata({"schema_version": "1"}), old)
    (folder / ".part-x.parquet.0123").write_bytes(b"half")
    kept = {str(name) for name in range(3)} - {read_part_id(content)}
    found = {finding.name: finding.remedy for finding in doctor(folder)}
    assert found == {damaged.name: "set aside", old.name: "write anew", ".part-x.parquet.0123": "remove"}
    assert command("doctor", folder).exit_code == 1
    assert command("doctor", folder, "--mend").exit_code == 0
    assert command("doctor", folder).output == "nothing is wrong\n"
    assert set(read(folder)["cell_id"]) == kept
    assert (folder / "damaged" / damaged.name).exists()


def test_a_damaged_file_is_written_anew_from_its_journal(folder: Path, make_row):
    """A power cut may leave both: the file was not yet on the disk when the journal was to go."""
    store = Store(folder, "a")
    store.append(make_row(1), make_row(2))
    store._lock.close()
    (journal,) = folder.glob("journal-*")
    lines = journal.read_bytes()
    fill(folder, "b", [])  # seals it
    (part,) = folder.glob("part-*")
    part.write_bytes(part.read_bytes()[:-20])
    journal.write_bytes(lines)
    assert [finding.name for finding in doctor(folder, mend=True)] == [part.name]
    assert sorted(read(folder)["cell_id"]) == ["1", "2"]


def read_part_id(content: bytes) -> str:
    import pyarrow as pa

    return pq.read_table(pa.BufferReader(content))["cell_id"][0].as_py()


def test_doctor_names_a_torn_line_and_rows_without_a_run(folder: Path, make_row):
    store = Store(folder, "a")
    store.append(make_row(1), make_row(2))
    store._lock.close()
    (journal,) = folder.glob("journal-*")
    journal.write_bytes(journal.read_bytes()[:-40])
    assert [finding.name for finding in doctor(folder)] == [journal.name]
    with pytest.warns(match="line 2"):
        assert doctor(folder, mend=True)
    (finding,) = doctor(folder)
    assert "without a provenance record: a" in finding.what


def test_a_file_of_a_newer_schema_is_refused_not_skipped(folder: Path, make_row):
    fill(folder, "a", [make_row(1)])
    (part,) = folder.glob("part-*")
    newer = pq.read_table(part).replace_schema_metadata({"schema_version": str(VERSION + 1)})
    pq.write_table(newer, part)
    with pytest.raises(StoreError, match=f"schema version {VERSION + 1}.*versions up to {VERSION}"):
        read(folder)
    assert command("status", folder).exit_code == 2


def test_a_plan_made_on_an_older_state_is_refused(folder: Path, make_row):
    fill(folder, "a", [make_row(1)])
    since = bench.store.writer.state(folder)
    fill(folder, "b", [make_row(2)])
    with pytest.raises(StoreError, match="another run wrote to"):
        Store(folder, "c", since)
    Store(folder, "c", bench.store.writer.state(folder)).close()


def test_opening_for_writing_reads_no_rows(folder: Path, make_row, monkeypatch):
    fill(folder, "a", [make_row(1)])
    monkeypatch.setattr(bench.store.writer, "read_part", lambda _place, name: pytest.fail(f"{name} was read"))
    Store(folder, "b").close()


def test_a_disk_that_is_full_ends_the_run_with_a_sentence_and_keeps_the_rows(folder: Path, make_row, monkeypatch):
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with Store(folder, "a") as store:
        store.append(make_row(1))
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device; what was done before is kept"):
            store.append(make_row(2))
    monkeypatch.undo()
    assert read(folder)["cell_id"].tolist() == ["1"], "what could not be flushed leaves no trace"
    assert json.loads((folder / "store.json").read_text()) == {"schema_version": VERSION}


@pytest.mark.parametrize("words", [["status"], ["compact"], ["doctor"]])
def test_what_is_no_store_is_a_sentence(tmp_path: Path, words: list[str]):
    result = command(*words, tmp_path / "absent")
    assert result.exit_code == 2
    assert "nothing was ever stored there" in result.output
    assert not (tmp_path / "absent").exists()
