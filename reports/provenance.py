"""Where rows come from: the record that each run left in the store."""

import shlex
from dataclasses import dataclass

import pandas as pd

from reports.numerals import ABSENT

TUNED = "recipes/grid.toml"  # in the folder of bench.tune: its trials as a grid
_NO_CHOICE = ("--out", "--cell", "--rerun", "--workers", "--address", "--timeout", "--backend", "--report-every")
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
    def machine(self) -> str:
        """Processor, cores and memory, cards, system."""
        memory = self.record.get("memory_bytes")
        parts = [self.record.get("cpu"), f"{self.record['cores']} cores" if self.record.get("cores") else None]
        parts += [f"{memory / 2**30:.0f} GiB" if isinstance(memory, int) else None]
        parts += [*(self.record.get("gpus") or []), self.record.get("platform")]
        return ", ".join(_text(part) for part in parts if part) or ABSENT

    @property
    def packages(self) -> str:
        versions = self.record.get("packages")
        if not isinstance(versions, dict):
            return ABSENT
        return ", ".join(f"{name} {versions[name]}" for name in _NAMED_PACKAGES if name in versions) or ABSENT

    @property
    def command_line(self) -> str:
        return shlex.join(self._words) if self._words else _text(self.record.get("command_line"))

    @property
    def cells_named(self) -> list[str]:
        """The options of bench.run that name cells among which are those of this run; empty where none are known.

        Its grid, or the user's data with what was chosen for them; of bench.tune the grid that it left.
        """
        options = _options(self._words)
        given = dict(options)
        if "bench.tune" in self._words:
            folder = given.get("--out", f"results/tune/{given.get('--model')}")
            return ["--grid", f"{folder}/{TUNED}"]
        kept = [(name, value) for name, value in options if name not in _NO_CHOICE]
        if "--grid" in given:
            kept = [(name, value) for name, value in kept if name in ("--grid", "--data")]
        elif "--data" not in given:
            return []
        return [word for option in kept for word in option]

    @property
    def _words(self) -> list[str]:
        command = self.record.get("command_line")
        return [str(word) for word in command] if isinstance(command, list) else []


def runs(frame: pd.DataFrame, records: dict[str, dict]) -> list[Run]:
    """The runs that the rows name, sorted by id, with their records by id (`bench.store.records`)."""
    counts = frame["run_id"].dropna().value_counts().sort_index()
    return [Run(str(name), int(count), records.get(str(name), {})) for name, count in counts.items()]


def footer(runs: list[Run], cells: int) -> str:
    """The line of small print below every figure: how much, from which code, machine and run."""

    def told(values: list[str]) -> str:
        known = [value for value in dict.fromkeys(values) if value != ABSENT]
        return ", ".join(known) if len(known) < 3 else f"{known[0]} and {len(known) - 1} more"

    names = told([run.run_id for run in runs])
    versions = told([f"git {run.git}" for run in runs if run.git != ABSENT])
    machines = told([run.cpu for run in runs])
    parts = (f"hamiltonian-bench, store of {cells} cells", f"run {names}" if names else "", versions, machines)
    return " · ".join(part for part in parts if part)


def _options(words: list[str]) -> list[tuple[str, str]]:
    """The options of a command with their values, given as `--name value` or `--name=value`."""
    found, waiting = [], ""
    for word in words:
        if word.startswith("--"):
            waiting, equals, value = word.partition("=")
            if equals:
                found.append((waiting, value))
                waiting = ""
        elif waiting:
            found.append((waiting, word))
            waiting = ""
    return found


def _text(value: object) -> str:
    if value is None or value == "":
        return ABSENT
    return " ".join(str(value).replace("|", "/").split())
