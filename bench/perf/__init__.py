"""asv benchmarks. Lower is better everywhere; the meters are those of bench.measure and bench.perf.yardstick.

Benchmarks are `track_` functions, for asv's own meters of time and memory see the whole process and a machine whose
speed drifts. Those called `track_time` differ from run to run; all others repeat exactly, as their data and their
seeds are fixed. What does not apply raises NotImplementedError in `setup`, which asv takes as a skip. `version` is
changed by hand, when a figure means something else than before.
"""

from collections.abc import Callable
from functools import wraps
from math import isfinite

import torch._dynamo  # noqa: F401  # or every case, a process of its own, imports it with its first optimizer: 2 s

import models
from bench.cell import Task
from bench.expand import expand
from bench.grid import Filters, Grid
from bench.heap import keep_freed_memory

keep_freed_memory()  # as in every cell; each case is a process of its own


def in_unit(name: str) -> Callable[[Callable], Callable]:
    """Mark a track_ function with the unit that asv shows, and make it raise for what is no finite number."""

    def mark(function: Callable[..., float | int]) -> Callable[..., float | int]:
        @wraps(function)
        def measured(*case: object) -> float | int:
            return finite(function(*case))

        measured.__dict__["unit"] = name
        return measured

    return mark


def finite(value: float | int) -> float | int:
    """The number. Raises ArithmeticError if it is none: asv takes NaN as a skip, and `max` may drop it."""
    if not isfinite(value):
        raise ArithmeticError(f"measured {value}")
    return value


def measured_task(model: str, **axes: object) -> Task:
    """The cell that a benchmark measures: the first that exists of a block with these axes.

    By default one on the coupled oscillator, in about 1,100 parameters where the model has that size. Raises
    NotImplementedError with the reason if all are skipped.
    """
    usual = {
        "system": "coupled_oscillator",
        "model": model,
        "preset": "matched" if "matched" in models.get(model).presets else "paper",
        "seq_len": 4,
        "seed": 0,
        "protocol": "perf",
        "recipe": "perf",
    }
    grid = Grid.model_validate({"name": "perf", "cells": [usual | axes]})
    planned = list(expand(grid, Filters()))
    for candidate in planned:
        if candidate.skipped is None:
            return candidate.task
    raise NotImplementedError(planned[0].skipped)
