"""The whole report: complete, partial and useless stores."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic_rows import frame, full_rows, profile_row, train_row, write_store
from typer import Typer
from typer.testing import CliRunner

from reports import build as build_module
from reports.build import build, compose
from reports.rows import numbers

ROOT = Path(__file__).parents[2]


def run(*arguments):
    application = Typer()
    application.command()(build_module.main)
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_store(tmp_path_factory.mktemp("results"), full_rows())
    (folder / "runs").mkdir()
    record = {"git_sha": "35580e7abcdef01", "git_dirty": True, "packages": {"torch": "2.13.0"}, "cpu": "A | B"}
    (folder / "runs" / "run-1.json").write_text(json.dumps(record))
    return folder


def test_same_store_gives_the_same_bytes(store, tmp_path):
    first, second = build(store, tmp_path / "one"), build(store, tmp_path / "two")
    assert first[0].name == "report.md"
    assert [path.name for path in first] == [path.name for path in second]
    assert len(first) == len(set(first)) == 16
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    page = first[0].read_text()
    assert all(path.name in page for path in first[1:])
    assert "35580e7abcde, with uncommitted changes" in page
    assert "| A / B |" in page
    assert "Nothing: every table and figure below was made." in page
    assert "| train | diverged | 1 |" in page


def test_store_without_profile_rows_says_so(tmp_path):
    page = compose(frame([train_row("double_well", "constant", 0, 0.66)]), [], tmp_path)[0].read_text()
    assert "- no profile rows: Figure VIII not drawn" in page
    assert "no learning curve in the train rows of protocol paper" in page
    assert "true_h: no rows in the store" in page


def test_store_without_train_rows_says_so(tmp_path):
    page = compose(frame([profile_row("discrete", 4, 1e-3, 2**20)]), [], tmp_path)[0].read_text()
    assert "- no train rows: the error table was not made" in page
    assert "- no train rows: learning curves not drawn" in page
    assert "- no train rows: distributions of the errors of H not drawn" in page


def test_store_in_which_everything_failed_makes_a_report(tmp_path):
    rows = [
        train_row("double_well", "fshnn", 0, 1, status="error", reason="boom", gradient_mode=None),
        profile_row("discrete", 4, 1, 1, status="oom", reason="too big", batch_size=None),
    ]
    page = compose(frame(rows), [], tmp_path)[0].read_text()
    assert "no profile row is ok" in page
    assert "boom" in page
    assert "no ok row of double_well with quantiles" in page


def test_run_without_a_record_is_named(tmp_path):
    page = build(write_store(tmp_path / "results", full_rows()[:2]), tmp_path / "out")[0].read_text()
    assert "run-1: no readable record in the store" in page


def test_command_prints_the_files_report_first(store, tmp_path):
    done = run("--results", store, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == str(tmp_path / "out" / "report.md")


def test_useless_folders_are_refused_in_a_sentence(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path, write_store(tmp_path / "empty", [])):
        done = run("--results", folder, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert str(folder) in done.stderr
        assert not (tmp_path / "out").exists()


def test_output_that_is_a_file_is_refused(store, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--results", store, "--out", tmp_path / "file")
    assert done.exit_code == 2
    assert "file" in done.stderr


def test_neither_torch_nor_ray_is_imported():
    code = "import sys, reports.build; print(sorted({'torch', 'ray'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_null_lists_are_empty():
    assert numbers(None).size == 0
    assert numbers(float("nan")).size == 0
