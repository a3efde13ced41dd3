"""The report of a run that goes on."""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from bench import reporting
from bench.cell import Task
from bench.reporting import Refresh
from bench.store import place_of

SLEEPER = (
    "import sys, time; open(sys.argv[1], 'a').write('begun '); time.sleep({}); open(sys.argv[1], 'a').write('built ')"
)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slow_report(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """Reports that take half a second, and the file in which they note that they began and ended."""
    notes = tmp_path / "notes"
    notes.touch()
    command = [sys.executable, "-c", SLEEPER.format(0.5), str(notes)]
    monkeypatch.setattr(reporting, "report_command", lambda folder: command)
    return notes


def wait_for(notes: Path, text: str) -> None:
    deadline = monotonic() + 30
    while notes.read_text() != text:
        assert monotonic() < deadline, notes.read_text()
        sleep(0.02)


def test_a_report_is_built_every_so_often_and_never_two_at_once(tmp_path: Path, clock: Clock, slow_report: Path):
    refresh = Refresh(place_of(tmp_path), 60.0, clock)
    refresh.note()
    clock.now += 61
    refresh.note()
    wait_for(slow_report, "begun ")
    clock.now += 61
    refresh.note()  # one is under way
    wait_for(slow_report, "begun built ")
    assert refresh._process is not None
    refresh._process.wait()
    refresh.note()
    wait_for(slow_report, "begun built begun ")
    refresh.end()
    assert slow_report.read_text() == "begun built begun built "
    clock.now += 61
    refresh.note()
    assert refresh._process.poll() == 0, "none is begun after the end"


def test_no_report_is_asked_for_and_none_is_built(tmp_path: Path, clock: Clock, slow_report: Path):
    refresh = Refresh(place_of(tmp_path), None, clock)
    clock.now += 1e6
    refresh.note()
    refresh.end()
    assert slow_report.read_text() == ""


def test_timed_cells_run_beside_no_report(tmp_path: Path, clock: Clock, slow_report: Path, tasks: list[Task]):
    refresh = Refresh(place_of(tmp_path), 1.0, clock)
    clock.now += 2
    for task in refresh.until_timed(tasks):
        refresh.note()
        clock.now += 2
        if task.cell.exclusive:
            assert slow_report.read_text() == "begun built "
    assert any(task.cell.exclusive for task in tasks)
    refresh.end()
    assert slow_report.read_text() == "begun built "
