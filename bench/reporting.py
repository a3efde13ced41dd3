"""Building the report in a process of its own, for reports know the store and not the machine that fills it."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

from bench.cell import Task
from bench.store import Place


def report_command(place: Place) -> list[str]:
    return [sys.executable, "-m", "reports.build", "--results", str(place), "--out", str(place.report())]


def build_report(place: Place) -> bool:
    """Build it, and wait for it; whether it succeeded."""
    return subprocess.run(report_command(place), check=False).returncode == 0


class Refresh:
    """The report of a run that goes on: built anew every so many seconds, by one process at a time.

    None is built beside a timed cell, which has the machine to itself.
    """

    def __init__(self, place: Place, every_s: float | None, clock: Callable[[], float] = monotonic):
        self._place, self._every_s, self._clock = place, every_s, clock
        self._last = clock()
        self._process: subprocess.Popen | None = None

    def note(self) -> None:
        """Rows have come: build, if it is time to."""
        under_way = self._process and self._process.poll() is None
        if self._every_s is None or under_way or self._clock() < self._last + self._every_s:
            return
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
        self._process = subprocess.Popen(["nice", *report_command(self._place)], **quiet)
        self._last = self._clock()

    def until_timed(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """The tasks; before the first timed one is given away, the last refresh is over."""
        for task in tasks:
            if task.cell.exclusive:
                self.end()
            yield task

    def end(self) -> None:
        """Wait for the one that is under way, and build no more."""
        self._every_s = None
        if self._process:
            self._process.wait()
