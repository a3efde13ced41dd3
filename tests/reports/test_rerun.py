"""The command that runs a cell again."""

import json
import re

import pytest
from synthetic_rows import train_row, write_store
from typer import Typer
from typer.testing import CliRunner

from bench.expand import expand
from bench.grid import Filters, load_grid
from reports import rerun
from reports.provenance import Run


def ask(*arguments):
    application = Typer()
    application.command()(rerun.main)
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


@pytest.fixture
def store(tmp_path):
    planned = list(expand(load_grid("smoke"), Filters()))
    row = train_row("double_well", "fshnn", 0, 0.01, cell_id=planned[3].task.cell_id)
    folder = write_store(tmp_path / "store", [row])
    (folder / "runs").mkdir()
    record = {
        "command_line": ["python", "-m", "bench.run", "--grid=smoke", "--seeds", "0"],
        "git_sha": "35580e7abcde",
    }
    (folder / "runs" / "run-1.json").write_text(json.dumps(record))
    return folder, planned[3]


def test_the_command_plans_that_cell_and_no_other(store):
    folder, planned = store
    done = ask(planned.task.cell_id, "--results", folder)
    assert done.exit_code == 0
    assert "# code: git 35580e7abcde; status then: ok" in done.stdout
    grid, cell = re.findall(r"--grid (\S+) --cell (\S+) --out results/rerun", done.stdout)[0]
    assert list(expand(load_grid(grid), Filters(cell_id=(cell,)))) == [planned]


def test_an_unknown_cell_and_a_folder_that_is_no_store_are_refused(store, tmp_path):
    folder, _ = store
    done = ask("nope", "--results", folder)
    assert (done.exit_code, "has no cell 'nope'" in done.stderr) == (2, True)
    done = ask("nope", "--results", tmp_path)
    assert (done.exit_code, "not a store" in done.stderr) == (2, True)


def test_own_data_are_named_with_what_was_chosen_for_them():
    words = "x -m bench.run --data a.csv --data=b.csv --model fshnn --seeds 0,1 --out results/mine --workers 2"
    assert rerun.command("c", Run("r", 1, {"command_line": words.split()})) == (
        "python -m bench.run --data a.csv --data b.csv --model fshnn --seeds 0,1 --cell c --out results/rerun"
    )
    words = "x -m bench.run --data a.csv --grid own.toml --model fshnn"
    assert " --data a.csv --grid own.toml --cell c " in rerun.command(
        "c", Run("r", 1, {"command_line": words.split()})
    )


def test_a_trial_is_a_cell_of_the_grid_that_tuning_leaves():
    words = ["python", "-m", "bench.tune", "--model", "shnn", "--system", "double_well"]
    command = rerun.command("c", Run("r", 1, {"command_line": words}))
    assert " --grid results/tune/shnn/recipes/grid.toml --cell c " in command
    elsewhere = rerun.command("c", Run("r", 1, {"command_line": [*words, "--out", "found"]}))
    assert " --grid found/recipes/grid.toml --cell c " in elsewhere


def test_a_run_without_a_grid_has_no_command():
    assert rerun.command("c", Run("r", 1, {"command_line": ["python", "-m", "bench.run", "--trials", "3"]})) == ""
    assert rerun.command("c", Run("r", 1, {})) == ""
    assert "'my grid.toml'" in rerun.command("c", Run("r", 1, {"command_line": ["x", "--grid", "my grid.toml"]}))
