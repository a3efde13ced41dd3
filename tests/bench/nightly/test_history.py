"""Nights on disk."""

from dataclasses import replace

import pytest
from nights import BYTES, ERROR, night, timed

from bench.declarations import BadInput
from bench.nightly.figures import Figure
from bench.nightly.history import History
from bench.nightly.judge import judge


def test_a_night_is_read_as_it_was_kept(tmp_path):
    figures = {ERROR: Figure("|H|", (1.0,), "2"), timed(4): Figure("y", (1.0, 2.0)), BYTES: Figure("", failure="no")}
    kept = replace(night(1, figures), accepted=("a",), only=("b",), notes=("c",))
    kept = replace(kept, verdicts=judge(kept, [night(0, {ERROR: 3.0})]))
    History(tmp_path).keep(kept)
    assert History(tmp_path).nights() == [kept]


def test_nights_are_sorted_by_the_age_of_their_commit_not_of_their_measurement(tmp_path):
    history = History(tmp_path)
    backfilled = replace(night(1, {}), started_at=night(9, {}).started_at)
    for kept in (night(3, {}), night(2, {}), backfilled):
        history.keep(kept)
    assert [past.commit for past in history.before(night(3, {}).key)] == [backfilled.commit, night(2, {}).commit]


def test_no_folder_is_no_history(tmp_path):
    assert History(tmp_path / "nowhere").nights() == []


@pytest.mark.parametrize("content", ["", "[]", '{"commit": 1}'])
def test_a_file_that_is_no_night_is_named(tmp_path, content):
    (tmp_path / "nights").mkdir()
    (tmp_path / "nights" / "x.json").write_text(content)
    with pytest.raises(BadInput, match=r"x\.json is not a night"):
        History(tmp_path).nights()
