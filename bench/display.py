"""What a run shows in the terminal: the plan, progress with the last errors, and the summary."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bench.own_data import OwnData
from bench.plan import Plan
from bench.status import Status
from bench.store import Place

ERRORS_KEPT = 5
LINES_WITHOUT_TERMINAL = 20  # progress lines in a log file


def show_plan(console: Console, grid: str, plan: Plan, workers: int, *, detailed: bool) -> None:
    """Counts and estimate; with `detailed` every cell that would run and every skip."""
    skipped = len(plan.skip) + plan.skipped_before
    console.print(
        f"Grid {grid}: {plan.cells} cells; {len(plan.run)} to run, {plan.finished} finished, {skipped} skipped."
    )
    for reason, count in plan.reasons.items():
        console.print(f"  skipped {count}: {reason}", highlight=False)
    if detailed:
        for task in plan.run:
            console.print(f"  {task.cell_id}  {task.cell.label}", highlight=False)
    if plan.run:
        seconds = plan.total_s(workers)
        told = "no earlier rows to estimate the time from" if seconds is None else f"about {clock(seconds)}"
        console.print(f"  {told} with {workers} workers", highlight=False)


def show_nothing_to_do(console: Console, plan: Plan, place: Place) -> None:
    """A sentence, and the files of the report that is there."""
    told = f"all {plan.cells} cells are finished in {place}."
    if plan.failed_before:
        told = f"{plan.failed_before} of {plan.cells} cells failed in earlier runs and are not to run again."
    console.print(f"Nothing to do: {told}", soft_wrap=True)
    for path in sorted(place.report().glob("*")):
        console.print(str(path), highlight=False, soft_wrap=True)


def show_data(console: Console, data: OwnData) -> None:
    """How many trajectories of what, how they are split, and what a user should know of them."""
    train, validation, held_out = data.split.values()
    console.print(
        f"Data {data.label}: {data.trajectories} trajectories of {data.steps + 1} times {data.dt:g} apart, "
        f"degrees of freedom: {data.dof}; {train} to train on, {validation} to validate on, {held_out} held out.",
        highlight=False,
    )
    for note in data.notes:
        console.print(f"  {note}", highlight=False)


SUMMARY_AXES = ("kind", "model", "gradient_mode", "recipe")


class Live:
    """Progress of a run: a bar in a terminal, a bounded number of lines elsewhere."""

    def __init__(self, console: Console, total: int):
        self._console, self._total = console, total
        self._done = 0
        self._lost: set[str] = set()  # cells that may come again
        self._statuses: Counter[str] = Counter()  # of attempts
        self._errors: deque[str] = deque(maxlen=ERRORS_KEPT)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("cells", total=total)

    def note(self, row: dict) -> None:
        """Show that an attempt at a cell ended."""
        self._statuses[row["status"]] += 1
        before = row["cell_id"] in self._lost
        self._done += not before
        if row["status"] in (Status.LOST, Status.OOM):
            self._lost.add(row["cell_id"])
        if row["status"] != Status.OK:
            self._errors.append(f"{row['status']}: {describe(row)}: {row['reason']}")
            self._bar.console.print(self._errors[-1], style="yellow", markup=False, highlight=False)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self._statuses.items()))
        self._bar.update(self._task, completed=self._done, description=counts)
        done = self._done
        if not (self._console.is_terminal or before) and done % max(1, self._total // LINES_WITHOUT_TERMINAL) == 0:
            self._console.print(f"{done}/{self._total} cells: {counts}", highlight=False)

    @contextmanager
    def shown(self) -> Iterator["Live"]:
        with self._bar:
            yield self
        if self._errors:
            self._console.print(f"The last {len(self._errors)} of the cells that did not end well:")
            for error in self._errors:
                self._console.print(f"  {error}", markup=False, highlight=False)


def describe(row: dict) -> str:
    """A row's cell in one line."""
    keys = ("kind", "system", "model", "gradient_mode", "recipe", "seq_len", "seed")
    return " ".join(str(row[key]) for key in keys if row.get(key) is not None)


def show_summary(console: Console, rows: pd.DataFrame) -> None:
    """One line for each kind, model, gradient mode and recipe: how many cells, how they ended, how long."""
    table = Table("kind", "model", "gradient mode", "recipe", "ok", "not ok", "median cell [s]")
    named = rows.fillna({axis: "-" for axis in SUMMARY_AXES})
    for axes, group in named.groupby(list(SUMMARY_AXES), sort=True):
        names = [str(name) for name in axes] if isinstance(axes, tuple) else [str(axes)]
        good = group.loc[group["status"] == Status.OK, "wall_s"]
        median = "-" if good.empty else f"{float(good.median()):.2f}"
        table.add_row(*names, str(len(good)), str(len(group) - len(good)), median)
    console.print(table)


def show_use(console: Console, cells: int, busy_s: float, seconds: float, slots: float) -> None:
    """How much of the workers' time went into cells; a timed cell takes those of a node."""
    console.print(
        f"{cells} cells in {clock(seconds)}: {slots:g} workers were busy {busy_s / (slots * seconds):.0%} "
        "of the time.",
        highlight=False,
    )


def clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
