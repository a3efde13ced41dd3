"""python -m tests.soak.unlucky_cluster: short cells on three raylets where everything goes wrong.

Workers are killed with SIGKILL at random moments, a raylet is removed and another added; one cell hangs, one ends
its process, one raises, one diverges, one asks for more memory than there is. At the end every cell has one final row
with the right status, its attempts count from 1, and the figures of all that are ok are those of an undisturbed run
in one process, to the last bit.
"""

import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16), "OMP_NUM_THREADS": "1"}
os.environ.pop("RAY_ADDRESS", None)

import numpy as np
import typer

from bench.backends import inline
from bench.backends import ray as back_end
from bench.cell import Task
from bench.driver import ATTEMPTS, Driver
from bench.expand import expand
from bench.grid import Filters, load_grid
from bench.schema import SCHEMA
from bench.store import Store, read

TINY = Path(__file__).parent.parent / "bench" / "tiny"
LIMIT_S = 600.0  # of a cell: other work may go on here
FATES = {"hang": "timeout", "exit": "lost", "raise": "error", "diverge": "diverged", "memory": "oom"}
PERSONAL = {"worker", "started_at", "run_id", "attempt"}
REPEATABLE = [field.name for field in SCHEMA if field.metadata[b"unit"] != b"s" and field.name not in PERSONAL]
OBJECT_STORE_BYTES = 200 << 20


def meeting_fate(run_cell: Callable, fates: dict[int, str]) -> Callable:
    """`run_cell`, but for the seeds that have a fate."""

    def met(task: Task, *rest) -> dict:
        import torch

        from bench import attempt

        build = attempt.build

        def planted(*arguments):
            match fates.get(task.cell.seed):
                case "raise":
                    raise ZeroDivisionError("planted")
                case "memory":
                    torch.empty(1 << 60)
            model, gradient = build(*arguments)
            if fates.get(task.cell.seed) == "diverge":
                for parameter in model.parameters():
                    torch.nn.init.constant_(parameter, float("nan"))
            return model, gradient

        match fates.get(task.cell.seed):
            case "exit":
                os._exit(7)
            case "hang":
                signal.signal(signal.SIGALRM, signal.SIG_IGN)
                while True:
                    with suppress(BaseException):
                        time.sleep(60)
        attempt.build = planted
        try:
            return run_cell(task, *rest)
        finally:
            attempt.build = build

    return met


def plant(fates: dict[int, str]) -> None:
    """In the workers; what is of the main module travels by value."""
    options = back_end._run_cells._default_options

    def run_cells(*arguments):
        from bench.backends import ray as there

        if not hasattr(there, "planted"):
            there.planted, there.run_cell = True, meeting_fate(there.run_cell, fates)
        yield from there._run_cells._function(*arguments)

    back_end._run_cells = back_end.ray.remote(**options)(run_cells)


class Misfortune(threading.Thread):
    """Kills workers of this driver, by the ids that they reported, and changes the nodes."""

    def __init__(self, driver: Driver, cluster, nodes: list, kills: int, chance: random.Random):
        super().__init__(daemon=True)
        self._driver, self._cluster, self._nodes, self._changes = driver, cluster, nodes, 0
        self._kills, self._chance = kills, chance
        self.killed: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(self._chance.uniform(0.2, 2.0)) and len(self.killed) < self._kills:
            busy = [flight.worker for flight in list(self._driver.flights.values()) if flight.worker and flight.tasks]
            if busy:
                worker = int(self._chance.choice(busy).rpartition(":")[2])
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
                    self.killed.append(worker)

    def change_nodes(self, share: float) -> None:
        """After a third of the cells a raylet dies, after a half another comes."""
        if share > 1 / 3 and self._changes == 0:
            self._cluster.remove_node(self._nodes[0], allow_graceful=False)
            self._changes = 1
        if share > 1 / 2 and self._changes == 1:
            self._cluster.add_node(num_cpus=1, object_store_memory=OBJECT_STORE_BYTES)
            self._changes = 2


@contextmanager
def three_raylets() -> Iterator[tuple[object, list]]:
    """A head and two more nodes of one processor each, on this machine."""
    from ray.cluster_utils import Cluster

    store = {"object_store_memory": OBJECT_STORE_BYTES}
    head = {"num_cpus": 1, "include_dashboard": False, **store}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1, **store) for _ in range(2)]
        back_end.ray.init(address=cluster.address, **back_end.QUIET)
        yield cluster, nodes
    finally:
        back_end.ray.shutdown()
        cluster.shutdown()


def disturbed(tasks: list[Task], folder: Path, kills: int, chance: random.Random) -> list[int]:
    """Run the tasks while everything goes wrong; the workers that were killed."""
    with three_raylets() as (cluster, nodes), Store(folder, "disturbed") as store:
        driver = Driver(back_end.RayWorkers())
        misfortune = Misfortune(driver, cluster, nodes, kills, chance)
        misfortune.start()
        seen: set[str] = set()
        for rows in driver.run(tasks, threading.Event()):
            store.append(*rows)
            seen |= {row["cell_id"] for row in rows}
            misfortune.change_nodes(len(seen) / len(tasks))
        misfortune.over.set()
        misfortune.join()
    return misfortune.killed


def undisturbed(tasks: list[Task], folder: Path) -> None:
    with Store(folder, "undisturbed") as store:
        for rows in inline.run(tasks, threading.Event()):
            store.append(*rows)


def check(folder: Path, quiet: Path, fates: dict[int, str], tasks: list[Task]) -> None:
    """The promises; raises AssertionError."""
    final, attempts = read(folder), read(folder, attempts=True)
    assert sorted(final["cell_id"]) == sorted(task.cell_id for task in tasks), "one final row a cell"
    expected = {seed: FATES[fate] for seed, fate in fates.items()}
    for seed, status in zip(final["seed"], final["status"], strict=True):
        assert status == expected.get(seed, "ok"), f"seed {seed} ended as {status}"
    for _, rows in attempts.sort_values("attempt").groupby("cell_id"):
        assert rows["attempt"].tolist() == list(range(1, len(rows) + 1)), rows[["attempt", "status"]]
        assert set(rows["status"].iloc[:-1]) <= {"lost"}, rows[["attempt", "status"]]
        assert len(rows) <= ATTEMPTS
    exits = final[final["seed"].isin([seed for seed, fate in fates.items() if fate == "exit"])]
    assert exits["attempt"].tolist() == [ATTEMPTS] * len(exits)
    good = final[final["status"] == "ok"].set_index("cell_id").sort_index()
    same = read(quiet).set_index("cell_id").loc[good.index]
    for name in set(REPEATABLE) - {"cell_id"}:
        assert good[name].map(exact).tolist() == same[name].map(exact).tolist(), f"{name} depends on what went wrong"


def exact(value: object) -> object:
    """What is equal for equal bits, NaN included; whole numbers beside nulls are floats to pandas."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return repr(float(value)) if isinstance(value, int | float | np.number) else repr(value)


def main(
    cells: Annotated[int, typer.Option(min=10)] = 200,
    kills: Annotated[int, typer.Option(min=0, help="Of workers.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Exit code 0 if every promise held."""
    first = next(planned.task for planned in expand(load_grid(str(TINY / "grid.toml")), Filters(), TINY)
                 if planned.task.cell.learns)  # fmt: skip
    tasks = [
        replace(first, cell_id=f"{number:016x}", cell=replace(first.cell, seed=number), timeout_s=LIMIT_S)
        for number in range(cells)
    ]
    chance = random.Random(seed)
    fates = dict(zip(chance.sample(range(cells), len(FATES)), FATES, strict=True))
    tasks = [replace(task, timeout_s=5.0) if fates.get(task.cell.seed) == "hang" else task for task in tasks]
    plant(fates)
    with TemporaryDirectory(prefix="unlucky-") as scratch:
        loud, quiet = Path(scratch) / "disturbed", Path(scratch) / "undisturbed"
        killed = disturbed(tasks, loud, kills, chance)
        undisturbed([task for task in tasks if task.cell.seed not in fates], quiet)
        check(loud, quiet, fates, tasks)
        lost = int((read(loud, attempts=True)["status"] == "lost").sum())
    print(f"{cells} cells, {len(killed)} workers killed, {lost} attempts lost: one final row each, figures bit-equal")


if __name__ == "__main__":
    typer.run(main)
