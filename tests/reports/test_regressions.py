"""The report of a night, from files as bench.nightly keeps them."""

import json
from xml.etree import ElementTree

import pytest
from typer import Typer
from typer.testing import CliRunner

from reports import regressions

TIMED = "iteration.OfEveryMode.track_time('discrete', 4)"


def figure(*samples, failure=None):
    return {"unit": "yardsticks", "samples": list(samples), "version": "1", "failure": failure}


def verdict(outcome, change=None):
    return {"outcome": outcome, "baseline": 1.0, "change": change, "threshold": 0.05}


def write_night(history, day, figures, verdicts, **changes):
    night = {
        "commit": f"{day:040x}",
        "subject": "a <b>change</b> | of sorts",
        "committed_at": f"2026-01-{day:02}T00:00:00+00:00",
        "started_at": f"2026-01-{day:02}T02:00:00+00:00",
        "machine": "m",
        "packages": {"torch": "2.13.0"},
        "figures": figures,
        "verdicts": verdicts,
        "notes": ["Another machine."],
    }
    (history / "nights").mkdir(parents=True, exist_ok=True)
    (history / "nights" / f"{day}.json").write_text(json.dumps(night | changes))


@pytest.fixture
def history(tmp_path):
    for day, value in ((1, 1.0), (2, 1.1), (3, 1.0)):
        write_night(tmp_path, day, {TIMED: figure(value)}, {})
    write_night(tmp_path, 2, {TIMED: figure(9.0)}, {}, machine="other")
    figures = {TIMED: figure(1.2, 1.4, 1.3), "a.track_error(x)": figure(failure="it <broke>"), "b.new": figure(1)}
    verdicts = {
        TIMED: verdict("worse", 0.3),
        "a.track_error(x)": {"outcome": "failed", "baseline": None, "change": None, "threshold": None},
        "b.new": verdict("new"),
        "c.gone": {"outcome": "vanished", "baseline": None, "change": None, "threshold": None},
    }
    write_night(tmp_path, 4, figures, verdicts)
    return tmp_path


def test_alarms_come_first_and_are_counted(history):
    lines = regressions.lines_of(regressions.read_nights(history))
    assert [line.outcome for line in lines] == ["failed", "vanished", "worse", "new"]
    page, table = (path.read_text() for path in regressions.build(history, history / "out"))
    assert "3 of 4 benchmarks worse, failed or vanished" in page
    assert "3 of 4 benchmarks worse, failed or vanished" in table
    assert (
        "| `iteration.OfEveryMode.track_time('discrete', 4)` | worse | 1.3 yardsticks | 1 | +30.0 % | 5.0 % |"
        in table
    )
    assert "b.new" not in table


def test_text_of_others_is_escaped_in_html(history):
    page = regressions.build(history, history / "out")[0].read_text()
    assert "it &lt;broke&gt;" in page
    assert "<b>" not in page
    ElementTree.fromstring(page.split("\n", 1)[1].replace('<meta charset="utf-8">', "").replace("<br>", "<br/>"))


def test_a_series_holds_the_nights_of_the_last_ones_machine(history):
    (line,) = (line for line in regressions.lines_of(regressions.read_nights(history)) if "track_time" in line.name)
    xs, ys, texts = zip(*line.series, strict=True)
    assert list(xs) == sorted(xs)
    assert len(line.series) == 3
    assert min(ys) == ys[-1]  # the highest is the last
    assert texts[-1].endswith("1.3 yardsticks")


def test_the_night_that_was_judged_is_shown_where_another_commit_is_newer(history):
    write_night(history, 9, {TIMED: figure(5.0)}, {TIMED: verdict("worse", 4.0)})
    page, table = (path.read_text() for path in regressions.build(history, history / "out", "4.json"))
    assert "measured 2026-01-04T02:00:00+00:00" in page
    assert "+30.0 %" in table
    assert ": 5 yardsticks</title>" in page  # in the series still
    with pytest.raises(regressions.NoNights, match=r"no night 7\.json"):
        regressions.build(history, history / "out", "7.json")


def test_what_puts_the_night_in_question_is_said_in_its_heading(history):
    write_night(history, 5, {TIMED: figure(1.0)}, {TIMED: verdict("same")}, caveat="Blind to slowdowns.")
    page, table = (path.read_text() for path in regressions.build(history, history / "out"))
    assert "<h1>Blind to slowdowns. Nothing worse in 1 benchmarks</h1>" in page
    assert table.startswith("### Blind to slowdowns. Nothing worse in 1 benchmarks\n")


def test_a_history_without_nights_exits_with_2(tmp_path):
    app = Typer()
    app.command()(regressions.main)
    done = CliRunner().invoke(app, ["--history", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "holds no night" in done.output
    assert not (tmp_path / "out").exists()
