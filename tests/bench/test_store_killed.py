"""Writers that are killed at random moments: what they reported is there, and nothing stands there twice."""

import random
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bench.store import DamagedFile, place_of, read
from bench.store.files import JOURNALS, journal_rows

WRITER = Path(__file__).with_name("reporting_writer.py").read_text()


def killed_writer(folder: Path, run: str, rows_a_part: int, lines: int, delay: float) -> list[str]:
    """The names of the rows that a writer reported before it was killed."""
    command = [sys.executable, "-c", WRITER, str(folder), run, str(rows_a_part)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [process.stdout.readline().strip() for _ in range(lines)]
        time.sleep(delay)
        process.kill()
        reported += process.stdout.read().splitlines()
    return reported


def raw_counts(folder: Path) -> Counter[str]:
    """How often each row stands in Parquet alone, and in journals alone: once at the most, in either."""
    parquet = Counter(name for part in folder.glob("part-*") for name in pq.read_table(part)["cell_id"].to_pylist())
    place = place_of(folder)
    journal = Counter(row["cell_id"] for name in place.names(JOURNALS) for row in journal_rows(place, name))
    assert max(parquet.values(), default=1) == 1
    assert max(journal.values(), default=1) == 1
    return parquet + journal


@pytest.mark.filterwarnings("ignore::bench.store.DamagedFile")
def test_killed_writers_lose_nothing_that_they_reported(tmp_path: Path):
    chance, reported = random.Random(0), []
    for run, rows_a_part in (("a", 7), ("b", 1000), ("c", 7), ("d", 1000)):  # in compactions, and between them
        reported += killed_writer(tmp_path / "s", run, rows_a_part, chance.randrange(40), chance.uniform(0, 0.02))
        names = read(tmp_path / "s", attempts=True)["cell_id"]
        assert names.is_unique
        assert set(reported) <= set(names)
        assert set(names) == set(raw_counts(tmp_path / "s"))
    assert len(reported) > 40
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DamagedFile)
        assert len(names) - len(reported) <= 4, "a kill leaves one row at most that was not reported yet"
