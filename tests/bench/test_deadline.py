"""The alarm in the worker: it ends what runs Python code, is not swallowed, and leaves no trace."""

import signal
import threading
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from bench.attempt import run_cell
from bench.cell import Task
from bench.data import make_dataset
from bench.deadline import TimeLimit, time_limit


def test_what_takes_too_long_is_ended_soon():
    start = time.monotonic()
    with pytest.raises(TimeLimit, match=r"time limit of 0\.1 s"), time_limit(0.1):
        time.sleep(10)
    assert 0.1 <= time.monotonic() - start < 1


def test_code_that_catches_exceptions_is_ended_too():
    def stubborn():
        while True:
            with suppress(Exception):
                time.sleep(10)

    with pytest.raises(TimeLimit), time_limit(0.1):
        stubborn()


def test_an_alarm_that_is_swallowed_rings_again(monkeypatch):
    monkeypatch.setattr("bench.deadline.REPEAT_S", 0.1)

    def swallow_one():
        with suppress(TimeLimit):
            time.sleep(10)
        time.sleep(10)

    start = time.monotonic()
    with pytest.raises(TimeLimit), time_limit(0.1):
        swallow_one()
    assert 0.2 <= time.monotonic() - start < 1


def test_what_ends_in_time_is_left_alone_and_no_alarm_is_left():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(0.05):
        pass
    time.sleep(0.1)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_thread_that_gets_no_signals_has_no_limit():
    done = []

    def work():
        with time_limit(0.01):
            time.sleep(0.05)
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_cell_past_its_limit_is_a_row(train_task: Task, monkeypatch):
    monkeypatch.setattr("bench.attempt.train", lambda *_: time.sleep(10))
    task = replace(train_task, timeout_s=0.5)
    data = make_dataset(task.cell.system, task.protocol)
    row = run_cell(task, lambda: data)
    assert (row["status"], row["phase"], row["exception"]) == ("timeout", "train", "TimeLimit")
    assert "0.5 s" in row["reason"]
    assert 0.5 <= row["wall_s"] < 5
