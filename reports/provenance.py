"""Where rows come from: the record that each run left in the store."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reports.numerals import ABSENT

_NAMED_PACKAGES = ("torch", "ray", "numpy", "scipy")


@dataclass(frozen=True)
class Run:
    """One run: how many rows of the store are its, and its record ({} where none can be read)."""

    run_id: str
    cells: int
    record: dict

    @property
    def started(self) -> str:
        return _text(self.record.get("started_at"))

    @property
    def git(self) -> str:
        sha = _text(self.record.get("git_sha"))[:12]
        return f"{sha}, with uncommitted changes" if self.record.get("git_dirty") else sha

    @property
    def cpu(self) -> str:
        return _text(self.record.get("cpu"))

    @property
    def packages(self) -> str:
        versions = self.record.get("packages")
        if not isinstance(versions, dict):
            return ABSENT
        return ", ".join(f"{name} {versions[name]}" for name in _NAMED_PACKAGES if name in versions) or ABSENT

    @property
    def command_line(self) -> str:
        command = self.record.get("command_line")
        return " ".join(str(word) for word in command) if isinstance(command, list) else _text(command)


def runs(frame: pd.DataFrame, results: Path) -> list[Run]:
    """The runs that the rows name, sorted by id, with the records of `results`/runs/RUN_ID.json."""
    counts = frame["run_id"].dropna().value_counts().sort_index()
    return [Run(str(name), int(count), _record(results / "runs" / f"{name}.json")) for name, count in counts.items()]


def _record(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _text(value: object) -> str:
    if value is None or value == "":
        return ABSENT
    return " ".join(str(value).replace("|", "/").split())
