"""Starting what cells run on: this process, a local Ray or a cluster; and refusing what it can never run."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from bench.backends import inline
from bench.cell import Task
from bench.declarations import BadInput
from bench.driver import Driver


class Backend(StrEnum):
    INLINE = "inline"
    RAY = "ray"


@dataclass(frozen=True)
class Options:
    """Where and how cells run."""

    backend: Backend
    workers: int
    address: str | None


@dataclass(frozen=True)
class Engine:
    """From tasks to rows: how, how many cells at once, the slots that a row's cell took, who else is told of it."""

    run: Callable[[Iterable[Task], Event], Iterator[list[dict]]]
    slots: float
    taken: Callable[[dict], float] = lambda row: 1.0
    note: Callable[[dict], None] = lambda row: None


@contextmanager
def engine(options: Options, samples: Iterable[Task]) -> Iterator[Engine]:
    """What runs cells; `samples` has one task of every kind of request. Raises BadInput if one can never run."""
    if options.backend is Backend.INLINE:
        refuse_impossible(inline.impossible, samples)
        yield Engine(inline.run, 1.0)
        return
    from bench.backends import ray  # starting Ray takes seconds: only when there is something to run

    with ray.cluster(options.workers, options.address) as workers:
        refuse_impossible(workers.impossible, samples)
        yield Engine(Driver(workers).run, workers.slots, workers.taken, workers.metrics.note)


def refuse_impossible(impossible: Callable[[Task], str | None], samples: Iterable[Task]) -> None:
    for task in samples:
        if reason := impossible(task):
            raise BadInput(f"{task.cell.label} cannot run here: {reason}")


def cores() -> int:
    return len(os.sched_getaffinity(0))
