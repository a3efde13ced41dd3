"""One night: measure a commit, judge it by the nights before, and measure once more what may have changed."""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.nightly.asv_passes import TIMED, Asv, NothingMeasured
from bench.nightly.commit import Commit
from bench.nightly.figures import Figure, pooled
from bench.nightly.grid_run import run_grid
from bench.nightly.history import Night
from bench.nightly.judge import confirmed, judge, suspects
from bench.nightly.machine import Machine, packages
from bench.store import replace_file

PASSES = 3  # over the benchmarks of time: what they differ in is the A/A spread
AGAIN = 7  # more passes over those that may have changed

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What of a night is measured."""

    only: tuple[str, ...] = ()  # patterns of benchmarks; none: all, and the grid
    passes: int = PASSES


class Measurement:
    """The figures of one tree. What goes wrong after the first pass fails benchmarks, and loses no figure."""

    def __init__(self, tree: Path, commit: Commit, machine: Machine, work: Path, wanted: Wanted, say: Say):
        self.tree, self.work, self.wanted, self.say = tree, work, wanted, say
        self.asv = Asv(tree, commit.sha, machine, work / "asv")
        self.passes: list[dict[str, Figure]] = []

    def measure_all(self) -> None:
        """One pass over all benchmarks of asv's. Raises NothingMeasured."""
        self.say("asv: all benchmarks")
        self.passes.append(self.asv.measure(self.wanted.only))

    def measure_times(self) -> None:
        """One more pass over those of time. Nothing of it is left where there are none."""
        timed = [name for name in self.passes[0] if re.search(TIMED, name)]
        if timed:
            self.say(f"asv: the {len(timed)} benchmarks of time again, pass {len(self.passes) + 1}")
            self.passes.append(self._measure_more(timed))

    def measure_quality(self) -> None:
        """The grid, if no pattern of asv's says otherwise."""
        if self.wanted.only:
            return
        self.say("bench.run --grid nightly")
        shutil.rmtree(self.work / "grid", ignore_errors=True)
        self.passes.append(run_grid(self.tree, self.work / "grid"))

    def again(self, names: Sequence[str]) -> dict[str, Figure]:
        """Fresh figures of some benchmarks."""
        self.say(f"asv: {len(names)} that may have changed, {AGAIN} passes more")
        return pooled([self._measure_more(names) for _ in range(AGAIN)])

    def _measure_more(self, names: Sequence[str]) -> dict[str, Figure]:
        """Figures of some benchmarks that the first pass has, all of them failed where asv itself fails."""
        try:
            return self.asv.measure([exactly(names)])
        except NothingMeasured:
            failure = "asv failed as a whole in a later pass: the night's log says why"
            return {name: replace(self.passes[0][name], samples=(), failure=failure) for name in names}

    def keep_asv(self, folder: Path) -> None:
        """Adds the first pass to the results that asv's site is made of; one over some replaces none over all."""
        if not (self.wanted.only and self.asv.kept_in(folder).exists()):
            self.asv.keep(folder)

    def keep_log(self, night: Night, path: Path) -> tuple[str, ...]:
        """Keeps what asv and bench.run said, if any of its benchmarks failed; a note where."""
        if not any(figure.failure for figure in night.figures.values()):
            return ()
        logs = [log for log in (self.work / "asv" / "asv.log", self.work / "grid.log") if log.exists()]
        replace_file(path, b"\n".join(log.read_bytes() for log in logs))
        return (f"The night's log, with the tracebacks of what failed: {path}.",)

    @property
    def figures(self) -> dict[str, Figure]:
        return pooled(self.passes)


def exactly(names: Sequence[str]) -> str:
    """The pattern that matches these names of asv's and no others."""
    return f"^({'|'.join(re.escape(name) for name in names)})$"


def measure_night(measurement: Measurement) -> dict[str, Figure]:
    """A/A first: the benchmarks of time in several passes, then the grid."""
    measurement.measure_all()
    for _ in range(measurement.wanted.passes - 1):
        measurement.measure_times()
    measurement.measure_quality()
    return measurement.figures


def begin(commit: Commit, machine: Machine, wanted: Wanted) -> Night:
    """A night without figures, begun now."""
    moment = datetime.now(UTC).isoformat(timespec="microseconds")
    return Night(commit.sha, commit.subject, commit.committed_at, moment, machine.name, packages(), only=wanted.only)


def judged(night: Night, earlier: Sequence[Night], again: Callable[[Sequence[str]], dict[str, Figure]]) -> Night:
    """The night with verdicts: a change of time is one only if fresh passes alone show it."""
    verdicts = judge(night, earlier)
    doubtful = suspects(verdicts)
    if not doubtful:
        return replace(night, verdicts=verdicts)
    fresh = again(doubtful)
    alone = judge(replace(night, figures=night.figures | fresh), earlier)
    figures = night.figures | pooled([{name: night.figures[name] for name in doubtful}, fresh])
    together = judge(replace(night, figures=figures), earlier)
    for name in doubtful:
        if not figures[name].failure:
            together[name] = replace(together[name], outcome=confirmed(verdicts[name], alone[name]))
    return replace(night, figures=figures, verdicts=together)
