"""What became of a benchmark in a night."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    NEW = "new"
    FAILED = "failed"
    VANISHED = "vanished"

    @property
    def alarms(self) -> bool:
        return self in (Outcome.WORSE, Outcome.FAILED, Outcome.VANISHED)


@dataclass(frozen=True)
class Verdict:
    """An outcome and what it was judged by: relative `change` from the `baseline`, and the `threshold` for it."""

    outcome: Outcome
    baseline: float | None = None
    change: float | None = None
    threshold: float | None = None
