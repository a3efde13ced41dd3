"""The gate on series whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from nights import BYTES, ERROR, moved, night, noisy, timed

from bench.nightly.figures import Figure, pooled
from bench.nightly.judge import judge
from bench.nightly.night import AGAIN, judged
from bench.nightly.verdict import Outcome

FAILED = Figure("", failure="it broke")


def outcomes(tonight, earlier):
    return {name: verdict.outcome for name, verdict in judge(tonight, earlier).items()}


def outcome_of_change(change, *, name=ERROR):
    return outcomes(night(2, {name: 1 + change}), [night(1, {name: 1.0})])[name]


@pytest.mark.parametrize("name", [BYTES, ERROR, timed(4)])
def test_memory_errors_and_times_are_judged_alike(name):
    assert outcome_of_change(0.2, name=name) is Outcome.WORSE
    assert outcome_of_change(0.04, name=name) is Outcome.SAME
    assert outcome_of_change(-0.2, name=name) is Outcome.BETTER


def test_an_error_that_was_nothing_and_is_something_is_worse():
    assert outcomes(night(2, {ERROR: 1e-9}), [night(1, {ERROR: 0.0})]) == {ERROR: Outcome.WORSE}


def test_three_times_the_scatter_of_the_passes_is_noise():
    passes = Figure("", (0.95, 1.0, 1.05))  # 5 %
    slower = Figure("", (1.12, 1.17, 1.22))
    verdict = judge(night(2, {timed(4): slower}), [night(1, {timed(4): passes})])[timed(4)]
    assert verdict.outcome is Outcome.SAME
    assert verdict.threshold == pytest.approx(3 * 2**0.5 * np.sqrt((0.05**2 + (0.05 / 1.17) ** 2) / 2), rel=1e-6)


def test_one_benchmark_whose_passes_agree_by_chance_gets_the_noise_of_the_others():
    others = {timed(number): Figure("", (0.97, 1.0, 1.03)) for number in range(1, 9)}
    lucky = {timed(0): Figure("", (1.1, 1.1, 1.1))}
    verdicts = judge(night(2, others | lucky), [night(1, others | {timed(0): Figure("", (1.0, 1.0, 1.0))})])
    assert verdicts[timed(0)].outcome is Outcome.SAME


def test_nights_that_differ_more_than_their_passes_raise_the_threshold():
    earlier = [night(number, {timed(4): value}) for number, value in enumerate((1.0, 1.1, 0.9, 1.1, 0.9))]
    assert outcomes(night(9, {timed(4): 1.2}), earlier) == {timed(4): Outcome.SAME}


def test_what_is_worse_stays_worse_until_it_is_mended_or_accepted():
    series = [night(number, {ERROR: 1.0}) for number in range(3)]
    for number in range(3, 15):
        tonight = night(number, {ERROR: 1.2})
        series.append(replace(tonight, verdicts=judge(tonight, series)))
        assert series[-1].verdicts[ERROR].outcome is Outcome.WORSE
    accepting = replace(night(15, {ERROR: 1.2}), accepted=(ERROR,))
    series.append(replace(accepting, verdicts=judge(accepting, series)))
    assert series[-1].verdicts[ERROR].outcome is Outcome.NEW
    assert outcomes(night(16, {ERROR: 1.2}), series) == {ERROR: Outcome.SAME}
    assert outcomes(night(16, {ERROR: 1.4}), series) == {ERROR: Outcome.WORSE}


def test_an_improvement_is_the_new_level():
    series = [night(number, {ERROR: 1.0}) for number in range(7)]
    better = night(7, {ERROR: 0.7})
    series.append(replace(better, verdicts=judge(better, series)))
    assert series[-1].verdicts[ERROR].outcome is Outcome.BETTER
    assert outcomes(night(8, {ERROR: 1.0}), series) == {ERROR: Outcome.WORSE}


def test_times_of_another_machine_are_not_compared_but_bytes_and_errors_are():
    elsewhere = night(1, {timed(4): 1.0, BYTES: 1.0, ERROR: 1.0}, machine="other")
    tonight = night(2, {timed(4): 2.0, BYTES: 2.0, ERROR: 2.0})
    expected = {timed(4): Outcome.NEW, BYTES: Outcome.WORSE, ERROR: Outcome.WORSE}
    assert outcomes(tonight, [elsewhere]) == expected


def test_figures_of_another_version_are_not_compared():
    assert outcomes(night(2, {ERROR: Figure("", (2.0,), "2")}), [night(1, {ERROR: 1.0})]) == {ERROR: Outcome.NEW}


def test_a_benchmark_that_failed_or_vanished_alarms_until_that_is_accepted():
    series = [night(1, {ERROR: 1.0, BYTES: 1.0})]
    for number in range(2, 12):
        tonight = night(number, {ERROR: FAILED})
        series.append(replace(tonight, verdicts=judge(tonight, series)))
        assert {verdict.outcome for verdict in series[-1].alarms.values()} == {Outcome.FAILED, Outcome.VANISHED}
    accepting = replace(night(12, {ERROR: 1.0}), accepted=(BYTES,))
    series.append(replace(accepting, verdicts=judge(accepting, series)))
    assert not series[-1].alarms
    assert outcomes(night(13, {ERROR: 1.0}), series) == {ERROR: Outcome.SAME}


def test_a_night_of_some_benchmarks_misses_no_others():
    earlier = [night(1, {ERROR: 1.0, timed(4): 1.0, timed(32): 1.0})]
    tonight = replace(night(2, {timed(4): 1.0}), only=("track_time",))
    assert outcomes(tonight, earlier) == {timed(4): Outcome.SAME, timed(32): Outcome.VANISHED}


def test_however_many_nights_of_some_benchmarks_forget_none_of_the_others():
    earlier = [night(1, {ERROR: 1.0, timed(4): 1.0})]
    earlier += [replace(night(number, {timed(4): 1.0}), only=("track_time",)) for number in range(2, 12)]
    assert outcomes(night(12, {timed(4): 1.0}), earlier) == {timed(4): Outcome.SAME, ERROR: Outcome.VANISHED}


def test_one_pass_that_failed_fails_the_benchmark():
    assert pooled([{ERROR: Figure("", (1.0,))}, {ERROR: FAILED}])[ERROR].failure == "it broke"


def ten_nights(noise, drawn, slower=1.0):
    """Alarms of ten nights of 60 benchmarks of time, of which one is slower in an eleventh; and its outcome.

    Passes scatter by `noise`; half as much is a night's own, which its fresh passes share.
    """
    truth = {timed(number): 1.0 for number in range(60)}
    series, alarms = [], 0
    for number in range(11):
        values = truth | ({timed(0): slower} if number == 10 else {})
        values = moved(values, noise / 2, drawn)
        tonight = night(number, noisy(values, noise, drawn))
        series.append(judged(tonight, series, lambda names: again(values, names, noise, drawn)))  # noqa: B023
        alarms += len(series[-1].alarms) if number < 10 else 0
    return alarms, series[-1].verdicts[timed(0)].outcome


def again(values, names, noise, drawn):
    return noisy({name: values[name] for name in names}, noise, drawn, passes=AGAIN)


@pytest.mark.parametrize(("noise", "at_most"), [(0.01, 0), pytest.param(0.03, 1, marks=pytest.mark.slow)])
def test_ten_nights_of_the_same_commit_raise_no_alarm_and_a_fifth_is_found(noise, at_most):
    histories = [ten_nights(noise, np.random.default_rng(seed), slower=1.2) for seed in range(4)]
    assert sum(alarms > 0 for alarms, _ in histories) <= at_most
    assert [outcome for _, outcome in histories].count(Outcome.WORSE) == 4


def test_a_change_is_confirmed_though_another_suspect_scatters_in_its_fresh_passes():
    """How noisy tonight is, the passes of all benchmarks say, not those of the few that are measured again."""
    steady = Figure("", (0.99, 1.0, 1.01))
    earlier = [night(number, {timed(number): steady for number in range(20)}) for number in range(5)]
    slower = Figure("", (1.19, 1.2, 1.21))
    tonight = night(9, {timed(number): slower if number < 2 else steady for number in range(20)})
    fresh = {timed(0): slower, timed(1): Figure("", (1.0, 1.2, 1.5))}
    verdicts = judged(tonight, earlier, lambda names: fresh).verdicts
    assert [verdicts[timed(number)].outcome for number in range(3)] == [Outcome.WORSE, Outcome.SAME, Outcome.SAME]


@pytest.mark.parametrize(("shown", "outcome"), [(1.2, Outcome.WORSE), (1.1, Outcome.SAME), (0.8, Outcome.SAME)])
def test_what_comes_near_the_threshold_is_measured_again_and_judged_by_that_alone(shown, outcome):
    def around(value):
        return Figure("", (0.96 * value, value, 1.04 * value))  # so the threshold is 13 %

    steady = {timed(number): around(1.0) for number in range(20)}
    slower = {timed(0): around(1.11), timed(1): around(1.09)}
    asked = []

    def again(names):
        asked.extend(names)
        return {timed(0): around(shown)}

    verdicts = judged(night(9, steady | slower), [night(number, steady) for number in range(5)], again).verdicts
    assert asked == [timed(0)]
    assert verdicts[timed(0)].outcome is outcome


def test_without_fresh_passes_the_same_noise_would_alarm(monkeypatch):
    """The confirmation is what keeps ten nights quiet: thresholds alone alarm in one history of four."""
    monkeypatch.setattr("bench.nightly.night.suspects", lambda verdicts: [])
    assert sum(ten_nights(0.03, np.random.default_rng(seed))[0] for seed in range(16)) > 0
