"""What a process of its own costs on the processor: importing each package, building a report."""

import tempfile
from pathlib import Path

from bench.perf import in_unit
from bench.perf.storage import rows
from bench.perf.yardstick import cpu_of_children, in_yardsticks, python
from bench.store import Store

PROCESSES = {"clock": cpu_of_children, "rounds": (1, 1), "warm": False}  # a round takes seconds; passes repeat it


class Import:
    """What a command of the package imports first of all."""

    params = (["systems", "models", "bench.run", "reports.build"],)
    param_names = ("package",)
    version = "3"  # 2: least times; 3: by the mean of two yardsticks
    timeout = 300

    @in_unit("imports of torchdiffeq")
    def track_time(self, package: str) -> float:
        run, peer = python("-c", f"import {package}"), python("-c", "import torchdiffeq")
        return in_yardsticks(run, peer, **PROCESSES)


class Report:
    """The report on 100 rows."""

    version = "3"  # 2: least times; 3: by the mean of two yardsticks
    timeout = 300

    def setup(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir="."))
        with Store(self.folder / "store", "run") as store:
            for row in rows(100):
                store.append(row)

    @in_unit("imports of seaborn")
    def track_time_build(self) -> float:
        out = str(self.folder / "report")
        run = python("-m", "reports.build", "--results", str(self.folder / "store"), "--out", out)
        return in_yardsticks(run, python("-c", "import seaborn"), **PROCESSES)
