"""Nights, and the folder that keeps them: one JSON file a night, so a branch of git can hold it as well as a disk."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.declarations import BadInput
from bench.nightly.figures import Figure
from bench.nightly.verdict import Outcome, Verdict
from bench.store import replace_file

VERSION = 1


@dataclass(frozen=True)
class Night:
    """What was measured of one commit, when and where, and what became of each benchmark.

    `accepted` are benchmarks whose new level, or absence, is fine: their series start anew here. `only` are the
    patterns of what was to be measured, if not all. A backfilled night has no verdicts.
    """

    commit: str
    subject: str
    committed_at: str  # ISO 8601, UTC
    started_at: str
    machine: str
    packages: dict[str, str]
    figures: dict[str, Figure] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What nights are sorted by: the age of the commit, then of the measurement."""
        return self.committed_at, self.started_at

    @property
    def alarms(self) -> dict[str, Verdict]:
        return {name: verdict for name, verdict in self.verdicts.items() if verdict.outcome.alarms}


class History:
    """The nights of a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def nights(self) -> list[Night]:
        """All of them, that of the oldest commit first. Raises BadInput for a file that is no night."""
        return sorted((read_night(path) for path in self._files().glob("*.json")), key=lambda night: night.key)

    def before(self, key: tuple[str, str]) -> list[Night]:
        return [night for night in self.nights() if night.key < key]

    def keep(self, night: Night) -> Path:
        """Writes the night, all of it or nothing."""
        moment = night.started_at.replace(":", "").replace("-", "")
        path = self._files() / f"{moment}-{night.commit[:12]}-{night.machine}.json"
        content = {"version": VERSION, **asdict(night)}
        replace_file(path, json.dumps(content, indent=1, sort_keys=True).encode())
        return path

    def _files(self) -> Path:
        return self.folder / "nights"


def read_night(path: Path) -> Night:
    """Raises BadInput, naming the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("version") != VERSION:
            raise ValueError(f"not of version {VERSION}")
        figures = {
            name: Figure(**figure | {"samples": tuple(figure["samples"])})
            for name, figure in content.pop("figures").items()
        }
        verdicts = {
            name: Verdict(**verdict | {"outcome": Outcome(verdict["outcome"])})
            for name, verdict in content.pop("verdicts").items()
        }
        lists = {name: tuple(content.pop(name)) for name in ("accepted", "only", "notes")}
        return Night(**content, **lists, figures=figures, verdicts=verdicts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} is not a night of this suite: {type(error).__name__}: {error}") from error
