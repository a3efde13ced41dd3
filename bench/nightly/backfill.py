"""python -m bench.nightly.backfill: measure commits of the past with today's benchmarks, for a history to begin with.

Each commit is checked out into a worktree of its own, and the benchmarks of today are laid over it: its code, our
questions. Backfilled nights are a record and not judged.
"""

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.nightly.asv_passes import NothingMeasured
from bench.nightly.commit import Commit, Repository
from bench.nightly.gate import HISTORY, ExitCode, explained, publish_all, ready_repository, say
from bench.nightly.history import History
from bench.nightly.machine import Machine, this_machine
from bench.nightly.night import PASSES, Measurement, Wanted, begin, measure_night
from bench.provenance import REPOSITORY

OURS = ("bench/perf", "bench/protocols/perf.toml", "bench/recipes/perf.toml", "bench/grids/nightly.toml")


def main(
    commits: Annotated[int, typer.Option(min=1, help="How many of the newest, along first parents.")] = 10,
    history: Annotated[Path, typer.Option(help="Folder of the nights.")] = HISTORY,
    machine: Annotated[str | None, typer.Option(help="Name of this sort of machine [processor and cores].")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only asv's benchmarks that match, and no grid.")] = None,
    passes: Annotated[int, typer.Option(min=1, help="Over the benchmarks of time.")] = PASSES,
) -> None:
    """Measure the newest commits that this machine has no night of, the oldest first."""
    with explained():
        repository, nights = ready_repository(), History(history)
        here, wanted = Machine(machine) if machine else this_machine(), Wanted(tuple(only or ()), passes)
        measured = [night for night in nights.nights() if night.machine == here.name]
        known = {night.commit for night in measured if night.only in ((), wanted.only)}
        missing = [commit for commit in repository.last(commits) if commit.sha not in known]
        kept = [path for commit in missing if (path := backfill(repository, commit, here, wanted, nights))]
        say(f"{len(kept)} of {len(missing)} commits measured")
        if missing and not kept:
            raise NothingMeasured("none of the commits could be measured by today's benchmarks")
        made = not missing or publish_all(history, history / "report", kept[-1])
    raise typer.Exit(ExitCode.OK if made else ExitCode.WORSE)


def backfill(repository: Repository, commit: Commit, here: Machine, wanted: Wanted, nights: History) -> Path | None:
    """Measures one commit and keeps its night, if there was anything to keep."""
    say(f"{commit.sha[:12]} {commit.subject}")
    with tempfile.TemporaryDirectory(prefix="backfill-") as folder:
        work, night = Path(folder), begin(commit, here, wanted)
        with repository.checked_out(commit.sha, work / "tree") as tree:
            lay_over(tree)
            try:
                measurement = Measurement(tree, commit, here, work, wanted, say)
                night = replace(night, figures=measure_night(measurement))
            except NothingMeasured as error:
                say(f"no night kept, nothing was measured: {error}")
                return None
        night = replace(night, notes=measurement.keep_log(night, nights.log_of(night)))
        measurement.keep_asv(nights.folder / "asv")
    return nights.keep(night)


def lay_over(tree: Path) -> None:
    """Replaces the benchmarks of a tree by ours."""
    for name in OURS:
        source, target = REPOSITORY / name, tree / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


if __name__ == "__main__":
    typer.run(main)
