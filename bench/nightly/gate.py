"""What the commands of this package share: checks before anything is measured, the report, the exit code."""

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from bench.declarations import BadInput
from bench.nightly.asv_passes import NothingMeasured, publish
from bench.nightly.commit import Repository
from bench.nightly.history import Night
from bench.provenance import REPOSITORY

HISTORY = Path("results/nightly")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, style="red", markup=False, highlight=False, soft_wrap=True)


class ExitCode:
    """0 nothing worse, 1 worse, failed or vanished, 2 wrong usage (nothing was measured or written), 3 no figures."""

    OK, WORSE, USAGE, NOTHING = 0, 1, 2, 3


def say(text: str) -> None:
    console.print(text, markup=False)


@contextmanager
def explained() -> Iterator[None]:
    """Turns what was wrong into a sentence and an exit code."""
    try:
        yield
    except BadInput as error:
        errors.print(str(error))
        raise typer.Exit(ExitCode.USAGE) from None
    except NothingMeasured as error:
        errors.print(f"Nothing was measured: {error}")
        raise typer.Exit(ExitCode.NOTHING) from None


def check_installed() -> None:
    """Raises BadInput if asv or a peer is missing."""
    for name, role in (("asv", "which runs the benchmarks"), ("torchdiffeq", "the peer that times are measured in")):
        if importlib.util.find_spec(name) is None:
            raise BadInput(f"{name} is not installed, {role}: pip install -e '.[test]'")


def ready_repository() -> Repository:
    """The repository of this code. Raises BadInput if its tree is dirty, or asv or a peer is missing."""
    check_installed()
    repository = Repository(REPOSITORY)
    repository.commit()
    if changes := repository.changes():
        listed = "\n".join(changes[:10])
        raise BadInput(
            f"the tree differs from HEAD, so its figures would be those of no commit. Commit or stash:\n{listed}"
        )
    return repository


def exit_code(night: Night) -> int:
    """Nothing measured is no success, and neither is a benchmark that is missing or failed."""
    if not any(figure.samples for figure in night.figures.values()):
        return ExitCode.NOTHING
    return ExitCode.WORSE if night.alarms else ExitCode.OK


def report(history: Path, out: Path, night: Path) -> bool:
    """Builds the page and the table of a night, in a process of its own as all reports; whether it could."""
    places = ("--history", str(history.resolve()), "--out", str(out.resolve()), "--night", night.name)
    command = [sys.executable, "-m", "reports.regressions", *places]
    return subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0


def publish_all(history: Path, out: Path, night: Path) -> bool:
    """The report of a night, and asv's own site beside it; whether both could be made."""
    reported = report(history, out, night)
    with tempfile.TemporaryDirectory(prefix="asv-") as work:
        published = publish(REPOSITORY, history / "asv", out / "asv", Path(work))
        if not published:
            errors.print(f"asv publish failed:\n{(Path(work) / 'asv.log').read_text(errors='replace')[-2000:]}")
    return reported and published


def conclude(night: Night) -> None:
    """Says what became of the night, every alarm by name."""
    for note in filter(None, (night.caveat, *night.notes)):
        say(note)
    for name, verdict in night.alarms.items():
        how = f" by {verdict.change:+.1%} (threshold {verdict.threshold:.1%})" if verdict.change is not None else ""
        failure = night.figures[name].failure if name in night.figures else None
        say(f"{verdict.outcome.upper()}: {name}{how}{f': {failure}' if failure else ''}")
    measured = sum(1 for figure in night.figures.values() if figure.samples)
    say(f"{measured} benchmarks measured, {len(night.alarms)} alarms.")
