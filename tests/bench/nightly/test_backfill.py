"""Commits of the past: each is measured once, in a tree of its own."""

from scratch import Asv, git, invoke

from bench.nightly import backfill
from bench.nightly.history import History


def test_backfill_measures_each_commit_once_in_a_tree_of_its_own(repository, tmp_path):
    assert invoke(backfill, "--commits", 5, "--history", tmp_path / "history").exit_code == 0
    assert Asv.trees == ["first", "second"]
    nights = History(tmp_path / "history").nights()
    assert [night.subject for night in nights] == ["first", "second"]
    assert invoke(backfill, "--commits", 5, "--history", tmp_path / "history").exit_code == 0
    assert Asv.trees == ["first", "second"]
    assert "worktree" not in git(repository, "worktree", "list", "--porcelain").stdout.partition("\n")[2]


def test_backfill_measures_commits_of_which_there_are_some_benchmarks_only(repository, tmp_path):
    history = tmp_path / "history"
    assert invoke(backfill, "--history", history, "--only", "track_time").exit_code == 0
    assert invoke(backfill, "--history", history, "--only", "track_time").exit_code == 0
    assert len(History(history).nights()) == 2
    assert invoke(backfill, "--history", history).exit_code == 0
    assert len(History(history).nights()) == 4


def test_backfill_of_commits_that_cannot_be_measured_exits_with_3(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(Asv, "figures", {})
    assert invoke(backfill, "--history", tmp_path / "history").exit_code == 3
