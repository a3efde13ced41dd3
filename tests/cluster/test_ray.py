"""The Ray back end, with a real Ray."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event, Timer
from time import monotonic, sleep

import pytest
import ray

from bench.attempt import opening
from bench.backends import inline
from bench.backends import ray as back_end
from bench.cell import Task
from bench.schema import SCHEMA, complete
from bench.store import read

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("ray")]

TINY = Path(__file__).parent.parent / "bench" / "tiny"
PERSONAL = {"worker", "started_at"}  # who and when
REPEATABLE = [f.name for f in SCHEMA if f.metadata[b"unit"] != b"s" and f.name not in PERSONAL]
PROGRAM = "import bench.run; bench.run.build_report = lambda folder: True; bench.run.app()"


def by_cell(rows: list[dict]) -> dict[str, dict]:
    return {row["cell_id"]: {name: complete(row)[name] for name in REPEATABLE} for row in rows}


def seeds(task: Task, count: int) -> list[Task]:
    return [replace(task, cell_id=str(seed), cell=replace(task.cell, seed=seed)) for seed in range(count)]


def use(monkeypatch, remote) -> None:
    """Run this in place of a cell, under its options. Made inside a test, so that Ray sends it by value."""
    options = back_end._run_cell._default_options
    monkeypatch.setattr(back_end, "_run_cell", ray.remote(**options)(remote))


def test_two_workers_give_the_same_numbers_as_this_process(slots: float, tasks: list[Task]):
    inlined = list(inline.run(tasks, Event()))
    spread = list(back_end.run(tasks, Event(), slots))
    assert {row["status"] for row in spread} == {"ok"}
    assert {row["worker"] for row in spread}.isdisjoint({row["worker"] for row in inlined})
    assert by_cell(spread) == by_cell(inlined)


def test_a_worker_that_dies_is_a_row_and_the_run_goes_on(slots: float, tasks: list[Task], monkeypatch):
    def die_for_seed_1(task: Task, dataset: object) -> dict:
        if task.cell.seed == 1:
            os._exit(7)
        return opening(task) | {"status": "ok"}

    use(monkeypatch, die_for_seed_1)
    rows = {row["seed"]: row for row in back_end.run(seeds(tasks[0], 4), Event(), slots)}
    assert {seed: row["status"] for seed, row in rows.items()} == {0: "ok", 1: "lost", 2: "ok", 3: "ok"}
    assert (rows[1]["phase"], rows[1]["exception"]) == ("worker", "WorkerCrashedError")
    complete(rows[1])


def test_data_that_cannot_be_made_are_a_row_for_every_cell_that_needs_them(slots: float, tasks: list[Task]):
    strict = tasks[1].protocol.model_copy(update={"reference_tolerance": 1e-300})
    (row, *others) = back_end.run([replace(task, protocol=strict) for task in tasks[:3]], Event(), slots)
    rows = {row["cell_id"]: row for row in [row, *others]}
    assert all("halving the step" in row["reason"] for row in rows.values())
    phases = sorted(row["phase"] for row in rows.values())
    assert phases == ["data", "data", "evaluate"]  # what learns nothing needs them only to be judged


def test_a_data_set_is_made_once(slots: float, tasks: list[Task], monkeypatch):
    made = []
    original = back_end._make_dataset

    class Noting:
        @staticmethod
        def remote(system: str, task: Task) -> object:
            made.append(system)
            return original.remote(system, task)

    monkeypatch.setattr(back_end, "_make_dataset", Noting)
    rows = list(back_end.run([task for task in tasks if task.cell.model == "fshnn"], Event(), slots))
    assert made == ["harmonic_oscillator"]
    assert [row["status"] for row in rows] == ["ok"] * 3


def test_timed_cells_have_all_processors_and_others_one(slots: float, tasks: list[Task], monkeypatch):
    def tell(task: Task, dataset: object) -> dict:
        cpus = ray.get_runtime_context().get_assigned_resources()["CPU"]
        return opening(task) | {"status": "ok", "reason": str(cpus)}

    use(monkeypatch, tell)
    rows = list(back_end.run(tasks, Event(), slots))
    assert slots == 2.0
    assert {(row["kind"], row["reason"]) for row in rows} == {("train", "1.0"), ("profile", "2.0")}


def test_only_a_bounded_window_is_in_flight(slots: float, tasks: list[Task], monkeypatch):
    taken = []

    def stream():
        for task in seeds(tasks[0], 30):
            taken.append(task)
            yield task

    use(monkeypatch, lambda task, dataset: opening(task) | {"status": "ok"})
    for done, _ in enumerate(back_end.run(stream(), Event(), slots), 1):
        assert len(taken) - done <= back_end.TASKS_PER_SLOT * slots
    assert done == 30


def test_running_cells_get_a_grace_and_no_more_after_a_stop(slots: float, tasks: list[Task], monkeypatch):
    def nap(task: Task, dataset: object) -> dict:
        sleep(0.5 if task.cell.seed == 0 else 60)
        return opening(task) | {"status": "ok"}

    use(monkeypatch, nap)
    monkeypatch.setattr(back_end, "GRACE_S", 2.0)
    stop = Event()
    Timer(0.3, stop.set).start()
    start = monotonic()
    rows = list(back_end.run(seeds(tasks[0], 10), stop, slots))
    assert [row["seed"] for row in rows] == [0]
    assert monotonic() - start < 8


def test_ctrl_c_in_a_terminal_keeps_the_rows(tmp_path: Path):
    tiny, out = Path(shutil.copytree(TINY, tmp_path / "tiny")), tmp_path / "out"
    grid = (tiny / "grid.toml").read_text()
    (tiny / "grid.toml").write_text(grid.replace("seed = [0, 1]", f"seed = {list(range(60))}"))
    words = ["--grid", str(tiny / "grid.toml"), "--out", str(out), "--workers", "2"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *words], start_new_session=True, **pipes) as process:
        while "/62 cells" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers, too
        said, complained = process.communicate(timeout=60)
    assert process.returncode == 130, said + complained
    kept = read(out)
    assert 0 < len(kept) < 62
    assert set(kept["status"]) == {"ok"}
