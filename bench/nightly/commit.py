"""Commits, asked of git."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.declarations import BadInput


@dataclass(frozen=True)
class Commit:
    sha: str
    subject: str
    committed_at: str  # ISO 8601, UTC


class Repository:
    """A working tree of git, and what it knows of commits."""

    def __init__(self, folder: Path):
        self.folder = folder

    def commit(self, revision: str = "HEAD") -> Commit:
        """Raises BadInput for what is no commit."""
        sha, seconds, subject = self._git("show", "-s", "--format=%H%n%ct%n%s", f"{revision}^{{commit}}").split(
            "\n", 2
        )
        return Commit(sha, subject.strip(), datetime.fromtimestamp(int(seconds), UTC).isoformat())

    def last(self, count: int) -> list[Commit]:
        """The newest commits along first parents, oldest first."""
        shas = self._git("rev-list", "--first-parent", f"--max-count={count}", "HEAD").split()
        return [self.commit(sha) for sha in reversed(shas)]

    def changes(self) -> list[str]:
        """What differs from HEAD, files that git does not know included; empty for a clean tree."""
        return self._git("status", "--porcelain").splitlines()

    def leads_to_head(self, sha: str) -> bool:
        """Whether HEAD descends from a commit: not after a rebase, and not where the commit is unknown."""
        return self._run("merge-base", "--is-ancestor", sha, "HEAD").returncode == 0

    @contextmanager
    def checked_out(self, sha: str, folder: Path) -> Iterator[Path]:
        """A commit in a worktree of its own, which is removed afterwards."""
        self._git("worktree", "add", "--detach", str(folder), sha)
        try:
            yield folder
        finally:
            self._run("worktree", "remove", "--force", str(folder))

    def _git(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise BadInput(f"git {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", "-C", str(self.folder), *arguments], capture_output=True, text=True, check=False
        )
