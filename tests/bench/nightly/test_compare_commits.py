"""Two commits, one against the other."""

from nights import BYTES, ERROR
from scratch import Asv, invoke

from bench.nightly import compare
from bench.nightly.figures import Figure


def test_a_comparison_finds_what_head_made_worse(repository, tmp_path, monkeypatch):
    same = invoke(compare, "HEAD~1", "--out", tmp_path / "out")
    assert same.exit_code == 0, same.output
    monkeypatch.setattr(Asv, "measure", measure_by_code)
    done = invoke(compare, "HEAD~1", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert f"WORSE: {BYTES} by +20.0%" in done.output


def test_a_comparison_says_what_the_base_failed_in(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(
        Asv, "measure", lambda self, only=(): {BYTES: failing_in(self.code, "first"), ERROR: Figure("", (1.0,))}
    )
    done = invoke(compare, "HEAD~1", "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert f"Not compared, for the base failed in them: {BYTES}." in done.output


def measure_by_code(self, only=()):
    return {BYTES: Figure("", (120.0 if self.code == "second" else 100.0,))}


def failing_in(code, broken):
    return Figure("", failure="it broke") if code == broken else Figure("", (1.0,))


def test_a_base_that_is_no_commit_exits_with_2(repository, tmp_path):
    done = invoke(compare, "nowhere", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "nowhere" in done.output
