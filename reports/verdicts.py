"""What is said of a claim: verdicts, what they rest on, and how many of them become one."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "not enough seeds to say"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Evidence:
    """A verdict, the numbers that it rests on in a sentence, the statistics, and the ids of the cells."""

    verdict: Verdict
    finding: str
    method: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What one system or setting says: for (True), against (False), or neither (None)."""

    says: bool | None
    finding: str
    cells: tuple[str, ...]


def conclude(parts: Iterable[Part], method: str) -> Evidence:
    """A claim holds if all parts say so, and does not if any says that it does not."""
    known = list(parts)
    if not known:
        return Evidence(Verdict.UNTESTED, "no cell of this store tests it", method)
    said = {part.says for part in known}
    verdict = Verdict.FAILS if False in said else Verdict.OPEN if None in said else Verdict.HOLDS
    cells = tuple(sorted({cell for part in known for cell in part.cells}))
    return Evidence(verdict, "; ".join(dict.fromkeys(part.finding for part in known)), method, cells)
