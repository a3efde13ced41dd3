"""python -m bench.nightly: measure HEAD, judge it by the nights before, report, and exit with the verdict."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.declarations import BadInput
from bench.nightly import notes
from bench.nightly.gate import HISTORY, ExitCode, conclude, exit_code, explained, publish_all, ready_repository, say
from bench.nightly.history import History
from bench.nightly.machine import Machine, this_machine
from bench.nightly.night import PASSES, Measurement, Wanted, begin, judged, measure_night


def main(
    history: Annotated[Path, typer.Option(help="Folder of the nights; a branch can hold it.")] = HISTORY,
    out: Annotated[Path | None, typer.Option(help="Folder of the report and of asv's site [HISTORY/report].")] = None,
    machine: Annotated[str | None, typer.Option(help="Name of this sort of machine [processor and cores].")] = None,
    accept: Annotated[list[str] | None, typer.Option(help="Benchmark whose new level or absence is fine.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only asv's benchmarks that match, and no grid.")] = None,
    passes: Annotated[int, typer.Option(min=1, help="Over the benchmarks of time: their scatter is A/A.")] = PASSES,
) -> None:
    """Measure this commit and compare it with the nights before: exit code 1 if anything is worse."""
    with explained():
        repository, nights = ready_repository(), History(history)
        here = Machine(machine) if machine else this_machine()
        wanted = Wanted(tuple(only or ()), passes)
        night = replace(begin(repository.commit(), here, wanted), accepted=tuple(accept or ()))
        earlier = nights.before(night.key)
        check_accepted(night.accepted, {name for past in earlier for name in past.figures})
        known = notes.before_measuring(night, earlier, repository)
        say("\n".join(known))
        with tempfile.TemporaryDirectory(prefix="nightly-") as folder:
            measurement = Measurement(repository.folder, repository.commit(), here, Path(folder), wanted, say)
            night = replace(night, figures=measure_night(measurement))
            night = judged(night, earlier, measurement.again)
            night = notes.annotated(night, *known, *measurement.keep_log(night, nights.log_of(night)))
            measurement.keep_asv(history / "asv")
        kept = nights.keep(night)
        say(f"kept as {kept}")
        published = publish_all(history, out or history / "report", kept)
    conclude(night)
    raise typer.Exit(exit_code(night) or (ExitCode.OK if published else ExitCode.WORSE))


def check_accepted(accepted: tuple[str, ...], known: set[str]) -> None:
    """Raises BadInput for a benchmark that no night has."""
    for name in accepted:
        if name not in known:
            raise BadInput(f"--accept: no night has a benchmark '{name}'; its report lists the names")


if __name__ == "__main__":
    typer.run(main)
