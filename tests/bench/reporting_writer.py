"""A writer that is there to be killed: STORE RUN ROWS_A_PART; prints the name of each row once the store has it."""

import sys
import warnings

import bench.store.writer
from bench.store import DamagedFile, Store

warnings.simplefilter("ignore", DamagedFile)  # the last line of a run that was killed
store, run, bench.store.writer.ROWS_A_PART = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Store(store, run) as writer:
    for number in range(100_000):
        name = f"{run}-{number}"
        writer.append({"cell_id": name, "attempt": 1, "status": "ok", "started_at": f"{number:06}"})
        print(name, flush=True)
