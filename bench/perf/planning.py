"""Planning a grid against a store that holds all of its cells."""

import pandas as pd

from bench.attempt import opening
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.perf import in_unit
from bench.perf.yardstick import in_yardsticks, peer_iteration
from bench.plan import make_plan
from bench.schema import SCHEMA, complete


class Planning:
    """From the file to the plan, 27 to some hundred cells; the 19,000 of `full` take ten seconds a round."""

    params = (["quick", "paper", "gradients"],)
    param_names = ("grid",)
    version = "3"  # 2: freed memory is kept; 3: trimmed means
    timeout = 300

    def setup(self, grid: str) -> None:
        done = {"status": "ok", "wall_s": 1.0}
        rows = [complete(opening(planned.task) | done) for planned in expand(load_grid(grid), Filters())]
        self.rows = pd.DataFrame(rows, columns=SCHEMA.names)

    @in_unit("yardsticks")
    def track_time(self, grid: str) -> float:
        return in_yardsticks(lambda: make_plan(expand(load_grid(grid), Filters()), self.rows), peer_iteration())
