"""python -m tests.soak.killed_drivers: a run whose driver is killed again and again, at random moments.

Each time it is started again. At the end: every cell has one row, what was reported done was never computed again,
and no file is damaged. With `--store full` every other kill is a disk that fills up (a small tmpfs, which one must
be allowed to mount), of which the driver must end by itself with a sentence and exit code 2. With `--store bucket`
it writes to a server of S3 that fails every fifth request.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer

from bench.store import read
from bench.store.upkeep import doctor

ROOT = Path(__file__).parent.parent.parent
TINY = ROOT / "tests" / "bench" / "tiny"
PATIENCE_S = 600.0  # for a driver to get on: other work may go on here
SIZE = 16 << 20  # of the small disk
GRID = """
[[cells]]
system = "harmonic_oscillator"
model = "fshnn"
seq_len = 4
seed = {seeds}
protocol = "protocol.toml"
recipe = "recipe.toml"
"""


class Kind(StrEnum):
    FOLDER, FULL, BUCKET = "folder", "full", "bucket"


@dataclass
class Disk:
    """A folder of its own file system that can be filled and emptied."""

    path: Path

    def fill(self) -> None:
        with (self.path / "ballast").open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        (self.path / "ballast").unlink()


@dataclass
class Soak:
    """The runs so far, and what they noted."""

    scratch: Path
    store: str
    cells: int
    backend: str
    chance: random.Random
    disk: Disk | None = None
    groups: list[int] = field(default_factory=list)  # of processes, ours

    def notes(self, run: int) -> list[list[str]]:
        path = self.scratch / f"notes-{run}"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def start(self, run: int) -> subprocess.Popen[str]:
        words = ["--grid", str(self.scratch / "tiny" / "grid.toml"), "--out", self.store, "--backend", self.backend]
        command = [sys.executable, "-m", "tests.soak.noting_run", str(self.scratch / f"notes-{run}"), *words]
        log = (self.scratch / f"log-{run}").open("w")
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, text=True, process_group=0)
        self.groups.append(process.pid)
        return process

    def wait_for(self, process: subprocess.Popen[str], run: int) -> None:
        """Until a random number of cells were reported and a random moment more, or the process has ended."""
        reports = self.chance.randrange(0, max(2, self.cells // 10))
        deadline = time.monotonic() + PATIENCE_S
        while sum(word == "reported" for word, _ in self.notes(run)) < reports and process.poll() is None:
            assert time.monotonic() < deadline, f"run {run} does not get on: {self.said(run)}"
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0, 0.5 if reports else 5))

    def said(self, run: int) -> str:
        return (self.scratch / f"log-{run}").read_text()

    def strike(self, run: int) -> str:
        """Start the driver, and end it by a kill, or by a full disk in every other run if there is a small one."""
        process = self.start(run)
        self.wait_for(process, run)
        if process.poll() is not None:
            assert process.returncode == 0, f"run {run} ended with {process.returncode}: {self.said(run)}"
            return "had ended before"
        if self.disk is None or run % 2:
            process.kill()
            process.wait()
            return "killed"
        self.disk.fill()
        process.wait(PATIENCE_S)
        self.disk.empty()
        said = self.said(run)
        assert process.returncode in (0, 2), f"run {run} ended with {process.returncode}: {said}"
        assert process.returncode == 0 or "No space left on device" in " ".join(said.split()), said
        assert "Traceback" not in said, said
        return f"disk full, exit code {process.returncode}"

    def check(self, runs: int) -> None:
        """The promises; raises AssertionError."""
        reported: set[str] = set()
        for run in range(runs):
            notes = self.notes(run)
            again = reported & {cell for word, cell in notes if word == "started"}
            assert not again, f"run {run} computed anew what was reported before: {again}"
            reported |= {cell for word, cell in notes if word == "reported"}
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # damaged files
            rows = read(self.store, attempts=True)
        assert reported <= set(rows["cell_id"]), f"lost: {reported - set(rows['cell_id'])}"
        assert sorted(rows["seed"]) == list(range(self.cells)), "each cell has one row"
        assert set(rows["status"]) == {"ok"}
        found = [finding for finding in doctor(self.store) if "killed" not in finding.what]
        assert not found, found

    def clean_up(self) -> None:
        """End what killed drivers left behind: the process groups that we made."""
        for group in self.groups:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                continue


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """A tmpfs. Raises CalledProcessError where none may be mounted."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path)], check=True)
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


@contextmanager
def bucket() -> Iterator[str]:
    from tests.s3_server import CREDENTIALS, every_fifth_fails, serving  # takes seconds to import

    with serving() as server:
        server.fault = every_fifth_fails
        os.environ.update(CREDENTIALS)
        yield server.address("soak")


def main(
    kills: Annotated[int, typer.Option(min=0, help="How often the driver is killed.")] = 20,
    cells: Annotated[int, typer.Option(min=1)] = 200,
    store: Annotated[Kind, typer.Option(help="Where the rows go.")] = Kind.FOLDER,
    backend: Annotated[str, typer.Option(help="ray or inline.")] = "ray",
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
) -> None:
    """Exit code 0 if every promise held."""
    os.environ.pop("RAY_ADDRESS", None)
    scratch = Path(mkdtemp(prefix="killed-"))
    tiny = Path(shutil.copytree(TINY, scratch / "tiny"))
    (tiny / "grid.toml").write_text(GRID.format(seeds=list(range(cells))))
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(scratch / "disk")) if store is Kind.FULL else None
        place = stack.enter_context(bucket()) if store is Kind.BUCKET else str((disk or Disk(scratch)).path / "store")
        soak = Soak(scratch, place, cells, backend, random.Random(seed), disk)
        stack.callback(soak.clean_up)
        for run in range(kills):
            print(f"run {run}: {soak.strike(run)}; {len(soak.notes(run))} notes", flush=True)
        last = soak.start(kills)
        assert last.wait(10 * PATIENCE_S) == 0, soak.said(kills)
        soak.check(kills + 1)
        print(f"{cells} cells, {kills} times struck: nothing lost, nothing computed twice, nothing damaged")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    typer.run(main)
