"""The search: what a trial depends on, who wins, what is kept, and what wrong usage is told."""

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bench.run
from bench.declarations import load
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.recipe import load_recipe
from bench.store import read
from bench.tune import Space, app, draw, write

TINY = Path(__file__).parent / "tiny"
SPACE = load(Space, "spaces", "space", "one_cycle")


def tune(folder: Path, *options: str):
    arguments = ["--model", "fshnn", "--system", "harmonic_oscillator", "--seq-len", "4", "--trials", "3"]
    chosen = [*arguments, "--protocol", str(TINY / "protocol.toml"), "--out", str(folder), *options]
    return CliRunner().invoke(app, chosen)


@pytest.fixture
def no_report(monkeypatch):
    monkeypatch.setattr(bench.run, "build_report", lambda folder: True)


def test_a_draw_lies_in_the_space_and_depends_on_seed_and_number_alone():
    drawn = [draw(SPACE, "t", 0, trial) for trial in range(200)]
    assert drawn == [draw(SPACE, "t", 0, trial) for trial in range(200)]
    peaks = [recipe.schedule.peak for recipe in drawn]
    assert SPACE.peak.low <= min(peaks) < 2 * SPACE.peak.low
    assert SPACE.peak.high / 2 < max(peaks) <= SPACE.peak.high
    below = sum(peak < (SPACE.peak.low * SPACE.peak.high) ** 0.5 for peak in peaks)
    assert 70 < below < 130, "half of a log-uniform draw lies below the geometric mean"
    assert {recipe.batch_size for recipe in drawn} == set(SPACE.batch_size)
    assert {recipe.schedule.warm_up for recipe in drawn} == set(SPACE.warm_up)
    assert draw(SPACE, "t", 1, 0) != drawn[0]


def test_a_written_recipe_is_read_back(tmp_path: Path):
    for recipe in (draw(SPACE, "mine", 0, 3), load_recipe("optimised_start"), load_recipe("shnn_paper")):
        path = write(recipe, tmp_path)
        assert load_recipe(str(path)) == recipe.model_copy(update={"name": path.stem})


def test_the_lowest_validation_loss_wins_and_every_trial_is_a_row(tmp_path: Path, no_report, monkeypatch):
    monkeypatch.chdir(TINY)
    result = tune(tmp_path, "--protocol", "protocol.toml")
    assert result.exit_code == 0, result.output
    rows = read(tmp_path / "store").set_index("recipe")
    assert set(rows.index) == {f"fshnn_one_cycle_100_trial{trial}" for trial in range(3)}
    best = tomllib.loads((tmp_path / "recipes" / f"{rows['validation_loss'].idxmin()}.toml").read_text())
    winner = tomllib.loads((tmp_path / "fshnn_tuned.toml").read_text())
    assert "seed 100" in winner.pop("description")
    assert winner == best
    grid = load_grid(str(tmp_path / "recipes" / "grid.toml"))
    cells = expand(grid, Filters(), tmp_path / "recipes")
    assert {planned.task.cell_id for planned in cells} == set(rows["cell_id"])
    again = tune(tmp_path)
    assert "Nothing to do" in again.output
    assert len(read(tmp_path / "store", attempts=True)) == 3
    assert tune(tmp_path, "--protocol", "protocol.toml", "--seq-len", "2").exit_code == 0
    assert tune(tmp_path, "--protocol", "protocol.toml", "--seed", "101").exit_code == 0
    both = expand(load_grid(str(tmp_path / "recipes" / "grid.toml")), Filters(), tmp_path / "recipes")
    assert (
        {planned.task.cell_id for planned in both} == set(read(tmp_path / "store")["cell_id"]) > set(rows["cell_id"])
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--space", "one_cylce"), "Did you mean 'one_cycle'?"),
        (("--model", "fsnn"), "Did you mean 'fshnn'?"),
        (("--protocol", "nowhere.toml"), "no protocol file"),
        (("--seq-len", "99"), "does not fit"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_right(tmp_path: Path, options, message):
    result = tune(tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out" / "store").exists()


def test_where_every_trial_fails_there_is_no_winner(tmp_path: Path, no_report, monkeypatch):
    monkeypatch.setattr("bench.attempt.build", lambda cell: 1 / 0)
    result = tune(tmp_path)
    assert result.exit_code == bench.run.ExitCode.NOTHING
    assert not (tmp_path / "fshnn_tuned.toml").exists()
