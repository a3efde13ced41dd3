"""What a run has to do: the cells of a grid, less those whose rows are in the store already."""

from array import array
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bench.cell import Cell, Task
from bench.expand import Expansion, Siblings
from bench.resources import Request
from bench.status import FAILED, Status
from bench.store.writer import State

KNOWN = ("cell_id", "fingerprint", "status", "attempt")


class Tasks:
    """Tasks of a grid, each made when it is asked for."""

    def __init__(self, cells: Expansion):
        self._cells = cells
        self._siblings, self._seeds, self._attempts = array("q"), array("q"), array("i")
        self._last: tuple[int, Siblings] | None = None

    def add(self, siblings: int, seed: int, attempt: int) -> None:
        self._siblings.append(siblings)
        self._seeds.append(seed)
        self._attempts.append(attempt)

    def sort(self, *keys: array) -> None:
        """By the first key, then by the next; equal ones stay in their order."""
        order = np.lexsort([np.asarray(key) for key in reversed(keys)])
        for name in ("_siblings", "_seeds", "_attempts"):
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, np.asarray(column)[order].tobytes()))

    def __len__(self) -> int:
        return len(self._seeds)

    def __iter__(self) -> Iterator[Task]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> Task:
        return replace(self._at(index).task(self._seeds[index]), attempt=self._attempts[index])

    def reason(self, index: int) -> str | None:
        """Why the task is skipped."""
        return self._at(index).skipped

    def _at(self, index: int) -> Siblings:
        number = self._siblings[index]
        if self._last is None or self._last[0] != number:
            self._last = number, self._cells.at(number)
        return self._last[1]


@dataclass
class Plan:
    """Tasks to run (longest first), tasks to write down as skipped, and how many are finished."""

    run: Tasks
    skip: Tasks
    reasons: Counter[str] = field(default_factory=Counter)  # why so many are skipped
    kinds: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # to run or skip: kind, system and model
    finished: int = 0
    skipped_before: int = 0
    failed_before: int = 0  # and not to run again
    samples: dict[Request, Task] = field(default_factory=dict)  # one task of every kind of request for resources
    alone_s: float = 0.0  # expected, of the cells that have the machine to themselves; NaN: earlier rows do not tell
    packed_s: float = 0.0  # of the others, one after the other
    since: State | None = None  # of the store that the plan was made on

    @property
    def cells(self) -> int:
        return len(self.run) + len(self.skip) + self.finished + self.skipped_before + self.failed_before

    def total_s(self, workers: int) -> float | None:
        """Expected seconds with so many workers, or None if earlier rows do not tell for every cell."""
        seconds = self.alone_s + self.packed_s / workers
        return None if np.isnan(seconds) else seconds


def make_plan(cells: Expansion, rows: pd.DataFrame, rerun: Set[Status] = FAILED) -> Plan:
    """Compare the grid with the rows of the store (the last attempt of each cell); `rerun` says which run again."""
    plan, known, durations = Plan(Tasks(cells), Tasks(cells)), known_rows(rows), Durations(rows)
    alone, longest_first = array("b"), array("d")
    last, exclusive, seconds, order = None, False, 0.0, 0.0  # the same for all siblings
    for number, siblings, seed, identity in cells.places():
        row = known.get(identity)
        if row and row[0] == siblings.fingerprint and row[1] not in rerun:
            plan.skipped_before += row[1] is Status.SKIPPED
            plan.failed_before += row[1] in FAILED
            plan.finished += row[1].finished and row[1] is not Status.SKIPPED
            continue
        attempt = row[2] + 1 if row else 1
        plan.kinds[siblings.cell.kind, siblings.cell.system, siblings.cell.model] += 1
        if siblings.skipped is not None:
            plan.skip.add(number, seed, attempt)
            plan.reasons[siblings.skipped] += 1
            continue
        if siblings is not last:
            last, cell = siblings, siblings.cell
            exclusive, seconds = cell.exclusive, durations.of(cell)
            order = -(length(cell) if np.isnan(seconds) else seconds)
            plan.samples.setdefault(siblings.request, siblings.task(seed))
        plan.run.add(number, seed, attempt)
        plan.alone_s, plan.packed_s = plan.alone_s + exclusive * seconds, plan.packed_s + (not exclusive) * seconds
        alone.append(exclusive)
        longest_first.append(order)
    plan.run.sort(alone, longest_first)
    return plan


def known_rows(rows: pd.DataFrame) -> dict[str, tuple[str, Status, int]]:
    """Fingerprint, status and attempt of each cell that has a row."""
    shared: dict[tuple, tuple[str, Status, int]] = {}  # few differ, so that a million take little memory
    known = {}
    for identity, code, status, attempt in zip(*(rows[name] for name in KNOWN), strict=True):
        known[identity] = shared.setdefault((code, status, attempt), (code, Status(status), int(attempt)))
    return known


def length(cell: Cell) -> float:
    """A stand-in for the expected seconds where nothing is known: cells that train first, long windows first."""
    return (1e6 if cell.learns else 0.0) + (cell.seq_len or 0)


class Durations:
    """Median wall time of similar cells in earlier rows."""

    AXES = ("kind", "system", "model", "preset", "gradient_mode", "seq_len", "recipe", "protocol", "device")

    def __init__(self, rows: pd.DataFrame):
        done = rows[rows["status"] == Status.OK]
        medians = pd.DataFrame(done.groupby(list(self.AXES), dropna=False, as_index=False)["wall_s"].median())
        self._seconds = {
            tuple(_none(row[axis]) for axis in self.AXES): row["wall_s"] for row in medians.to_dict(orient="records")
        }

    def of(self, cell: Cell) -> float:
        """Seconds, NaN if earlier rows do not tell."""
        return self._seconds.get(tuple(getattr(cell, axis) for axis in self.AXES), float("nan"))


def _none(value):
    return None if pd.isna(value) else value


PLANNING = (*KNOWN, *Durations.AXES, "wall_s")  # what a plan reads of stored rows
