"""Keeping rows: a journal that is flushed to disk row by row and becomes Parquet by the hundred.

A store is a folder: `store.json` marks it, `runs/<run_id>.json` holds provenance, `journal-*.jsonl` the newest
rows, `part-*.parquet` the others, `damaged/` what could not be read. Rows are keyed by (cell_id, attempt, run_id),
so a row that stands in two files counts once.
"""

from bench.store.files import MARKER, DamagedFile, StoreError, check_usable, replace_file
from bench.store.lock import written_by
from bench.store.reading import read
from bench.store.writer import ROWS_A_PART, Store, state

__all__ = [
    "MARKER",
    "ROWS_A_PART",
    "DamagedFile",
    "Store",
    "StoreError",
    "check_usable",
    "read",
    "replace_file",
    "state",
    "written_by",
]
