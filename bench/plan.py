"""What a run has to do: the cells of a grid, less those whose rows are in the store already."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace

import pandas as pd

from bench.cell import Task
from bench.grid import Planned
from bench.status import FAILED, Status
from bench.store.writer import State

KNOWN = ("cell_id", "fingerprint", "status", "attempt")


@dataclass
class Plan:
    """Tasks to run (longest first), tasks to write down as skipped, and how many are finished."""

    run: list[Task] = field(default_factory=list)
    skip: list[tuple[Task, str]] = field(default_factory=list)
    finished: int = 0
    skipped_before: int = 0
    failed_before: int = 0  # and not to run again
    since: State | None = None  # of the store that the plan was made on
    expected_s: dict[str, float] = field(default_factory=dict)  # by cell id, where earlier rows tell

    @property
    def cells(self) -> int:
        return len(self.run) + len(self.skip) + self.finished + self.skipped_before + self.failed_before

    @property
    def samples(self) -> list[Task]:
        """One task of every kind of request for resources."""
        return list({(task.cell.device, task.cell.exclusive): task for task in self.run}.values())

    def total_s(self, workers: int) -> float | None:
        """Expected seconds with so many workers, or None if earlier rows do not tell for every cell."""
        if any(task.cell_id not in self.expected_s for task in self.run):
            return None
        alone = sum(self.expected_s[task.cell_id] for task in self.run if task.cell.exclusive)
        packed = sum(self.expected_s[task.cell_id] for task in self.run if not task.cell.exclusive)
        return alone + packed / workers


def make_plan(planned: Iterable[Planned], rows: pd.DataFrame, rerun: Set[Status] = FAILED) -> Plan:
    """Compare the grid with the rows of the store (the last attempt of each cell); `rerun` says which run again."""
    plan, durations = Plan(), Durations(rows)
    known = {row["cell_id"]: row for row in rows.loc[:, list(KNOWN)].to_dict(orient="records")}
    for task, reason in ((item.task, item.skipped) for item in planned):
        row = known.get(task.cell_id)
        if row and row["fingerprint"] == task.fingerprint and (status := Status(row["status"])) not in rerun:
            plan.skipped_before += status is Status.SKIPPED
            plan.failed_before += status in FAILED
            plan.finished += status.finished and status is not Status.SKIPPED
            continue
        task = replace(task, attempt=int(row["attempt"]) + 1 if row else 1)
        if reason is not None:
            plan.skip.append((task, reason))
            continue
        plan.run.append(task)
        if (seconds := durations.of(task)) is not None:
            plan.expected_s[task.cell_id] = seconds
    plan.run.sort(key=lambda task: (task.cell.exclusive, -plan.expected_s.get(task.cell_id, length(task))))
    return plan


def length(task: Task) -> float:
    """A stand-in for the expected seconds where nothing is known: cells that train first, long windows first."""
    return (1e6 if task.cell.learns else 0.0) + (task.cell.seq_len or 0)


class Durations:
    """Median wall time of similar cells in earlier rows."""

    AXES = ("kind", "system", "model", "preset", "gradient_mode", "seq_len", "recipe", "protocol", "device")

    def __init__(self, rows: pd.DataFrame):
        done = rows[rows["status"] == Status.OK]
        medians = pd.DataFrame(done.groupby(list(self.AXES), dropna=False, as_index=False)["wall_s"].median())
        self._seconds = {
            tuple(_none(row[axis]) for axis in self.AXES): row["wall_s"] for row in medians.to_dict(orient="records")
        }

    def of(self, task: Task) -> float | None:
        return self._seconds.get(tuple(getattr(task.cell, axis) for axis in self.AXES))


def _none(value):
    return None if pd.isna(value) else value
