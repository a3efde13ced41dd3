"""The command: what it says, what it keeps, its exit codes. asv and the grid are replaced by known figures."""

import pytest
from nights import BYTES, ERROR, timed
from scratch import GOOD, Asv, git

from bench.nightly import gate
from bench.nightly.figures import Figure
from bench.nightly.history import History


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


def test_the_log_of_a_night_in_which_something_failed_is_kept_and_named(run, monkeypatch, tmp_path):
    run()
    assert not (tmp_path / "history" / "logs").exists()
    monkeypatch.setattr(Asv, "figures", GOOD | {BYTES: None})
    done = run()
    (log,) = (tmp_path / "history" / "logs").iterdir()
    assert "ZeroDivisionError" in log.read_text()
    assert f"with the tracebacks of what failed: {log}." in done.output


@pytest.mark.parametrize(("passes", "tonight"), [(2, GOOD), (3, GOOD | {timed(4): 1.3})])
def test_asv_that_breaks_in_a_later_or_fresh_pass_fails_the_times_and_loses_no_other_figure(
    run, monkeypatch, tmp_path, passes, tonight
):
    run()
    monkeypatch.setattr(Asv, "passes", passes)
    monkeypatch.setattr(Asv, "figures", tonight)
    done = run()
    assert done.exit_code == 1
    assert f"FAILED: {timed(4)}: asv failed as a whole in a later pass" in done.output
    last = History(tmp_path / "history").nights()[-1]
    assert last.figures[BYTES].value == 100.0
    assert list(last.alarms) == [timed(4)]


def test_a_night_that_cannot_show_a_slowdown_says_so_first(run, monkeypatch):
    run()
    monkeypatch.setattr(Asv, "measure", measure_in_noise)
    lines = run().output.splitlines()
    said = "Blind to slowdowns of 20%: all 1 benchmarks of time are too noisy."
    assert lines.index(said) == next(place for place, line in enumerate(lines) if line.startswith("kept as")) + 1


def measure_in_noise(self, only=()):
    self.passes -= 1
    return {
        timed(4): Figure("", (0.8 + 0.2 * (self.passes % 3),)),
        BYTES: Figure("", (100.0,)),
        ERROR: Figure("", (0.1,)),
    }


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


def test_nights_of_some_benchmarks_replace_none_of_all(run, repository, monkeypatch, tmp_path):
    history = tmp_path / "history"
    run()
    monkeypatch.setattr(Asv, "figures", {BYTES: 100.0})
    assert run("--only", "track_peak_bytes").exit_code == 0
    assert (history / "asv" / "results.json").read_text() == str(len(GOOD))
    run()
    assert (history / "asv" / "results.json").read_text() == "1"
