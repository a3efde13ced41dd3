"""A scratch clone with two commits, and figures of ours in place of asv's and the grid's."""

import subprocess

from nights import BYTES, ERROR, timed
from typer import Typer
from typer.testing import CliRunner

from bench.nightly.asv_passes import NothingMeasured
from bench.nightly.figures import Figure

GOOD = {timed(4): 1.0, BYTES: 100.0, ERROR: 0.1}


class Asv:
    """In place of asv: gives the figures of the class, a failure where there is no number."""

    figures: dict = GOOD
    passes: int = 100  # after which it breaks
    trees: list = []  # noqa: RUF012

    def __init__(self, tree, sha, machine, work):
        self.code = (tree / "code.py").read_text()
        self.trees.append(self.code)
        work.mkdir(parents=True)
        (work / "asv.log").write_text("ZeroDivisionError")

    def measure(self, only=()):
        self.passes -= 1
        if not self.figures or self.passes < 0:
            raise NothingMeasured("asv stored no result")
        return {
            name: Figure("", failure="it broke") if value is None else Figure("", (value,))
            for name, value in self.figures.items()
        }

    def kept_in(self, folder):
        return folder / "results.json"

    def keep(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.kept_in(folder).write_text(str(len(self.figures)))


def git(folder, *arguments):
    author = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True, text=True)


def commit(folder, content):
    (folder / "code.py").write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", content)


def invoke(module, *arguments):
    app = Typer()
    app.command()(module.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])
