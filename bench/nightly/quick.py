"""python -m bench.nightly.quick: every benchmark of asv's runs, on the shortest windows; nothing is kept."""

import os
import tempfile
from pathlib import Path

import typer

from bench.nightly.asv_passes import Asv
from bench.nightly.commit import Repository
from bench.nightly.gate import ExitCode, check_installed, explained, say
from bench.nightly.machine import this_machine
from bench.provenance import REPOSITORY

SHORT = r"^(?!.*, (32|256)\))|Long.*'backprop'"  # of long windows one case


def main() -> None:
    """Exit with 1 if a benchmark failed, with 3 if there was none."""
    with explained(), tempfile.TemporaryDirectory(prefix="quick-") as folder:
        check_installed()
        from bench.perf.yardstick import QUICK  # which imports the peer

        os.environ[QUICK] = "1"
        sha = Repository(REPOSITORY).commit().sha
        asv = Asv(REPOSITORY, sha, this_machine(), Path(folder))
        figures = asv.measure([SHORT])
        failed = [name for name, figure in figures.items() if figure.failure]
        if failed:
            say((Path(folder) / "asv.log").read_text(errors="replace"))
    for name in failed:
        say(f"FAILED: {name}")
    say(f"{len(figures)} benchmarks ran, {len(failed)} failed.")
    raise typer.Exit(ExitCode.NOTHING if not figures else ExitCode.WORSE if failed else ExitCode.OK)


if __name__ == "__main__":
    typer.run(main)
