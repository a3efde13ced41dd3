"""Keeping rows: a journal that is durable row by row and becomes Parquet by the hundred.

A store is a folder, or what lies below a prefix in a bucket of S3: `store.json` marks it, `runs/<run_id>.json`
holds provenance, `journal-*.jsonl` the newest rows, `part-*.parquet` the others, `study-*.parquet` tables of
`bench.studies`, `damaged/` what could not be read.
Rows are keyed by (cell_id, attempt, run_id), so a row that stands in two files counts once.
"""

from bench.store.files import MARKER, DamagedFile, check_usable, place_of, records
from bench.store.folder import replace_file
from bench.store.place import Place, StoreError
from bench.store.reading import read
from bench.store.studies import studies
from bench.store.writer import ROWS_A_PART, Store, state

__all__ = [
    "MARKER",
    "ROWS_A_PART",
    "DamagedFile",
    "Place",
    "Store",
    "StoreError",
    "check_usable",
    "place_of",
    "read",
    "records",
    "replace_file",
    "state",
    "studies",
]
