"""Judging a night by the nights before it.

Worse is what exceeds the median of the last n nights by more than max(5 %, 3 x the A/A spread). The spread is an
estimate of the noise of that difference where the code is the same: sqrt(1 + 1/n) times the largest of

* the scatter of a night's passes, pooled over this night and the n;
* the same, tonight, of a typical benchmark of time, for a few passes may agree by chance;
* the scatter of the n nights themselves, by the median deviation, which one real step does not move.

`docs/decisions/015-nightly-gate.md` has the rates of false alarms.
"""

import re
from collections.abc import Sequence
from math import inf, sqrt
from statistics import fmean, median

from bench.nightly.figures import Figure, depends_on_machine
from bench.nightly.history import Night
from bench.nightly.verdict import Outcome, Verdict

FLOOR = 0.05  # a relative change that is never called worse
SPREADS = 3.0
SUSPICION = 0.8  # of a threshold: what exceeds it is measured again
NIGHTS = 7  # that a night is compared with, at most
ENOUGH_NIGHTS = 4  # for their scatter to say something
NOT_JUDGED = Verdict(Outcome.NEW)  # of a backfilled night
DEVIATIONS = 1.4826  # of the median absolute deviation in a standard deviation, of a normal distribution


def judge(night: Night, earlier: Sequence[Night]) -> dict[str, Verdict]:
    """A verdict for every benchmark that was measured or should have been; `earlier` nights, oldest first."""
    typical = typical_spread(night)
    verdicts = {}
    for name, figure in night.figures.items():
        before = [] if name in night.accepted else figures_before(name, figure.version, night, earlier)
        verdicts[name] = judge_figure(figure, before, typical if depends_on_machine(name) else 0.0)
    gone = expected(night, earlier) - set(night.figures)
    return verdicts | {name: Verdict(Outcome.VANISHED) for name in sorted(gone)}


def judge_figure(figure: Figure, before: Sequence[Figure], typical: float) -> Verdict:
    """One benchmark against its figures of the nights that it is compared with; `typical` is its least spread."""
    if figure.failure:
        return Verdict(Outcome.FAILED)
    if not before:
        return Verdict(Outcome.NEW)
    baseline = median(past.value for past in before)
    change = relative_change(figure.value, baseline)
    threshold = max(FLOOR, SPREADS * spread(figure, before, typical))
    outcome = Outcome.SAME
    if abs(change) > threshold:
        outcome = Outcome.WORSE if change > 0 else Outcome.BETTER
    return Verdict(outcome, baseline, change, threshold)


def figures_before(name: str, version: str, night: Night, earlier: Sequence[Night]) -> list[Figure]:
    """The newest figures that a benchmark is compared with, newest first.

    Of the same version; of the same machine, if it measures time; not those that were called worse, or one bad
    night would be the next one's measure; and none from before a level that was accepted, or better.
    """
    found: list[Figure] = []
    for past in reversed(earlier):
        figure, outcome = past.figures.get(name), past.verdicts.get(name, NOT_JUDGED).outcome
        if depends_on_machine(name) and past.machine != night.machine:
            continue
        comparable = figure and not figure.failure and figure.version == version
        if figure and comparable and outcome is not Outcome.WORSE:
            found.append(figure)
        if name in past.accepted or outcome is Outcome.BETTER or len(found) == NIGHTS:
            break
    return found


def expected(night: Night, earlier: Sequence[Night]) -> set[str]:
    """What the last nights measured or missed, and the night was to measure: all of it must be there again.

    Nights of some benchmarks do not count among the last ones, or a few of them would forget all others.
    """
    names: set[str] = set()
    of_all = [number for number, past in enumerate(earlier) if not past.only]
    for past in earlier[min(of_all[-NIGHTS:], default=0) :]:
        names = names - set(past.accepted) | set(past.figures) | set(past.verdicts)
    if night.only:
        names = {name for name in names if any(re.search(pattern, name) for pattern in night.only)}
    return names - set(night.accepted)


def typical_spread(night: Night) -> float:
    """Relative scatter of the passes of the middle one of the benchmarks of time."""
    timed = [figure for name, figure in night.figures.items() if depends_on_machine(name)]
    variances = [figure.relative_variance for figure in timed]
    known = [variance for variance in variances if variance is not None]
    return sqrt(median(known)) if known else 0.0


def spread(figure: Figure, before: Sequence[Figure], typical: float) -> float:
    """Relative standard deviation of a night's value from the median of nights before, on one and the same commit."""
    variances = [own.relative_variance for own in (figure, *before)]
    known = [variance for variance in variances if variance is not None]
    within = sqrt(fmean(known)) if known else 0.0
    return max(within, typical, scatter([own.value for own in before])) * sqrt(1 + 1 / len(before))


def scatter(values: Sequence[float]) -> float:
    """Relative, by the median deviation; 0 of too few values."""
    middle = median(values)
    if len(values) < ENOUGH_NIGHTS or not middle:
        return 0.0
    return DEVIATIONS * median(abs(value / middle - 1) for value in values)


def relative_change(value: float, baseline: float) -> float:
    if baseline:
        return value / baseline - 1
    return inf if value else 0.0


def suspects(verdicts: dict[str, Verdict]) -> list[str]:
    """Benchmarks of time that may have changed: they come near the threshold, or exceed it."""
    return [name for name, verdict in verdicts.items() if depends_on_machine(name) and suspicious(verdict)]


def suspicious(verdict: Verdict) -> bool:
    if verdict.change is None or verdict.threshold is None:
        return False
    return abs(verdict.change) > max(FLOOR, SUSPICION * verdict.threshold)


def confirmed(suspicion: Verdict, fresh: Verdict) -> Outcome:
    """What fresh passes alone show, if it is in the direction of what made them necessary."""
    assert suspicion.change is not None
    assert fresh.change is not None
    return fresh.outcome if suspicion.change * fresh.change > 0 else Outcome.SAME
