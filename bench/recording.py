"""Reading trajectories that somebody recorded, from Parquet or CSV: checked to the last number, or refused.

Columns: `trajectory` (a number or text that names it within its file), `time`, q0, q1, ... and as many p0, p1, ....
A row is one state; the rows of a trajectory stand in the order of time, those of others may stand between them.
Rows are counted from 1, the first one below the header.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from jaxtyping import Float, Int

from bench.declarations import BadInput

T = TypeVar("T")
MOST_BYTES = 1 << 29  # of all files, or of the numbers in Parquet, which may be packed
LEAST_TIMES = 3  # of a trajectory
COLUMNS = "trajectory, time, q0, q1, ... and as many p0, p1, ..."
COORDINATE = re.compile(r"([qp])(\d+)")


@dataclass(frozen=True)
class Recording:
    """States y = (q, p) of trajectories, and times, which begin at 0 in each; `unused` columns play no part."""

    states: Float[np.ndarray, "trajectories times dim"]
    times: Float[np.ndarray, "trajectories times"]
    unused: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """Hash of the numbers, whatever files they came from."""
        digest = hashlib.sha256(str(self.states.shape).encode())
        for numbers in (self.states, self.times):
            digest.update(np.ascontiguousarray(numbers, dtype="<f8").tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Table:
    """The rows of one file as numbers, time first and then q and p, with the number of each row's trajectory."""

    path: Path
    names: tuple[str, ...]
    trajectory: Int[np.ndarray, " rows"]
    ids: list
    numbers: Float[np.ndarray, "rows columns"]
    unused: tuple[str, ...]


def read_recording(files: Sequence[Path]) -> Recording:
    """The trajectories of all files together. Raises BadInput with file, row and column, and what would be right."""
    check_files(files)
    states, times, unused, first = [], [], {}, None
    for path in files:
        table = read_table(path)
        first = first or table
        if table.names != first.names:
            raise BadInput(
                f"{path}: has the columns {', '.join(table.names)}, but {first.path} has {', '.join(first.names)}"
            )
        rows = rows_of_trajectories(table)
        if states and rows.shape[1] != states[0].shape[1]:
            raise BadInput(
                f"{path}: its trajectories have {rows.shape[1]} times, those of {first.path} {states[0].shape[1]}; "
                "all must be of one length"
            )
        clock = table.numbers[rows, 0]
        check_times(table, rows, clock)
        states.append(table.numbers[rows, 1:])
        times.append(clock - clock[:, :1])
        unused |= dict.fromkeys(table.unused)
    return Recording(np.concatenate(states), np.concatenate(times), tuple(unused))


def read_table(path: Path) -> Table:
    """One file, whose columns and numbers are good. Raises BadInput."""
    table = load(path)
    names = check_columns(path, table.column_names)
    columns = [numbers_of(path, name, table.column(name)) for name in names]
    codes, values = pd.factorize(names_of(path, table.column("trajectory")).to_pandas())
    unused = tuple(name for name in table.column_names if name not in (*names, "trajectory"))
    return Table(path, names, codes.astype(np.int64), list(values), np.stack(columns, 1), unused)


def check_files(files: Sequence[Path]) -> None:
    """Before one is read. Raises BadInput if a file is named twice, or all together hold more than is read."""
    for path, count in Counter(path.resolve() for path in files).items():
        if count > 1:
            raise BadInput(f"{path}: named {count} times; what is held out must not be learned from as well")
    for what, size in (("bytes", lambda path: path.stat().st_size), ("bytes of numbers", bytes_of_numbers)):
        together = sum(opened(path, size) for path in files)
        if together > MOST_BYTES:
            raise BadInput(
                f"{', '.join(map(str, files))}: {together:,} {what}, and at most {MOST_BYTES:,} are read: take fewer "
                "trajectories, or thin them out"
            )


def load(path: Path) -> pa.Table:
    """A file as it stands. Raises BadInput."""
    table = opened(path, READERS[path.suffix.lower()])
    if not len(table):
        raise BadInput(f"{path}: has no rows")
    return table


def opened(path: Path, read: Callable[[Path], T]) -> T:
    """What is read of a file. Raises BadInput if it is not what its name says, or cannot be read."""
    if path.suffix.lower() not in READERS:
        raise BadInput(f"{path}: ends in '{path.suffix}'; trajectories are read from {' and '.join(READERS)} files")
    try:
        return read(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be read: {reason}") from error


def bytes_of_numbers(path: Path) -> int:
    """In memory, as far as that is known before reading: a file of Parquet may be packed."""
    if path.suffix.lower() != ".parquet":
        return 0
    with pq.ParquetFile(path) as file:
        return 8 * file.metadata.num_rows * file.metadata.num_columns


def load_csv(path: Path) -> pa.Table:
    """Numbers and text are told apart by Arrow, but 007 and NA name trajectories; only an empty cell is missing."""
    options = pyarrow.csv.ConvertOptions(
        column_types={"trajectory": pa.string()}, null_values=[""], strings_can_be_null=True
    )
    return pyarrow.csv.read_csv(path, convert_options=options)


def load_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read()


READERS = {".csv": load_csv, ".parquet": load_parquet}


def check_columns(path: Path, found: Sequence[str]) -> tuple[str, ...]:
    """The columns of numbers in the order of a state, time first. Raises BadInput."""
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise BadInput(f"{path}: column {twice[0]} stands there twice")
    for name in ("trajectory", "time", "q0", "p0"):
        if name not in found:
            hint = "; the columns must be separated by commas" if len(found) == 1 else ""
            raise BadInput(f"{path}: no column {name} among {', '.join(found)}; needed are {COLUMNS}{hint}")
    matches = [match for name in found if (match := COORDINATE.fullmatch(name))]
    q, p = (sorted(int(match[2]) for match in matches if match[1] == letter) for letter in "qp")
    dof = max(len(q), len(p))
    names = [f"{letter}{number}" for letter in "qp" for number in range(dof)]
    missing = [name for name in names if name not in found]
    if missing:
        raise BadInput(
            f"{path}: {len(q) + len(p)} phase coordinates without {', '.join(missing)}; needed are {COLUMNS}"
        )
    return ("time", *names)


def names_of(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column of trajectories as text. Raises BadInput naming the first row that has none."""
    missing = np.flatnonzero(column.is_null(nan_is_null=True).to_numpy())
    if len(missing):
        found = shown(column[int(missing[0])])
        raise BadInput(
            f"{path}: row {missing[0] + 1}, column trajectory: {found}, every row must name its trajectory"
        )
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise BadInput(
            f"{path}: column trajectory: of type {column.type}; numbers or text would name trajectories"
        ) from error


def numbers_of(path: Path, name: str, column: pa.ChunkedArray) -> Float[np.ndarray, " rows"]:
    """A column as float64, all of it finite. Raises BadInput naming the first row that is not."""
    try:
        numbers = column.cast(pa.float64()).to_numpy()
    except pa.ArrowException:
        texts = column.cast(pa.string()).to_pandas()
        numbers = np.asarray(pd.to_numeric(texts, errors="coerce"), dtype=float)
    bad = np.flatnonzero(~np.isfinite(numbers))
    if len(bad):
        found = shown(column[int(bad[0])])
        more = f" ({len(bad)} such rows)" if len(bad) > 1 else ""
        raise BadInput(f"{path}: row {bad[0] + 1}, column {name}: {found}, which is no finite number{more}")
    return numbers


def shown(cell: pa.Scalar) -> str:
    """What stands in a cell that cannot be used, for a message."""
    value = cell.as_py()
    if value is None:
        return "empty"
    return "NaN" if value != value else f"'{value}'"


def rows_of_trajectories(table: Table) -> Int[np.ndarray, "trajectories times"]:
    """The numbers of the rows of each trajectory, in the order of the file. Raises BadInput if lengths differ."""
    lengths = np.bincount(table.trajectory)
    odd = np.flatnonzero(lengths != lengths[0])
    if len(odd):
        shortest = int(lengths.min())
        raise BadInput(
            f"{table.path}: trajectory {table.ids[odd[0]]} has {lengths[odd[0]]} rows, trajectory {table.ids[0]} has "
            f"{lengths[0]}; all must be of one length: cut all to {shortest} rows, or leave the short ones out"
        )
    if lengths[0] < LEAST_TIMES:
        raise BadInput(f"{table.path}: trajectories of {lengths[0]} rows; at least {LEAST_TIMES} times are needed")
    return np.argsort(table.trajectory, kind="stable").reshape(len(lengths), lengths[0])


def check_times(table: Table, rows: np.ndarray, times: Float[np.ndarray, "trajectories times"]) -> None:
    """Raises BadInput naming the first row of the file whose time is not above the one before."""
    late = np.argwhere(np.diff(times, axis=1) <= 0)
    if not len(late):
        return
    trajectory, place = min(late.tolist(), key=lambda at: rows[at[0], at[1] + 1])
    before, here = times[trajectory, place], times[trajectory, place + 1]
    wrong = "the time of the row before it, again" if here == before else f"before {before:g}, which stands above it"
    raise BadInput(
        f"{table.path}: row {rows[trajectory, place + 1] + 1}, column time: {here:g} of trajectory "
        f"{table.ids[trajectory]} is {wrong}; times must rise within a trajectory"
    )
