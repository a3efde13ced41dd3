"""The ledger of claims: what the founding documents say, and whether the rows of a store bear it out."""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from reports.evidence import TESTS
from reports.exhibit import Chapter
from reports.material import Material
from reports.numerals import ABSENT
from reports.tabular import Table
from reports.verdicts import Evidence, Verdict

TITLE = "Ledger of claims"


@dataclass(frozen=True)
class Claim:
    """A claim, and how it is tested: by a function of reports.evidence, or not at all, and then what it `needs`."""

    claim: str
    source: str
    test: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    grid: str = ""
    only: dict[str, list[str]] = field(default_factory=dict)  # by option of bench.run
    figure: str = ""
    needs: str = ""

    @property
    def command(self) -> str:
        """Runs the cells that test the claim, and builds a report with the ledger."""
        options = [f"--{name} {','.join(values)}" for name, values in {"grid": [self.grid], **self.only}.items()]
        return " ".join(["python -m bench.run", *options]) if self.grid else ""

    def judge(self, material: Material) -> Evidence:
        """The verdict that the rows allow."""
        if not self.test:
            return Evidence(Verdict.UNTESTED, f"needs {self.needs}")
        return TESTS[self.test](material, **self.arguments)


@cache
def ledger() -> tuple[Claim, ...]:
    """The content of claims.toml."""
    content = tomllib.loads((Path(__file__).parent / "claims.toml").read_text(encoding="utf-8"))
    return tuple(Claim(**{"arguments" if key == "with" else key: value for key, value in entry.items()})
                 for entry in content["claims"])  # fmt: skip


def judged(material: Material) -> pd.DataFrame:
    """One row a claim: what it says, `verdict`, `finding`, `method`, `figure`, `command`, `cell_ids`."""
    return pd.DataFrame([_row(claim, claim.judge(material)) for claim in ledger()])


def chapter(material: Material, out: Path) -> Chapter:
    """Writes claims.md, .tex and .csv into `out`."""
    found = judged(material)
    caption = (
        "Testable claims of the founding documents (reference/models.md 4.10) and what the rows of this store say: a "
        "claim holds if every system and setting that tests it says so, does not if one says the opposite, and is "
        "left open otherwise. Models are represented by their line of least validation loss. The command makes the "
        "cells and builds this table anew."
    )
    headings = ["claim", "source", "verdict", "finding", "statistics", "chapter", "command"]
    shown = found[["claim", "source", "verdict", "finding", "method", "figure", "command"]]
    lines = [[value or ABSENT for value in line] for line in shown.itertuples(index=False)]
    cells = tuple(sorted({cell for joined in found["cell_ids"] for cell in joined.split(";") if cell}))
    table = Table("Claims and verdicts", caption, headings, lines, words=len(headings))
    return Chapter(TITLE, (table.publish(out, "claims", found, cells),))


def _row(claim: Claim, evidence: Evidence) -> dict[str, str]:
    return {
        "claim": claim.claim,
        "source": claim.source,
        "verdict": evidence.verdict.value,
        "finding": evidence.finding,
        "method": evidence.method,
        "figure": claim.figure,
        "command": claim.command,
        "cell_ids": ";".join(evidence.cells),
    }
