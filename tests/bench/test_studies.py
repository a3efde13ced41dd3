"""Studies: their tables in a store, the command that makes them, and the report that shows them."""

import shutil
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from bench import studies as package
from bench.schema import STUDIES
from bench.store import DamagedFile, Store, StoreError, read, records, studies
from bench.store.upkeep import doctor, merge, status
from bench.studies import __main__ as command
from reports.build import build

ROW = {"method": "pinn", "rule": "gauss", "nodes": 2, "span": 0.5, "residual": 0.1, "error_end": 0.1}


def run(*words: object) -> Result:
    application = typer.Typer()
    application.command()(command.main)
    return CliRunner().invoke(application, [str(word) for word in words])


def fill(folder: Path, run_id: str, **rows: list[dict]) -> Path:
    with Store(folder, run_id) as store:
        store.write_provenance({"run_id": run_id, "started_at": "2026-01-01T00:00:00+00:00", "studies": list(rows)})
        for study, own in rows.items():
            store.write_study(study, own)
    return folder


def test_every_declared_study_is_there():
    assert set(package.STUDIES) == set(STUDIES)


def test_the_rows_of_a_study_come_back_with_their_run(tmp_path: Path):
    fill(tmp_path / "store", "a", collocation=[ROW, ROW])
    (study,) = studies(tmp_path / "store").items()
    assert study[0] == "collocation"
    assert list(study[1].columns) == STUDIES["collocation"].names
    assert study[1]["run_id"].tolist() == ["a", "a"]
    fill(tmp_path / "store", "b", collocation=[ROW])
    assert studies(tmp_path / "store")["collocation"]["run_id"].tolist() == ["b"]


def test_the_command_leaves_rows_provenance_and_what_the_report_draws(tmp_path: Path):
    store = tmp_path / "store"
    words = ["collocation", "--iterations", "20", "--out", str(store)]
    done = subprocess.run([sys.executable, "-m", "bench.studies", *words], capture_output=True, text=True, check=True)
    assert done.stdout == f"{store}/study-collocation.parquet\n"
    (record,) = records(store).values()
    assert record["studies"] == ["collocation"]
    assert record["command_line"] == ["python", "-m", "bench.studies", *words]
    files = {path.name: path for path in build(store, tmp_path / "out")}
    assert {"report.html", "collocation.png", "collocation.tex", "collocation_pinn.csv"} <= set(files)
    for page in ("report.html", "report.md"):
        text = files[page].read_text()
        assert text.count(f"python -m bench.studies {' '.join(words)}") == (3 if page == "report.html" else 1)
        assert (
            "no readable study density in the store: not drawn (python -m bench.studies density --out STORE)" in text
        )


@pytest.mark.parametrize("words", [["densities"], ["density", "densities"]])
def test_an_unknown_study_is_a_sentence_and_nothing_is_written(words: list[str], tmp_path: Path):
    done = run(*words, "--out", tmp_path / "store")
    assert done.exit_code == 2
    assert done.stderr == "unknown study 'densities'. Did you mean 'density'? Valid names: collocation, density\n"
    assert not (tmp_path / "store").exists()


def test_a_foreign_folder_is_refused_before_anything_is_trained(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(command, "STUDIES", {"density": lambda: pytest.fail("it was done")})
    (tmp_path / "thesis.txt").touch()
    done = run("density", "--out", tmp_path)
    assert done.exit_code == 2
    assert "is not a store" in done.stderr


def test_a_damaged_table_is_named_left_out_and_set_aside(tmp_path: Path):
    folder = fill(tmp_path / "store", "a", collocation=[ROW], density=[])
    whole = (folder / "study-collocation.parquet").read_bytes()
    (folder / "study-collocation.parquet").write_bytes(whole[:-20])
    (folder / "study-density.parquet").write_bytes(whole)  # of other columns
    with pytest.warns(DamagedFile) as told:
        assert studies(folder) == {}
    assert sorted(str(one.message).split()[0] for one in told) == [
        str(folder / "study-collocation.parquet"), str(folder / "study-density.parquet")
    ]  # fmt: skip
    assert {finding.name for finding in doctor(folder, mend=True)} == {path.name for path in folder.glob("damaged/*")}
    assert doctor(folder) == []


def test_what_is_set_aside_replaces_nothing(tmp_path: Path):
    folder = tmp_path / "store"
    for run in "ab":
        fill(folder, run, collocation=[ROW])
        (folder / "study-collocation.parquet").write_text(run)
        doctor(folder, mend=True)
    assert sorted(path.read_text() for path in (folder / "damaged").iterdir()) == ["a", "b"]


def test_a_merge_sets_a_damaged_table_aside_and_names_one_that_it_leaves(tmp_path: Path):
    ours, theirs = fill(tmp_path / "ours", "1", collocation=[ROW]), fill(tmp_path / "theirs", "2", collocation=[ROW])
    (ours / "study-collocation.parquet").write_text("ours")
    assert merge(ours, [theirs]) == (0, ["collocation"])
    assert (ours / "damaged" / "study-collocation.parquet").read_text() == "ours"
    (theirs / "study-collocation.parquet").write_text("theirs")
    with pytest.warns(DamagedFile, match="theirs"):
        assert merge(ours, [theirs]) == (0, [])


def test_rows_of_a_study_without_a_run_are_found(tmp_path: Path):
    folder = fill(tmp_path / "store", "a", collocation=[ROW])
    (folder / "runs" / "a.json").unlink()
    (finding,) = doctor(folder)
    assert "without a provenance record: a" in finding.what


def test_merged_stores_have_the_newest_table_of_each_study_in_any_order(tmp_path: Path):
    sources = [
        fill(tmp_path / "1", "20260101", collocation=[ROW], density=[]),
        fill(tmp_path / "2", "20260301", collocation=[ROW, ROW]),
        fill(tmp_path / "3", "20260201", collocation=[ROW, ROW, ROW], density=[{"density": "two_moons"}]),
    ]
    for number, order in enumerate(permutations(sources)):
        assert merge(tmp_path / f"all{number}", order) == (0, ["collocation", "density"])
        merged = studies(tmp_path / f"all{number}")
        assert merged["collocation"]["run_id"].tolist() == ["20260301", "20260301"]
        assert merged["density"]["run_id"].tolist() == ["20260201"]
        assert set(records(tmp_path / f"all{number}")) == {"20260101", "20260201", "20260301"}


def test_a_study_is_no_run_of_cells(tmp_path: Path, make_row):
    folder = tmp_path / "store"
    with Store(folder, "1") as store:
        store.write_provenance({"run_id": "1", "started_at": "2026-01-01T00:00:00+00:00", "planned": 1})
        store.append(make_row(1))
    before = read(folder)
    fill(folder, "2", collocation=[ROW])
    assert read(folder).equals(before)
    assert (status(folder).run_id, status(folder).studies, status(folder).studying) == ("1", ["collocation"], [])


def test_status_says_that_a_study_is_done_now_and_not_when_the_cells_of_an_older_run_end(tmp_path: Path, make_row):
    folder = tmp_path / "store"
    with Store(folder, "1") as store:
        store.write_provenance({"run_id": "1", "started_at": "2026-01-01T00:00:00+00:00", "planned": 2})
        store.append(make_row(1))
    with Store(folder, "2") as store:
        store.write_provenance({"run_id": "2", "started_at": "2026-01-02T00:00:00+00:00", "studies": ["density"]})
        summary = status(folder)
    assert (summary.studying, summary.left_s) == (["density"], None)


def test_what_is_no_store_has_no_studies(tmp_path: Path):
    shutil.rmtree(tmp_path)
    with pytest.raises(StoreError, match="empty or not there"):
        studies(tmp_path)
