"""Looking after a store: what is in it, what is wrong with it, and what stores of several machines hold together."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.schema import SCHEMA, VERSION
from bench.status import Status
from bench.store.files import (
    check_marker,
    journals,
    parts,
    read_part,
    replace_file,
    set_aside,
    version_of,
    write_part,
)
from bench.store.lock import written_by
from bench.store.reading import KEY, read, rows_of
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

    @property
    def left_s(self) -> float | None:
        """Seconds until the run ends if it goes on as fast as it did."""
        if not (self.writer and self.planned and self.done and self.elapsed_s):
            return None
        return self.elapsed_s / self.done * max(0, self.planned - self.done)


def status(folder: Path) -> Summary:
    """Raises StoreError. Reads no list column, needs no lock."""
    named = ["system", "model", "gradient_mode", "recipe", "seq_len", "seed"]
    rows = read(folder, columns=["status", "run_id", "reason", "cell_id", "attempt", *named])
    record = _last_run(folder)
    run_id = record.get("run_id")
    begun = record.get("started_at")
    bad = rows[~rows["status"].isin([Status.OK, Status.SKIPPED])].tail(LAST_ERRORS)
    return Summary(
        statuses=rows["status"].value_counts(),
        attempts=int(rows["attempt"].sum()),
        writer=written_by(folder),
        run_id=run_id,
        planned=record.get("planned"),
        done=int((rows["run_id"] == run_id).sum()),
        elapsed_s=(datetime.now(UTC) - datetime.fromisoformat(begun)).total_seconds() if begun else None,
        errors=[
            f"{row['status']}: {' '.join(str(row[name]) for name in named if pd.notna(row[name]))}: {row['reason']}"
            for row in bad.to_dict(orient="records")
        ],
    )


def _last_run(folder: Path) -> dict:
    """The provenance record of the last run; run ids begin with the time."""
    for path in sorted((folder / "runs").glob("*.json"), reverse=True):
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError):
            continue
    return {}


def merge(into: Path, sources: list[Path]) -> int:
    """Add the rows that `into` lacks, and their runs; returns how many. Raises StoreError.

    The result holds the union of the rows by (cell_id, attempt, run_id), so no order or repeat matters.
    """
    tables = [(source, rows_of(source)) for source in sources]  # all are read before anything is written
    added = 0
    with Store(into, "merge") as store:
        for source, table in tables:
            for path in sorted((source / "runs").glob("*.json")):
                if not (into / "runs" / path.name).exists():
                    replace_file(into / "runs" / path.name, path.read_bytes())
            new = _without(table, rows_of(into, []))
            for start in range(0, len(new), LARGE_PART):
                write_part(store.folder, new.slice(start, LARGE_PART))
            added += len(new)
    return added


def _without(table: pa.Table, known: pa.Table) -> pa.Table:
    """The rows of a table, each once, that are not among the known ones."""
    keys = table.select(KEY).to_pandas()
    told = pd.MultiIndex.from_frame(keys).isin(pd.MultiIndex.from_frame(known.select(KEY).to_pandas()))
    return table.filter(pa.array(~(told | keys.duplicated(keep="last").to_numpy())))


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file of a store, and what `doctor --mend` does about it."""

    path: Path
    what: str
    remedy: str


def doctor(folder: Path, *, mend: bool = False) -> list[Finding]:
    """What is wrong with the files of a store, all of which are read in full. Raises StoreError.

    With `mend` nothing that can be read is lost: unreadable files move to `damaged/`, old ones are written anew.
    """
    check_marker(folder)
    found = list(_findings(folder))
    if not (mend and found):
        return found
    with Store(folder, "doctor"):  # turns journals into Parquet, and sets aside what has no end
        for finding in found:
            if finding.remedy == SET_ASIDE and finding.path.exists():
                set_aside(finding.path)
            elif finding.remedy == REMOVE:
                finding.path.unlink(missing_ok=True)
        if any(finding.remedy == REWRITE for finding in found):
            compact(folder, kept=0, everything=True)
    return found


SET_ASIDE, REMOVE, REWRITE, NOTHING = "set aside", "remove", "write anew", "none"


def _findings(folder: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob(".*")):
        if path.name != ".lock" and path.is_file():
            yield Finding(path, "was not written to its end by a run that was killed", REMOVE)
    runs = {path.stem for path in (folder / "runs").glob("*.json")}
    for path in parts(folder):
        table = read_part(path)
        if isinstance(table, Exception):
            yield Finding(path, f"cannot be read: {table}", SET_ASIDE)
            continue
        if (version := version_of(pq.read_schema(path))) < VERSION:
            yield Finding(path, f"has schema version {version}, today's is {VERSION}", REWRITE)
        if orphans := set(pc.unique(table["run_id"]).to_pylist()) - runs:
            yield Finding(
                path, f"has rows of runs without a provenance record: {', '.join(map(str, orphans))}", NOTHING
            )
    for path in journals(folder):
        if not all(map(_is_whole, path.read_text(encoding="utf-8", errors="replace").splitlines())):
            yield Finding(path, "has a line that is not whole, of a row that was never reported as done", REWRITE)


def _is_whole(line: str) -> bool:
    try:
        return set(json.loads(line)) <= set(SCHEMA.names)
    except ValueError:
        return False
