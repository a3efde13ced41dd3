"""The command: what it says, what it keeps, its exit codes. asv and the grid are replaced by known figures."""

import subprocess

import pytest
from nights import BYTES, ERROR, timed
from typer import Typer
from typer.testing import CliRunner

from bench.nightly import __main__ as nightly
from bench.nightly import backfill, compare, gate
from bench.nightly.asv_passes import NothingMeasured
from bench.nightly.figures import Figure
from bench.nightly.history import History

GOOD = {timed(4): 1.0, BYTES: 100.0, ERROR: 0.1}


class Asv:
    """In place of asv: gives the figures of the class, a failure where there is no number."""

    figures: dict = GOOD
    trees: list = []  # noqa: RUF012

    def __init__(self, tree, sha, machine, work):
        self.code = (tree / "code.py").read_text()
        self.trees.append(self.code)

    def measure(self, only=()):
        if not self.figures:
            raise NothingMeasured("asv stored no result")
        return {
            name: Figure("", failure="it broke") if value is None else Figure("", (value,))
            for name, value in self.figures.items()
        }

    def keep(self, folder):
        pass


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A clone with two commits, in which the gate runs on figures of ours."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first")
    commit(folder, "second")
    for module in (gate, backfill):
        monkeypatch.setattr(module, "REPOSITORY", folder)
    monkeypatch.setattr("bench.nightly.night.Asv", Asv)
    monkeypatch.setattr("bench.nightly.night.run_grid", lambda tree, out: {})
    monkeypatch.setattr(gate, "publish", lambda *_: True)
    monkeypatch.setattr(gate, "report", lambda *_: True)
    monkeypatch.setattr(compare, "report", lambda *_: True)
    for module in (backfill, compare):
        monkeypatch.setattr(module, "lay_over", lambda tree: None)
    monkeypatch.setattr(Asv, "figures", GOOD)
    monkeypatch.setattr(Asv, "trees", [])
    return folder


def git(folder, *arguments):
    author = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True, text=True)


def commit(folder, content):
    (folder / "code.py").write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", content)


def invoke(module, *arguments):
    app = Typer()
    app.command()(module.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def run(repository, tmp_path):
    return lambda *options: invoke(nightly, "--history", tmp_path / "history", *options)


def test_the_first_night_says_that_nothing_is_compared_and_is_kept(run, tmp_path):
    done = run()
    assert done.exit_code == 0
    assert "No history yet" in done.output
    assert len(History(tmp_path / "history").nights()) == 1


@pytest.mark.parametrize("worse", [{timed(4): 1.3}, {BYTES: 121.0}, {ERROR: 0.12}])
def test_what_is_worse_is_named_and_exits_with_1(run, monkeypatch, worse):
    assert run().exit_code == 0
    monkeypatch.setattr(Asv, "figures", GOOD | worse)
    done = run()
    assert done.exit_code == 1
    assert f"WORSE: {next(iter(worse))}" in done.output


def test_a_benchmark_that_fails_exits_with_1_even_in_the_first_night(run, monkeypatch):
    monkeypatch.setattr(Asv, "figures", GOOD | {ERROR: None})
    done = run()
    assert done.exit_code == 1
    assert f"FAILED: {ERROR}: it broke" in done.output


def test_a_renamed_benchmark_has_vanished_until_that_is_accepted(run, monkeypatch):
    run()
    renamed = {timed(4): 1.0, "iteration.OfEveryMode.track_peak_bytes('backpropagation', 4)": 100.0, ERROR: 0.1}
    monkeypatch.setattr(Asv, "figures", renamed)
    done = run()
    assert done.exit_code == 1
    assert f"VANISHED: {BYTES}" in done.output
    assert "renamed to iteration.OfEveryMode.track_peak_bytes('backpropagation', 4)?" in done.output
    assert run("--accept", BYTES).exit_code == 0
    assert run().exit_code == 0


def test_a_night_without_a_figure_exits_with_3_and_is_not_kept(run, monkeypatch, tmp_path):
    run()
    monkeypatch.setattr(Asv, "figures", {})
    done = run()
    assert done.exit_code == 3
    assert "Nothing was measured" in done.output
    assert len(History(tmp_path / "history").nights()) == 1


def test_a_night_in_which_everything_failed_exits_with_3(run, monkeypatch):
    monkeypatch.setattr(Asv, "figures", dict.fromkeys(GOOD))
    assert run().exit_code == 3


def test_a_dirty_tree_exits_with_2_and_nothing_is_written(run, repository, tmp_path):
    (repository / "new.py").write_text("")
    done = run()
    assert done.exit_code == 2
    assert "new.py" in done.output
    assert not (tmp_path / "history").exists()


@pytest.mark.parametrize("name", ["torchdiffeq", "asv"])
def test_a_missing_peer_or_asv_exits_with_2(run, monkeypatch, name):
    find = gate.importlib.util.find_spec
    monkeypatch.setattr(gate.importlib.util, "find_spec", lambda wanted: None if wanted == name else find(wanted))
    done = run()
    assert done.exit_code == 2
    assert f"{name} is not installed" in done.output


def test_another_machine_is_said_and_its_times_are_not_compared(run, monkeypatch):
    run("--machine", "here")
    monkeypatch.setattr(Asv, "figures", GOOD | {timed(4): 9.0})
    done = run("--machine", "there")
    assert done.exit_code == 0
    assert "no night on there yet (here)" in done.output


def test_a_rebased_commit_is_said_and_still_compared_with(run, repository, monkeypatch):
    run()
    git(repository, "commit", "-q", "--amend", "-m", "another story")
    monkeypatch.setattr(Asv, "figures", GOOD | {BYTES: 121.0})
    done = run()
    assert done.exit_code == 1
    assert "Rebased: HEAD does not descend from" in done.output


def test_a_name_that_no_night_has_cannot_be_accepted(run):
    run()
    done = run("--accept", "nonsense")
    assert done.exit_code == 2
    assert "nonsense" in done.output


def test_backfill_measures_each_commit_once_in_a_tree_of_its_own(repository, tmp_path):
    assert invoke(backfill, "--commits", 5, "--history", tmp_path / "history").exit_code == 0
    assert Asv.trees == ["first", "second"]
    nights = History(tmp_path / "history").nights()
    assert [night.subject for night in nights] == ["first", "second"]
    assert invoke(backfill, "--commits", 5, "--history", tmp_path / "history").exit_code == 0
    assert Asv.trees == ["first", "second"]
    assert "worktree" not in git(repository, "worktree", "list", "--porcelain").stdout.partition("\n")[2]


def test_backfill_of_commits_that_cannot_be_measured_exits_with_3(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(Asv, "figures", {})
    assert invoke(backfill, "--history", tmp_path / "history").exit_code == 3


def test_a_comparison_finds_what_head_made_worse(repository, tmp_path, monkeypatch):
    same = invoke(compare, "HEAD~1", "--out", tmp_path / "out")
    assert same.exit_code == 0, same.output
    monkeypatch.setattr(Asv, "measure", measure_by_code)
    done = invoke(compare, "HEAD~1", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert f"WORSE: {BYTES} by +20.0%" in done.output


def measure_by_code(self, only=()):
    return {BYTES: Figure("", (120.0 if self.code == "second" else 100.0,))}


def test_a_base_that_is_no_commit_exits_with_2(repository, tmp_path):
    done = invoke(compare, "nowhere", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "nowhere" in done.output
