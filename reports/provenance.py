"""Where rows come from: the record that each run left in the store."""

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

from reports.frames import distinct, where
from reports.material import Material
from reports.numerals import ABSENT

TUNED = "recipes/grid.toml"  # in the folder of bench.tune: its trials as a grid
_HOW = ("--out", "--rerun", "--workers", "--address", "--timeout", "--backend", "--report-every")
_NO_CHOICE = ("--cell", *_HOW)
_OF = ["kind", "system", "model"]
ATTEMPTED = ("run_id", "cell_id", *_OF)
_LONGEST_LIST = 6
_NAMED_PACKAGES = ("torch", "ray", "numpy", "scipy")


@dataclass(frozen=True)
class Run:
    """One run: of how many cells of the store the rows are its, and its record ({} where none can be read)."""

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
    def studies(self) -> str:
        """Those that it did; of cells it then has none."""
        return ", ".join(map(str, self.record.get("studies", [])))

    @property
    def choice(self) -> tuple[tuple[str, str], ...]:
        """The options that say which cells: of two runs of one choice, the later does what the earlier left."""
        return tuple(option for option in _options(self._words) if option[0] not in _HOW)

    @property
    def _words(self) -> list[str]:
        command = self.record.get("command_line")
        return [str(word) for word in command] if isinstance(command, list) else []


def runs(material: Material) -> list[Run]:
    """The runs that the rows name, sorted by id."""
    cells = Counter(material.frame["run_id"].dropna())
    of_studies = {run_id for rows in material.studies.values() for run_id in distinct(rows, "run_id")}
    return [
        Run(str(name), cells[name], material.records.get(str(name), {})) for name in sorted({*cells, *of_studies})
    ]


def of_cells(material: Material) -> str:
    """The line of small print below every figure of cells."""
    return footer([run for run in runs(material) if run.cells], f"store of {len(material.frame)} cells")


def of_study(material: Material, study: str) -> str:
    """The same of a study's."""
    named = distinct(material.studies[study], "run_id")
    return footer([run for run in runs(material) if run.run_id in named], f"study {study}")


def unfinished(attempts: pd.DataFrame, records: Mapping[str, dict]) -> list[str]:
    """A sentence for each run that left rows of fewer cells than it planned, unless its choice was run again later.

    `attempts` are all rows of a store, with the columns ATTEMPTED.
    """
    last = {Run(name, 0, records[name]).choice or name: name for name in sorted(records)}  # ids begin with the time
    done = attempts.drop_duplicates(["run_id", "cell_id"])
    return [
        f"run {name} planned {planned} cells and left rows of {len(own)}{_lacking(records[name], own)}: "
        "the others are not in the store, unless another run made them"
        for name in sorted(last.values())
        for planned, own in [(records[name].get("planned"), where(done, run_id=name))]
        if isinstance(planned, int) and len(own) < planned
    ]


def _lacking(record: dict, done: pd.DataFrame) -> str:
    """Which models on which systems, if the record says what was planned."""
    counts = cast(Any, done).groupby(_OF).size()
    told = [
        f"{planned['model']} on {planned['system']} {count} of {planned['cells']}"
        + (" profiles" if planned["kind"] == "profile" else "")
        for planned in record.get("planned_of", [])
        if (count := int(counts.get(tuple(planned[name] for name in _OF), 0))) < planned["cells"]
    ]
    more = [f"and {len(told) - _LONGEST_LIST} more"] if len(told) > _LONGEST_LIST else []
    return f" ({', '.join([*told[:_LONGEST_LIST], *more])})" if told else ""


def footer(runs: list[Run], what: str) -> str:
    """What is shown, from which code, machine and run."""

    def told(values: list[str]) -> str:
        known = [value for value in dict.fromkeys(values) if value != ABSENT]
        return ", ".join(known) if len(known) < 3 else f"{known[0]} and {len(known) - 1} more"

    names = told([run.run_id for run in runs])
    versions = told([f"git {run.git}" for run in runs if run.git != ABSENT])
    machines = told([run.cpu for run in runs])
    parts = (f"hamiltonian-bench, {what}", f"run {names}" if names else "", versions, machines)
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
