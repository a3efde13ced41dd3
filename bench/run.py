"""python -m bench.run: plan a grid, execute what is missing, keep the rows, and build the report."""

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from bench import display, log, provenance
from bench.attempt import opening
from bench.declarations import BadInput
from bench.engine import Backend, Engine, Options, cores, engine
from bench.expand import expand
from bench.grid import Filters, Grid, beside, check_filters, load_grid, with_timeout
from bench.own_data import NAME as OWN
from bench.own_data import OwnData, own_data
from bench.own_grid import own_grid
from bench.plan import PLANNING, Plan, make_plan
from bench.reporting import Refresh, build_report
from bench.schema import SCHEMA
from bench.status import FAILED, Status
from bench.store import MARKER, ROWS_A_PART, Place, Store, StoreError, check_usable, place_of, read, state
from systems.registry import UnknownName


class ExitCode:
    """0 all cells ok or explained, 1 some failed, 2 wrong usage, 3 nothing was measured, 130 interrupted."""

    OK, FAILED, USAGE, NOTHING, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass
class Tally:
    """What became of the cells of a run so far, and the seconds that their workers were busy."""

    statuses: dict[str, Status] = field(default_factory=dict)  # of a cell's last attempt, by id
    busy_s: float = 0.0

    def note(self, row: dict, slots: float) -> None:
        self.statuses[row["cell_id"]] = Status(row["status"])
        self.busy_s += (row.get("wall_s") or 0.0) * slots


RUNNING_RAY = typer.Option(help="A running Ray cluster: auto, or HOST:PORT.", envvar="RAY_ADDRESS")
AGAIN = typer.Option(help="Which rows run again: failed, none or a status; repeatable [failed].")
REFRESHED = typer.Option(min=1, help="Seconds from report to report while it runs [only one, at the end].")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console()
errors = Console(stderr=True)


@app.command()
def main(
    grid: Annotated[str | None, typer.Option(help="Name of a grid, or a .toml file.")] = None,
    data: Annotated[list[Path] | None, typer.Option(help="Trajectories, .parquet or .csv; repeatable.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only this system; repeatable, or a,b.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Only this model; repeatable, or a,b.")] = None,
    gradient: Annotated[list[str] | None, typer.Option(help="Only this gradient mode; repeatable, or a,b.")] = None,
    preset: Annotated[list[str] | None, typer.Option(help="Only this preset; repeatable, or a,b.")] = None,
    seq_len: Annotated[list[int] | None, typer.Option(min=1, help="Only this length; repeatable.")] = None,
    recipe: Annotated[list[str] | None, typer.Option(help="Only this recipe; repeatable, or a,b.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Only these seeds, as in 0,1,2.")] = None,
    cell: Annotated[list[str] | None, typer.Option(help="Only the cell of this id; repeatable.")] = None,
    out: Annotated[str | None, typer.Option(help="Store: a folder, or s3://BUCKET/PREFIX [results/GRID].")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Local workers [number of cores].")] = None,
    address: Annotated[str | None, RUNNING_RAY] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds that a cell may take [as its grid says].")] = None,
    rerun: Annotated[list[str] | None, AGAIN] = None,
    backend: Annotated[Backend, typer.Option(help="Where cells run.")] = Backend.RAY,
    report_every: Annotated[float | None, REFRESHED] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
) -> None:
    """Train, judge and measure every cell of a grid that has no row yet, then build the report.

    With --data and without --grid, the grid is one for own data, and options that say "only" choose instead.
    """
    try:
        filters = Filters(
            system=each(system),
            model=each(model),
            preset=each(preset),
            gradient_mode=each(gradient),
            seq_len=tuple(seq_len or ()),
            seed=parse_seeds(seeds),
            cell_id=tuple(cell or ()),
            recipe=each(recipe),
        )
        own = own_data(data) if data else None
        plan, place = prepare(grid, filters, own, out, timeout, parse_rerun(rerun or ["failed"]))
        options = Options(backend, workers or cores(), address)
        if own:
            display.show_data(console, own)
        display.show_plan(console, grid or OWN, plan, options.workers, detailed=dry_run)
        if dry_run:
            raise typer.Exit(ExitCode.OK)
        code = execute(plan, place, options, report_every)
    except (BadInput, StoreError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.USAGE) from None
    raise typer.Exit(code)


def each(values: list[str] | None) -> tuple[str, ...]:
    """The names of a repeatable option, of which one may hold several, as in a,b."""
    return tuple(name.strip() for value in values or () for name in value.split(","))


def prepare(
    name: str | None,
    filters: Filters,
    own: OwnData | None,
    out: str | None,
    timeout_s: float | None,
    rerun: frozenset[Status],
) -> tuple[Plan, Place]:
    """The plan and the place of the store; writes nothing. Raises BadInput or StoreError."""
    check_filters(filters)
    grid, filters, folder = wanted_grid(name, filters, own)
    if timeout_s is not None:
        grid = with_timeout(grid, timeout_s)
    place = place_of(out or Path("results") / (grid.name if name or not own else f"{OWN}/{own.files[0].stem}"))
    check_usable(place)
    if other := place.written_by():
        raise StoreError(f"{place} is being written by {other}")
    since = state(place)
    plan = make_plan(expand(grid, filters, folder, own), stored_rows(place), rerun)
    if not plan.cells:
        raise BadInput(f"no cell of grid '{grid.name}' passes the filters")
    plan.since = since
    return plan, place


def wanted_grid(name: str | None, filters: Filters, own: OwnData | None) -> tuple[Grid, Filters, Path]:
    """The grid, what is still to be filtered of it, and what files that it names lie beside. Raises BadInput."""
    if name is None and own is None:
        raise BadInput("nothing to run: name a grid (--grid) or files of your own (--data)")
    if name is None and own:
        return own_grid(own, filters), Filters(cell_id=filters.cell_id), Path.cwd()
    assert name is not None
    grid = load_grid(name)
    if own and all(block.protocol != OWN for block in grid.cells):
        raise BadInput(f"grid '{name}' has no cells of system '{OWN}' for --data to be run on: leave --grid out")
    return grid, filters, beside(name)


def execute(plan: Plan, place: Place, options: Options, report_every_s: float | None = None) -> int:
    """Run the plan and build the report; returns the exit code. Raises BadInput or StoreError, having run nothing."""
    if not plan.run and not plan.skip:
        display.show_nothing_to_do(console, plan, place)
        return ExitCode.OK
    tally, stop = Tally(), Event()
    with interruptible(stop) as caught, starting(plan, options) as engine, opened(place, plan) as store:
        write_skips(plan, store)
        if engine:
            run_tasks(plan, store, engine, stop, tally, Refresh(place, report_every_s))
    display.show_summary(console, read(place, columns=(*display.SUMMARY_AXES, "status", "wall_s")))
    reported = build_report(place)
    if caught:
        console.print("Interrupted: the rows of finished cells are kept, the same command resumes.")
        return 128 + caught[0]
    return exit_code(tally, len(plan.run)) if reported else ExitCode.FAILED


def starting(plan: Plan, options: Options) -> AbstractContextManager[Engine | None]:
    """What the plan runs on: nothing if it holds skips alone."""
    return engine(options, plan.samples.values()) if plan.run else nullcontext()


@contextmanager
def opened(place: Place, plan: Plan) -> Iterator[Store]:
    """The store, open for writing, with the provenance of this run in it. Raises StoreError."""
    run_id = provenance.new_run_id()
    with Store(place, run_id, plan.since) as store:
        for name in store.set_aside:
            errors.print(f"damaged file set aside: {place.at(name)}", style="yellow", highlight=False)
        store.write_provenance(provenance.record(run_id) | planned(plan))
        yield store


def planned(plan: Plan) -> dict:
    """How many cells the run is to leave rows of, and of what: a store can say later which of them it lacks."""
    parts = [dict(zip(("kind", "system", "model", "cells"), (*of, count), strict=True)) for of, count in
             sorted(plan.kinds.items())]  # fmt: skip
    return {"planned": plan.kinds.total(), "planned_of": parts}


def write_skips(plan: Plan, store: Store) -> None:
    rows = (
        opening(task) | {"status": Status.SKIPPED.value, "reason": plan.skip.reason(index)}
        for index, task in enumerate(plan.skip)
    )
    while batch := list(islice(rows, ROWS_A_PART)):
        store.append(*batch)


def run_tasks(plan: Plan, store: Store, engine: Engine, stop: Event, tally: Tally, refresh: Refresh) -> None:
    """Run the plan's tasks; every row is in the store before it is shown as done."""
    with display.Live(console, len(plan.run)).shown() as live:
        start = time.perf_counter()
        for rows in engine.run(refresh.until_timed(plan.run), stop):
            said = [row.pop(log.OUTPUT, "") for row in rows]
            store.append(*rows)
            for row, output in zip(rows, said, strict=True):
                log.keep(store.place, row, output)
                live.note(row)
                tally.note(row, engine.taken(row))
                engine.note(row)
            refresh.note()
        seconds = time.perf_counter() - start
        refresh.end()
    display.show_use(console, len(tally.statuses), tally.busy_s, seconds, engine.slots)


@contextmanager
def interruptible(stop: Event) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM sets `stop` and is noted in the list; a second one raises KeyboardInterrupt."""
    caught: list[int] = []

    def handle(number: int, _frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)
        stop.set()
        errors.print("Stopping: running cells get a short grace; once more to stop at once.", style="yellow")

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(tally: Tally, planned: int) -> int:
    """What became of the cells of this run, as an exit code."""
    statuses = set(tally.statuses.values())
    if planned and Status.OK not in statuses:
        return ExitCode.NOTHING
    return ExitCode.OK if all(status.finished for status in statuses) else ExitCode.FAILED


def stored_rows(place: Place) -> pd.DataFrame:
    """What planning needs of the rows of the store, none if there is no store yet."""
    return read(place, columns=PLANNING) if place.names(MARKER) else SCHEMA.empty_table().to_pandas()


def parse_seeds(text: str | None) -> tuple[int, ...]:
    """Seeds from "0,1,2". Raises BadInput."""
    parts = [part.strip() for part in text.split(",")] if text is not None else []
    if not all(part.isdecimal() for part in parts):
        raise BadInput(f"--seeds takes whole numbers of at least 0 separated by commas, not '{text}'")
    return tuple(int(part) for part in parts)


def parse_rerun(words: list[str]) -> frozenset[Status]:
    """The statuses whose cells run again. Raises BadInput."""
    sets = {"none": frozenset(), "failed": FAILED} | {status.value: frozenset([status]) for status in Status}
    for word in words:
        if word not in sets:
            raise BadInput(f"--rerun: {UnknownName('outcome', word, sorted(sets))}")
    return frozenset().union(*(sets[word] for word in words))


if __name__ == "__main__":
    app()
