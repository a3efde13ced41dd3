"""What one benchmark gave in one night."""

from dataclasses import dataclass
from statistics import fmean, median, stdev


@dataclass(frozen=True)
class Figure:
    """A number, lower is better, measured in one or more passes over the same commit; or why there is none.

    `version` names what the number means: figures of different versions are never compared.
    """

    unit: str
    samples: tuple[float, ...] = ()
    version: str = "1"
    failure: str | None = None

    @property
    def value(self) -> float:
        """The median over the passes."""
        return median(self.samples)

    @property
    def relative_variance(self) -> float | None:
        """Of the passes about their mean; None if there was one alone. What they differ in is noise (A/A)."""
        if len(self.samples) < 2:
            return None
        middle = fmean(self.samples)
        return (stdev(self.samples) / middle) ** 2 if middle else 0.0


def depends_on_machine(benchmark: str) -> bool:
    """Whether a benchmark measures time, and so is compared on one machine only. Bytes and errors repeat exactly."""
    return ".track_time" in benchmark


def pooled(passes: list[dict[str, Figure]]) -> dict[str, Figure]:
    """The figures of several passes, each with the samples of all; one that failed in any pass failed."""
    together: dict[str, Figure] = {}
    for name in sorted({name for figures in passes for name in figures}):
        own = [figures[name] for figures in passes if name in figures]
        failed = [figure for figure in own if figure.failure]
        samples = tuple(sample for figure in own for sample in figure.samples)
        together[name] = failed[0] if failed else Figure(own[0].unit, samples, own[0].version)
    return together
