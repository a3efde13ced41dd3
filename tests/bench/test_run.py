"""The command, from the grid to the exit code, with all cells in this process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch import nn
from typer.testing import CliRunner, Result

import bench.attempt
import bench.fingerprint
import bench.run
from bench.attempt import build
from bench.fingerprint import fingerprint
from bench.store import read

pytestmark = pytest.mark.usefixtures("hasty")

CELLS = 4
LONG = """
[[cells]]
system = "harmonic_oscillator"
model = "fshnn"
seq_len = 4
seed = [{seeds}]
protocol = "protocol.toml"
recipe = "recipe.toml"
"""
PROGRAM = "import bench.run; bench.run.build_report = lambda folder: True; bench.run.app()"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def no_report(monkeypatch) -> list[Path]:
    """Reports take seconds; the folders that they were asked for."""
    asked: list[Path] = []
    monkeypatch.setattr(bench.run, "build_report", lambda place: asked.append(place.path) or True)
    return asked


@pytest.fixture
def fresh_fingerprints() -> None:
    """Read the source again, as another process does: someone may have edited it since this one began."""
    for remembered in (bench.fingerprint._hash_of, bench.fingerprint._imports, bench.fingerprint._source):
        remembered.cache_clear()


def run(grid: Path | str, out: Path, *options: str) -> Result:
    words = ["--grid", str(grid), "--out", str(out), "--backend", "inline", *options]
    return CliRunner().invoke(bench.run.app, words, env={"COLUMNS": "200"})


def with_nan_weights(cell, *rest):
    """As `build`, but seed 1 starts from weights that are not numbers."""
    model, gradient = build(cell, *rest)
    if cell.seed == 1:
        for parameter in model.parameters():
            nn.init.constant_(parameter, float("nan"))
    return model, gradient


def broken_for_seed_1(cell, *rest):
    if cell.seed == 1:
        raise ZeroDivisionError("a bug of the model")
    return build(cell, *rest)


def test_a_grid_runs_to_rows_and_a_second_run_does_nothing(tiny: Path, out: Path, no_report):
    first = run(tiny / "grid.toml", out)
    assert first.exit_code == 0, first.output
    rows = read(out)
    assert rows["status"].tolist() == ["ok"] * CELLS
    assert sorted(rows["kind"]) == ["profile", "train", "train", "train"]
    assert rows["protocol"].tolist() == ["protocol"] * CELLS
    record = json.loads((out / "runs" / f"{rows['run_id'][0]}.json").read_text())
    assert record["planned"] == CELLS
    assert {(of["kind"], of["model"]): of["cells"] for of in record["planned_of"]} == (
        rows.groupby(["kind", "model"]).size().to_dict()
    )
    assert no_report == [out]
    second = run(tiny / "grid.toml", out)
    assert second.exit_code == 0
    assert f"Nothing to do: all {CELLS} cells are finished in" in second.output
    assert no_report == [out]
    assert read(out).equals(rows)


@pytest.mark.usefixtures("fresh_fingerprints")
def test_a_finished_grid_imports_no_ray_and_answers_soon(tiny: Path, out: Path, no_report, tmp_path: Path):
    run(tiny / "grid.toml", out)
    trap = tmp_path / "trap"
    trap.mkdir()
    (trap / "ray.py").write_text("raise SystemExit('Ray was imported')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(trap), *filter(None, sys.path)])}

    def python(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, check=False)

    assert "Ray was imported" in python("-c", "import ray").stderr, "the trap works"
    before = os.times()
    done = python("-m", "bench.run", "--grid", str(tiny / "grid.toml"), "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing to do" in done.stdout
    assert os.times().children_user - before.children_user < 8, "seconds of the processor: other work may go on here"


def test_changed_code_runs_again(tiny: Path, out: Path, no_report, monkeypatch):
    run(tiny / "grid.toml", out)
    monkeypatch.setattr(
        "bench.expand.fingerprint",
        lambda cell, *rest: "new" if cell.model == "constant" else fingerprint(cell, *rest),
    )
    result = run(tiny / "grid.toml", out)
    assert f"{CELLS} cells; 1 to run, {CELLS - 1} finished" in result.output
    rows = read(out)
    assert rows.loc[rows["model"] == "constant", ["fingerprint", "attempt"]].to_numpy().tolist() == [["new", 2]]
    assert len(read(out, attempts=True)) == CELLS + 1


def test_a_cell_that_diverges_is_a_row_and_the_run_goes_on(tiny: Path, out: Path, no_report, monkeypatch):
    monkeypatch.setattr(bench.attempt, "build", with_nan_weights)
    result = run(tiny / "grid.toml", out)
    rows = read(out)
    assert sorted(rows["status"]) == ["diverged", "ok", "ok", "ok"]
    (row,) = rows[rows["status"] == "diverged"].to_dict(orient="records")
    assert (row["seed"], row["phase"]) == (1, "train")
    assert "diverged: train harmonic_oscillator fshnn" in result.output
    assert result.exit_code == 0
    assert "Nothing to do" in run(tiny / "grid.toml", out).output


def test_a_cell_with_a_bug_is_a_row_and_the_exit_code_says_so(tiny: Path, out: Path, no_report, monkeypatch):
    monkeypatch.setattr(bench.attempt, "build", broken_for_seed_1)
    result = run(tiny / "grid.toml", out)
    rows = read(out)
    (row,) = rows[rows["status"] != "ok"].to_dict(orient="records")
    assert (row["status"], row["phase"], row["exception"]) == ("error", "build", "ZeroDivisionError")
    assert "in broken_for_seed_1" in row["traceback"]
    assert len(rows) == CELLS
    assert result.exit_code == 1
    monkeypatch.undo()
    monkeypatch.setattr(bench.run, "build_report", lambda folder: True)
    assert run(tiny / "grid.toml", out).exit_code == 0
    assert read(out)["attempt"].tolist().count(2) == 1


@pytest.mark.parametrize("broken", [broken_for_seed_1, with_nan_weights])
def test_a_run_in_which_nothing_was_measured_has_its_own_exit_code(
    tiny: Path, out: Path, no_report, monkeypatch, broken
):
    monkeypatch.setattr(bench.attempt, "build", broken)
    assert run(tiny / "grid.toml", out, "--seeds", "1").exit_code == 3
    assert len(read(out)) == 1


def test_a_grid_of_skips_alone_is_written_down_and_fine(tiny: Path, out: Path, no_report):
    grid = LONG.format(seeds="0").replace("fshnn", "constant")
    (tiny / "grid.toml").write_text(grid + 'kind = "profile"\n')
    result = run(tiny / "grid.toml", out)
    assert result.exit_code == 0
    assert "skipped 1: the model needs no training, so there is no iteration to measure" in result.output
    assert read(out)["status"].tolist() == ["skipped"]
    assert "Nothing to do" in run(tiny / "grid.toml", out).output


def test_a_report_that_fails_is_seen_in_the_exit_code(tiny: Path, out: Path, monkeypatch):
    monkeypatch.setattr(bench.run, "build_report", lambda folder: False)
    assert run(tiny / "grid.toml", out).exit_code == 1


def test_a_dry_run_writes_nothing(tiny: Path, out: Path, no_report):
    result = run(tiny / "grid.toml", out, "--dry-run")
    assert result.exit_code == 0
    assert f"{CELLS} cells; {CELLS} to run" in result.output
    assert "fshnn discrete recipe N=4 seed=1" in result.output
    assert not out.exists()
    assert no_report == []


def test_filters_choose_cells(tiny: Path, out: Path, no_report):
    run(tiny / "grid.toml", out, "--model", "fshnn", "--seeds", "1", "--seq-len", "4", "--gradient", "discrete")
    rows = read(out)
    assert rows[["model", "seed", "kind"]].to_numpy().tolist() == [["fshnn", 1, "train"]]


def test_an_option_takes_several_names(tiny: Path, out: Path, no_report):
    both = run(tiny / "grid.toml", out, "--model", "true_h, constant", "--dry-run")
    one = run(tiny / "grid.toml", out, "--model", "true_h", "--model", "constant", "--dry-run")
    assert both.output == one.output
    assert "fshnn" not in both.output


def test_a_row_is_in_the_store_before_its_log_is_written(tiny: Path, out: Path, no_report, monkeypatch):
    stored: list[bool] = []
    monkeypatch.setattr(
        bench.run.log, "keep", lambda place, row, _: stored.append(row["cell_id"] in set(read(place)["cell_id"]))
    )
    assert run(tiny / "grid.toml", out).exit_code == 0
    assert stored == [True] * CELLS


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--system", "henon"], "unknown system 'henon'. Did you mean 'henon_heiles'?"),
        (["--model", "fshn"], "Did you mean 'fshnn'?"),
        (["--preset", "papr"], "unknown preset 'papr'. Did you mean 'paper'?"),
        (["--gradient", "adjoint"], "unknown gradient mode 'adjoint'"),
        (["--seeds", "a"], "--seeds takes whole numbers"),
        (["--seeds", "7"], "no cell of grid 'grid' passes the filters"),
        (["--system", "double_well"], "no cell of grid 'grid' passes the filters"),
        (["--seq-len", "0"], "--seq-len"),
        (["--seq-len", "four"], "--seq-len"),
        (["--workers", "0"], "--workers"),
        (["--backend", "dask"], "--backend"),
        (["--colour", "red"], "--colour"),
        (["--grid", "smok"], "unknown grid 'smok'. Did you mean 'smoke'?"),
        (["--grid", "absent.toml"], "no grid file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_ends_before_anything_is_written(tiny: Path, out: Path, options: list[str], said: str):
    result = run(tiny / "grid.toml", out, *options)
    assert (result.exit_code, out.exists()) == (2, False)
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_bad_grid_file_ends_before_anything_is_written(tiny: Path, out: Path):
    (tiny / "grid.toml").write_text(LONG.format(seeds="-1"))
    result = run(tiny / "grid.toml", out)
    assert (result.exit_code, out.exists()) == (2, False)
    assert f"{tiny / 'grid.toml'}: key 'cells.0.seed.0'" in result.output


def test_a_folder_of_something_else_is_left_alone(tiny: Path, out: Path):
    out.mkdir()
    (out / "thesis.txt").touch()
    result = run(tiny / "grid.toml", out)
    assert result.exit_code == 2
    assert "is not a store of hamiltonian-bench" in result.output
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_wrong_usage(tiny: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    result = run(tiny / "grid.toml", tmp_path / "file" / "out")
    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_a_damaged_part_is_named_and_its_cells_run_again(tiny: Path, out: Path, no_report):
    run(tiny / "grid.toml", out, "--model", "constant")
    (part,) = out.glob("part-*")
    part.write_bytes(b"PAR1")
    with pytest.warns(match=part.name):
        result = run(tiny / "grid.toml", out, "--model", "constant")
    assert result.exit_code == 0
    assert "damaged file set aside" in result.output
    assert read(out)["status"].tolist() == ["ok"]


def test_the_report_is_built_and_named(tiny: Path, out: Path, capfd):
    assert run(tiny / "grid.toml", out).exit_code == 0
    named = [Path(line) for line in capfd.readouterr().out.splitlines() if line.startswith(str(out / "report"))]
    assert out / "report" / "report.md" in named
    assert all(path.is_file() for path in named)
    assert str(out / "report" / "report.md") in run(tiny / "grid.toml", out).output


@pytest.mark.usefixtures("fresh_fingerprints")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_run_keeps_its_rows_and_resumes(tiny: Path, out: Path, no_report, number: signal.Signals):
    (tiny / "grid.toml").write_text(LONG.format(seeds=", ".join(map(str, range(8)))))
    words = ["--grid", str(tiny / "grid.toml"), "--out", str(out), "--backend", "inline"]
    command = [sys.executable, "-c", PROGRAM, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "/8 cells" not in (line := process.stdout.readline()):
            assert line, "the run ended before it was interrupted"
        process.send_signal(number)
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "the rows of finished cells are kept, the same command resumes" in said
    assert "Stopping" in complained
    kept = read(out)
    assert 0 < len(kept) < 8
    assert set(kept["status"]) == {"ok"}
    assert run(tiny / "grid.toml", out).exit_code == 0
    rows = read(out, attempts=True)
    assert sorted(rows["seed"]) == list(range(8))
    assert len(kept.merge(rows, on=["cell_id", "run_id"])) == len(kept), "finished cells did not run again"
