"""The commands of the gate in a scratch clone."""

import pytest
from scratch import GOOD, Asv, commit, git, invoke

from bench.nightly import __main__ as nightly
from bench.nightly import backfill, compare, gate


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
    monkeypatch.setattr(Asv, "passes", 100)
    monkeypatch.setattr(Asv, "trees", [])
    return folder


@pytest.fixture
def run(repository, tmp_path):
    return lambda *options: invoke(nightly, "--history", tmp_path / "history", *options)
