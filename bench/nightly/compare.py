"""python -m bench.nightly.compare BASE: HEAD against another commit, on one machine, pass by pass in turn.

For pull requests, where there is no history: the base is measured with HEAD's benchmarks, as the only night before.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.nightly import notes
from bench.nightly.backfill import lay_over
from bench.nightly.gate import ExitCode, conclude, exit_code, explained, ready_repository, report, say
from bench.nightly.history import History, Night
from bench.nightly.machine import this_machine
from bench.nightly.night import PASSES, Measurement, Say, Wanted, begin, judged

OUT = Path("results/compare")


def main(
    base: Annotated[str, typer.Argument(help="The commit to compare with, as in origin/main.")],
    out: Annotated[Path, typer.Option(help="Folder of the report; its table.md is for a comment.")] = OUT,
    only: Annotated[list[str] | None, typer.Option(help="Only asv's benchmarks that match, and no grid.")] = None,
    passes: Annotated[int, typer.Option(min=1, help="Over the benchmarks of time.")] = PASSES,
) -> None:
    """Measure two commits and compare them: exit code 1 if anything of HEAD is worse."""
    with explained(), tempfile.TemporaryDirectory(prefix="compare-") as folder:
        work, here, wanted = Path(folder), this_machine(), Wanted(tuple(only or ()), passes)
        repository = ready_repository()
        commits = (repository.commit(base), repository.commit())
        with repository.checked_out(commits[0].sha, work / "tree") as tree:
            lay_over(tree)
            sides = [
                Measurement(side_tree, commit, here, work / name, wanted, said_of(name))
                for name, side_tree, commit in zip(("base", "head"), (tree, repository.folder), commits, strict=True)
            ]
            in_turn(sides, passes)
            before, night = (
                replace(begin(commit, here, wanted), figures=side.figures)
                for side, commit in zip(sides, commits, strict=True)
            )
            night = judged(night, [before], sides[1].again)
        logs = [
            *sides[0].keep_log(before, out / "base.log"),
            *sides[1].keep_log(night, out / "head.log"),
        ]
        night = notes.annotated(night, *not_compared(before), *logs)
        nights = History(work / "history")
        nights.keep(before)
        made = report(nights.folder, out, nights.keep(night))
    conclude(night)
    raise typer.Exit(exit_code(night) or (ExitCode.OK if made else ExitCode.WORSE))


def not_compared(base: Night) -> list[str]:
    """A note on what failed on the base's side."""
    failed = [name for name, figure in base.figures.items() if figure.failure]
    return [f"Not compared, for the base failed in them: {', '.join(sorted(failed))}."] if failed else []


def said_of(name: str) -> Say:
    return lambda text: say(f"{name}: {text}")


def in_turn(sides: list[Measurement], passes: int) -> None:
    """Base and head alternate, so that what the machine does meanwhile meets both."""
    for side in sides:
        side.measure_all()
    for _ in range(passes - 1):
        for side in sides:
            side.measure_times()
    for side in sides:
        side.measure_quality()


if __name__ == "__main__":
    typer.run(main)
