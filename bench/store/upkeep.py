"""Looking after a store: what is in it, what is wrong with it, and what stores of several machines hold together."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa

from bench.schema import SCHEMA, VERSION
from bench.status import Status
from bench.store.files import (
    JOURNALS,
    KEY,
    PARTS,
    RUNS,
    check_marker,
    journal_lines,
    metadata,
    place_of,
    read_part,
    records,
    version_of,
    write_part,
)
from bench.store.place import Place
from bench.store.reading import read, rows_of
from bench.store.studies import file_of, read_study, studies, studies_in
from bench.store.writer import LARGE_PART, Store, compact

LAST_ERRORS = 5


@dataclass(frozen=True)
class Summary:
    """What a store holds at this moment, and what its last run is doing."""

    statuses: pd.Series  # cells by status
    attempts: int
    writer: str | None
    run_id: str | None
    planned: int | None  # cells of that run
    done: int
    elapsed_s: float | None
    errors: list[str]
    studies: list[str]  # whose tables are there
    studying: list[str]  # those that are done now

    @property
    def left_s(self) -> float | None:
        """Seconds until the run ends if it goes on as fast as it did."""
        if self.studying or not (self.writer and self.planned and self.done and self.elapsed_s):
            return None
        return max(0.0, self.elapsed_s) / self.done * max(0, self.planned - self.done)  # clocks are set back at times


def status(store: str | Path | Place) -> Summary:
    """Raises StoreError. Reads no list column, needs no lock."""
    place = place_of(store)
    named = ["system", "model", "gradient_mode", "recipe", "seq_len", "seed"]
    rows = read(place, columns=["status", "run_id", "reason", "cell_id", "attempt", *named])
    all_runs, writer = records(place), place.written_by()
    newest = all_runs[max(all_runs)] if all_runs else {}  # run ids begin with the time
    runs = {name: record for name, record in all_runs.items() if "studies" not in record}
    record = runs[max(runs)] if runs else {}
    run_id = record.get("run_id")
    begun = record.get("started_at")
    bad = rows[~rows["status"].isin([Status.OK, Status.SKIPPED])].tail(LAST_ERRORS)
    return Summary(
        statuses=rows["status"].value_counts(),
        attempts=int(rows["attempt"].to_numpy().sum()),
        writer=writer,
        run_id=run_id,
        planned=record.get("planned"),
        done=int((rows["run_id"] == run_id).sum()),
        elapsed_s=(datetime.now(UTC) - datetime.fromisoformat(begun)).total_seconds() if begun else None,
        errors=[
            f"{row['status']}: {' '.join(str(row[name]) for name in named if pd.notna(row[name]))}: {row['reason']}"
            for row in pd.DataFrame(bad).to_dict(orient="records")
        ],
        studies=studies_in(place),
        studying=newest.get("studies", []) if writer else [],
    )


class Added(NamedTuple):
    """What a store got from others: how many rows, and the tables of which studies."""

    rows: int
    studies: list[str]


def merge(into: str | Path | Place, sources: Sequence[str | Path | Place]) -> Added:
    """Add the rows and studies that `into` lacks, and their runs. Raises StoreError; warns DamagedFile.

    The result holds the union of the rows by (cell_id, attempt, run_id), and of each study the table of the newest
    run, so no order or repeat matters.
    """
    places = [place_of(source) for source in sources]
    tables = [(source, rows_of(source), studies(source)) for source in places]  # all, before anything is written
    added, taken = 0, []
    with Store(into, "merge") as store:
        for source, table, found in tables:
            for name in set(source.names(RUNS)) - set(store.place.names(RUNS)):
                store.place.replace(name, source.read(name))
            taken += [study for study, rows in found.items() if _take(store.place, study, rows, source)]
            new = _without(table, rows_of(store.place, []))
            for start in range(0, len(new), LARGE_PART):
                write_part(store.place, [new.slice(start, LARGE_PART)])
            added += len(new)
    return Added(added, sorted(set(taken)))


def _take(place: Place, study: str, rows: pd.DataFrame, source: Place) -> bool:
    """Replaces the table of a study if the one of the source is of a newer run; whether it did."""
    there = read_study(place, study)
    if not isinstance(there, Exception):
        if max(there["run_id"].to_pylist(), default="") >= max(rows["run_id"], default=""):
            return False
    elif study in studies_in(place):
        place.set_aside(file_of(study))
    place.replace(file_of(study), source.read(file_of(study)))
    return True


def _without(table: pa.Table, known: pa.Table) -> pa.Table:
    """The rows of a table, each once, that are not among the known ones."""
    keys = table.select(KEY).to_pandas()
    told = pd.MultiIndex.from_frame(keys).isin(pd.MultiIndex.from_frame(known.select(KEY).to_pandas()))
    return table.filter(pa.array(~(told | keys.duplicated(keep="last").to_numpy())))


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file of a store, and what `doctor --mend` does about it."""

    name: str
    what: str
    remedy: str


def doctor(store: str | Path | Place, *, mend: bool = False) -> list[Finding]:
    """What is wrong with the files of a store, all of which are read in full. Raises StoreError.

    With `mend` nothing that can be read is lost: unreadable files move to `damaged/`, old ones are written anew.
    """
    place = place_of(store)
    check_marker(place)
    found = list(_findings(place))
    if not (mend and found):
        return found
    with Store(place, "doctor"):  # turns journals into Parquet, which may make a damaged file whole again
        left = list(_findings(place))
        for finding in left:
            if finding.remedy == SET_ASIDE:
                place.set_aside(finding.name)
            elif finding.remedy == REMOVE:
                place.remove(finding.name)
        if any(finding.remedy == REWRITE for finding in left):
            compact(place, kept=0, everything=True)
    return found


SET_ASIDE, REMOVE, REWRITE, NOTHING = "set aside", "remove", "write anew", "none"


def _findings(place: Place) -> Iterator[Finding]:
    for name in place.names(".*"):
        if not name.startswith(".lock"):
            yield Finding(name, "was not written to its end by a run that was killed", REMOVE)
    runs = set(records(place))
    for name in place.names(PARTS):
        table = read_part(place, name)
        if isinstance(table, Exception):
            yield Finding(name, f"cannot be read: {table}", SET_ASIDE)
            continue
        if (version := version_of(metadata(place, name).schema.to_arrow_schema())) < VERSION:
            yield Finding(name, f"has schema version {version}, today's is {VERSION}", REWRITE)
        yield from _orphans(name, table, runs)
    for study in studies_in(place):
        if isinstance(table := read_study(place, study), Exception):
            yield Finding(file_of(study), f"cannot be read: {table}", SET_ASIDE)
        else:
            yield from _orphans(file_of(study), table, runs)
    for name in place.names(JOURNALS):
        if not all(map(_is_whole, journal_lines(place, name))):
            yield Finding(name, "has a line that is not whole, of a row that was never reported as done", REWRITE)


def _orphans(name: str, table: pa.Table, runs: set[str]) -> Iterator[Finding]:
    if orphans := set(table["run_id"].unique().to_pylist()) - runs:
        told = f"has rows of runs without a provenance record: {', '.join(map(str, orphans))}"
        yield Finding(name, told, NOTHING)


def _is_whole(line: str) -> bool:
    try:
        return set(json.loads(line)) <= set(SCHEMA.names)
    except ValueError:
        return False
