"""What can become of a cell: an enumeration with a sentence each."""

from enum import StrEnum


class Status(StrEnum):
    """The outcome of one attempt at a cell."""

    OK = "ok"
    SKIPPED = "skipped"
    DIVERGED = "diverged"
    OOM = "oom"
    TIMEOUT = "timeout"
    ERROR = "error"
    LOST = "lost"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]

    @property
    def finished(self) -> bool:
        """Whether running the same cell with the same code again would only repeat the outcome."""
        return self in (Status.OK, Status.SKIPPED, Status.DIVERGED)


FAILED = frozenset(status for status in Status if not status.finished)
_SENTENCES = {
    Status.OK: "The cell ran to its end and every figure in its row was measured.",
    Status.SKIPPED: "The combination does not apply; the reason says why. Nothing was run.",
    Status.DIVERGED: "A loss, gradient or state became non-finite, or an implicit step had no solution.",
    Status.OOM: "There was not enough memory for the cell.",
    Status.TIMEOUT: "The cell did not end within its time limit and was stopped.",
    Status.ERROR: "The code of the cell raised an exception; the row holds the traceback.",
    Status.LOST: "The process or node that ran the cell went away before it answered.",
}
