"""The real report of a night: the one that was judged, whatever else the history holds."""

import pytest
from nights import BYTES
from scratch import Asv, commit, git, invoke

from bench.nightly import compare, gate
from bench.nightly.figures import Figure
from bench.provenance import REPOSITORY

REPORT = gate.report


@pytest.fixture
def reported(repository, tmp_path, monkeypatch):
    """With the real report, and HEAD at a commit that is older than main; reads what was written."""
    for module in (gate, compare):
        monkeypatch.setattr(module, "report", REPORT)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    git(repository, "checkout", "-q", "-b", "older", "HEAD~1")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
    commit(repository, "older")
    return lambda folder: [(folder / name).read_text() for name in ("index.html", "table.md")]


def test_the_report_is_that_of_the_night_where_another_is_of_a_newer_commit(run, repository, reported, tmp_path):
    git(repository, "checkout", "-q", "main")
    run()
    git(repository, "checkout", "-q", "older")
    done = run("--only", "nothing")
    assert done.exit_code == 0, done.output
    for text in reported(tmp_path / "history" / "report"):
        assert git(repository, "rev-parse", "older").stdout[:12] in text


def test_a_comparison_with_a_newer_commit_reports_head(repository, reported, tmp_path, monkeypatch):
    measured = {"older": 130.0, "second": 100.0}
    monkeypatch.setattr(Asv, "measure", lambda self, only=(): {BYTES: Figure("", (measured[self.code],))})
    done = invoke(compare, "main", "--out", tmp_path / "out")
    assert done.exit_code == 1, done.output
    for text in reported(tmp_path / "out"):
        assert "1 of 1 benchmarks worse" in text
        assert "+30.0 %" in text


def test_a_site_of_asvs_that_cannot_be_made_costs_no_report(run, reported, tmp_path, monkeypatch):
    monkeypatch.setattr(gate, "publish", lambda *arguments: (arguments[-1] / "asv.log").write_text("no") and False)
    done = run()
    assert done.exit_code == 1
    assert "asv publish failed" in done.output
    assert all("Nothing worse in 3 benchmarks" in text for text in reported(tmp_path / "history" / "report"))
