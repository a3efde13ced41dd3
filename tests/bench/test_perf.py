"""The asv benchmarks: what each measures, and that new modes and models get theirs without a line."""

from itertools import cycle
from math import inf, nan
from pathlib import Path
from time import sleep

import pytest

import models
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.perf import in_unit, measured_task, yardstick
from bench.perf.iteration import OfEveryMode, OfEveryModel
from bench.perf.learning import DirectFit, ShortTraining
from bench.perf.planning import Planning
from bench.perf.storage import Storage
from bench.perf.yardstick import in_yardsticks, peer_iteration, wall
from bench.plan import make_plan
from bench.store import read
from models import gradients


@pytest.mark.parametrize("mode", gradients.names())
def test_a_gradient_mode_gets_its_benchmarks_without_a_line(mode):
    assert mode in OfEveryMode.params[0]
    benchmark = OfEveryMode()
    benchmark.setup(mode, 4)
    assert benchmark.track_peak_bytes(mode, 4) > 0


def test_a_model_gets_its_benchmarks_without_a_line():
    trainable = [name for name in models.names() if models.get(name).trainable]
    assert OfEveryModel.params[0] == ShortTraining.params[0] == trainable
    assert DirectFit.params[0] == [name for name in trainable if models.get(name).fits]


def test_every_model_can_learn_under_the_protocol_of_the_benchmarks():
    assert all(measured_task(name).protocol.name == "perf" for name in ShortTraining.params[0])


def test_what_does_not_apply_raises_what_asv_takes_as_a_skip():
    with pytest.raises(NotImplementedError, match="fitted at once"):
        OfEveryModel().setup("polynomial")


def test_gradients_of_exact_modes_are_exact_and_of_wrong_ones_are_not():
    errors = {}
    for mode in ("discrete", "paper_adjoint"):
        benchmark = OfEveryMode()
        benchmark.setup(mode, 4)
        errors[mode] = benchmark.track_gradient_error(mode, 4)
    assert errors["discrete"] < 1e-4
    assert errors["paper_adjoint"] > 1e-2


@pytest.mark.slow
def test_a_short_training_learns():
    benchmark = ShortTraining()
    benchmark.setup("hnn")
    constant = 0.8  # mean |H - mean H| of the coupled oscillator over its box, about
    assert benchmark.track_error("hnn") < constant / 3


def test_a_training_that_fails_is_no_figure(monkeypatch):
    benchmark = ShortTraining()
    benchmark.setup("hnn")
    monkeypatch.setattr("bench.attempt.training_columns", lambda *_: 1 / 0)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        benchmark.track_error("hnn")


class Clock:
    """Seconds that a run itself says, times how slow the machine is at each sample, in turn."""

    def __init__(self, *slowness):
        self.slowness = cycle(slowness or (1.0,))

    def __call__(self, run, times):
        return run() * times * next(self.slowness)


def test_time_is_the_ratio_to_the_yardstick_however_long_it_is():
    for seconds in (1e-4, 0.03, 5.0):
        ratio = in_yardsticks(lambda: 3 * seconds, lambda: seconds, clock=Clock(), rounds=(3, 3))  # noqa: B023
        assert ratio == pytest.approx(3)


def test_waiting_counts_as_time():
    assert wall(lambda: sleep(0.01), 2) >= 0.02


def test_a_machine_that_is_slow_at_times_cancels_out():
    stalls, slower, faster = (1.0,) * 8 + (1.7,), (1.0,) * 5 + (2.0,) * 30, (2.0,) * 30 + (1.0,) * 5
    for slowness in ((3.0,), stalls, slower, faster):
        ratio = in_yardsticks(lambda: 2.0, lambda: 1.0, clock=Clock(*slowness), rounds=(20, 20))
        assert ratio == pytest.approx(2)


def test_a_machine_that_is_slow_in_two_samples_of_five_cancels_out_but_for_two_percent():
    """A trimmed mean has no quiet moment to choose, as the least has; on real machines that decides nothing (015)."""
    ratio = in_yardsticks(lambda: 2.0, lambda: 1.0, clock=Clock(1.0, 1.5, 1.0, 1.0, 1.7), rounds=(20, 20))
    assert ratio == pytest.approx(2, rel=0.02)


def test_yardsticks_use_nothing_of_ours():
    source = Path(yardstick.__file__).read_text()
    assert "import models" not in source
    assert "from bench" not in source
    assert "from systems" not in source


def test_the_peer_takes_a_step_of_work():
    peer_iteration()()


def test_rows_written_are_the_rows_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark = Storage()
    benchmark.setup(20)
    assert len(read(benchmark.folder / "store")) == 20
    benchmark.teardown(20)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_against_its_own_rows_has_nothing_to_run():
    benchmark = Planning()
    benchmark.setup("smoke")
    plan = make_plan(expand(load_grid("smoke"), Filters()), benchmark.rows)
    assert plan.finished
    assert not plan.run


@pytest.mark.parametrize("value", [nan, inf])
def test_a_benchmark_that_gives_no_number_fails(value):
    """asv would take NaN as a skip."""
    with pytest.raises(ArithmeticError, match=f"measured {value}"):
        in_unit("bytes")(lambda self: value)(None)


def test_a_gradient_error_that_is_no_number_is_not_the_best_possible(monkeypatch):
    monkeypatch.setattr("bench.perf.iteration.gradient_error", lambda *_: (nan, nan))
    benchmark = OfEveryMode()
    benchmark.setup("discrete", 4)
    with pytest.raises(ArithmeticError):
        benchmark.track_gradient_error("discrete", 4)


def test_a_learned_error_that_is_no_number_is_not_the_best_possible(monkeypatch):
    monkeypatch.setattr("bench.perf.learning.run_cell", lambda *_: {"status": "ok", "h_mae_ru": nan})
    benchmark = ShortTraining()
    benchmark.setup("hnn")
    with pytest.raises(ArithmeticError):
        benchmark.track_error("hnn")
