"""The time limit of a cell inside its worker: an alarm that raises wherever the main thread is in Python code.

What is stuck in C code never meets it; the driver stops such a worker from outside (`bench/driver.py`).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REPEAT_S = 1.0  # an exception raised inside a destructor is swallowed by Python: ring until one gets through


class TimeLimit(BaseException):
    """The time is up. Not an Exception, so that code which catches those does not swallow it."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimit in the block after so many seconds; None, or a thread that gets no signals: no limit."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise TimeLimit(f"not done after its time limit of {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_S)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
