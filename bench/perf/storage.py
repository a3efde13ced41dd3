"""Writing rows to a store, one after the other as a run does, and reading a store of many."""

import json
import shutil
import tempfile
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from bench.attempt import opening
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.perf import in_unit
from bench.perf.yardstick import flushed_lines, in_yardsticks, peer_iteration
from bench.schema import QUANTILES, TEST_SETS, complete
from bench.store import Store, read


def rows(count: int) -> list[dict]:
    """Rows of as many different cells, with errors of H and their quantiles."""
    drawn = np.random.default_rng(0)
    figures = {f"h_quantiles_{name}": drawn.random(QUANTILES).tolist() for name in TEST_SETS}
    figures |= {f"h_mae_{name}": drawn.random() for name in TEST_SETS}
    openings = cycle([opening(planned.task) for planned in expand(load_grid("quick"), Filters())])
    return [
        complete(row | figures | {"cell_id": str(number), "status": "ok"})
        for number, row in enumerate(islice(openings, count))
    ]


class Storage:
    params = ([250],)
    param_names = ("rows",)
    version = "3"  # 2: freed memory is kept; 3: trimmed means
    timeout = 120

    def setup(self, count: int) -> None:
        self.folder = Path(tempfile.mkdtemp(dir="."))
        self.rows = rows(count)
        self.write()

    def teardown(self, count: int) -> None:
        shutil.rmtree(self.folder)

    def write(self) -> None:
        shutil.rmtree(self.folder / "store", ignore_errors=True)
        with Store(self.folder / "store", "run") as store:
            for row in self.rows:
                store.append(row)

    @in_unit("yardsticks")
    def track_time_write(self, count: int) -> float:
        """Against lines of the same size, each flushed to the same disk."""
        size = len(json.dumps(self.rows[0]))
        return in_yardsticks(self.write, flushed_lines(self.folder, count, size))

    @in_unit("yardsticks")
    def track_time_read(self, count: int) -> float:
        return in_yardsticks(lambda: read(self.folder / "store"), peer_iteration())
