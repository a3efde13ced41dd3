"""Nights, and the folder that keeps them: one JSON file a night, so a branch of git can hold it as well as a disk."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bench.declarations import BadInput
from bench.nightly.figures import Figure
from bench.nightly.verdict import Verdict
from bench.store import replace_file


@dataclass(frozen=True)
class Night:
    """What was measured of one commit, when and where, and what became of each benchmark.

    `accepted` are benchmarks whose new level, or absence, is fine: their series start anew here. `only` are the
    patterns of what was to be measured, if not all. A backfilled night has no verdicts. The `caveat` puts the whole
    night in question, and is said before all else.
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
    caveat: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What nights are sorted by: the age of the commit, then of the measurement."""
        return self.committed_at, self.started_at

    @property
    def alarms(self) -> dict[str, Verdict]:
        return {name: verdict for name, verdict in self.verdicts.items() if verdict.outcome.alarms}


NIGHT = TypeAdapter(Night)


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
        path = self._files() / f"{stem(night)}.json"
        replace_file(path, NIGHT.dump_json(night, indent=1))
        return path

    def log_of(self, night: Night) -> Path:
        """Where what was said while a night was measured is kept, if anything failed."""
        return self.folder / "logs" / f"{stem(night)}.log"

    def _files(self) -> Path:
        return self.folder / "nights"


def stem(night: Night) -> str:
    moment = re.sub(r"[-:]|\+.*", "", night.started_at)
    return f"{moment}-{night.commit[:12]}-{night.machine}"


def read_night(path: Path) -> Night:
    """Raises BadInput, naming the file and what is wrong in it."""
    try:
        return NIGHT.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(f"{path} is not a night of this suite: {error}") from error
