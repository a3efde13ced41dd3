"""Passes of asv over one tree in the environment that is there, and its results as figures.

asv 0.6.6 stores results of an existing environment only under a commit that it is told, names them after the path
of the interpreter, takes machines from the home folder, and has one exit code for several things: so it gets a home
and a results folder of its own, its files are read, and what is kept of them has no path in it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from math import isfinite
from pathlib import Path

from bench.nightly.figures import Figure
from bench.nightly.machine import Machine
from bench.provenance import REPOSITORY
from bench.store import replace_file

TIMED = r"\.track_time"
COMPLETED = (0, 2)  # exit codes of asv: 2 where a benchmark failed, which its results say as well
ENVIRONMENT = "existing"


class NothingMeasured(Exception):
    """There is no figure at all."""


class Asv:
    """Runs the benchmarks of a tree as those of a commit; all that asv writes lies in `work`."""

    def __init__(self, tree: Path, sha: str, machine: Machine, work: Path):
        self.tree, self.sha, self.machine, self.work = tree.resolve(), sha, machine, work.resolve()
        self.results = self.work / "results"
        self._call(*machine.asv_arguments)

    def measure(self, only: Sequence[str] = ()) -> dict[str, Figure]:
        """One pass over the benchmarks that match one of the patterns, or all. Raises NothingMeasured."""
        patterns = [argument for pattern in only for argument in ("--bench", pattern)]
        where = ("-E", f"existing:{sys.executable}", "--machine", self.machine.name, "--set-commit-hash", self.sha)
        self._call("run", *where, "--launch-method", "forkserver", "--show-stderr", *patterns)
        return read_results(self._taken_file(), self.results / "benchmarks.json")

    def _taken_file(self) -> Path:
        """The results of the last pass, put aside, or the next one would hold what it did not measure."""
        folder = self.results / self.machine.name
        files = list(folder.glob(f"{self.sha[:8]}-{ENVIRONMENT}-*.json"))
        if not files:
            raise NothingMeasured(f"asv stored no result: {self._end_of_output()}")
        return files[0].replace(self.work / f"pass-{len(list(self.work.glob('pass-*.json')))}.json")

    def _call(self, *arguments: str) -> None:
        """Raises NothingMeasured, with the end of what asv said."""
        configuration = configure(self.work, self.tree, self.results, self.work / "html")
        if call_asv(self.work, configuration, self.tree, *arguments) not in COMPLETED:
            raise NothingMeasured(f"asv {arguments[0]} failed: {self._end_of_output()}")

    def _end_of_output(self) -> str:
        return "\n".join((self.work / "asv.log").read_text(errors="replace").splitlines()[-15:])

    def kept_in(self, folder: Path) -> Path:
        """The file of this commit among the results that asv's site is made of."""
        return folder / self.machine.name / f"{self.sha[:8]}-{ENVIRONMENT}.json"

    def keep(self, folder: Path) -> None:
        """Adds the first pass to the results that asv's site is made of."""
        first = self.work / "pass-0.json"  # of all benchmarks; later ones are of some
        content = json.loads(first.read_text()) | {"env_name": ENVIRONMENT, "python": ""}
        content["params"] |= {"python": ""}
        target = self.kept_in(folder)
        replace_file(target, json.dumps(content).encode())
        replace_file(
            target.with_name("machine.json"), (self.results / self.machine.name / "machine.json").read_bytes()
        )
        replace_file(folder / "benchmarks.json", (self.results / "benchmarks.json").read_bytes())


def configure(work: Path, tree: Path, results: Path, html: Path) -> Path:
    """Writes asv's configuration: that of the repository, with absolute folders."""
    work.mkdir(parents=True, exist_ok=True)
    text = (REPOSITORY / "asv.conf.json").read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    places = {
        "repo": str(tree),
        "branches": ["HEAD"],
        "benchmark_dir": str(tree / "bench" / "perf"),
        "env_dir": str(work / "env"),
        "results_dir": str(results),
        "html_dir": str(html),
    }
    path = work / "asv.conf.json"
    path.write_text(json.dumps(json.loads("\n".join(lines)) | places, indent=1))
    return path


def call_asv(work: Path, configuration: Path, tree: Path, *arguments: str) -> int:
    """Runs asv with its output at the end of asv.log; returns its exit code."""
    command = [sys.executable, "-m", "asv", "--config", str(configuration), *arguments]
    home = {"HOME": str(work), "ASV_PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    with (work / "asv.log").open("ab") as log:
        done = subprocess.run(
            command, cwd=work, env=os.environ | home, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode


def publish(tree: Path, results: Path, html: Path, work: Path) -> bool:
    """Makes asv's own site of the kept results; whether it could."""
    configuration = configure(work.resolve(), tree.resolve(), results.resolve(), html.resolve())
    return call_asv(work.resolve(), configuration, tree.resolve(), "publish", "--no-pull") == 0


def read_results(results: Path, benchmarks: Path) -> dict[str, Figure]:
    """Figures of a file of asv's, by benchmark and parameters; combinations that were skipped have none."""
    content = json.loads(results.read_text())
    declared = json.loads(benchmarks.read_text())
    figures = {}
    for name, columns in content["results"].items():
        row = dict(zip(content["result_columns"], columns, strict=False))
        cases = list(product(*row["params"]))
        values = row["result"] if row["result"] is not None else [None] * len(cases)
        for case, value in zip(cases, values, strict=True):
            case_name = f"{name}({', '.join(case)})" if case else name
            if figure := to_figure(value, declared[name]["unit"], row["version"]):
                figures[case_name] = figure
    return figures


def to_figure(value: float | None, unit: str, version: str) -> Figure | None:
    """asv says None for a failure and NaN for a skip; benchmarks raise for a NaN of theirs."""
    if value is None:
        return Figure(
            unit, version=version, failure="raised an exception or took too long: the night's log says which"
        )
    if value != value:
        return None
    if not isfinite(value):
        return Figure(unit, version=version, failure=f"gave {value}")
    return Figure(unit, (float(value),), version)
