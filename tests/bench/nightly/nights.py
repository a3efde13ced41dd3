"""Nights with known figures, from which the tests of the gate make histories."""

from datetime import UTC, datetime, timedelta

import numpy as np

from bench.nightly.figures import Figure
from bench.nightly.history import Night

TIMED = "iteration.OfEveryMode.track_time('discrete', {})"
BYTES = "iteration.OfEveryMode.track_peak_bytes('backprop', 4)"
ERROR = "grid.h_mae_ru(double_well, fshnn, discrete)"


def timed(number: int) -> str:
    return TIMED.format(number)


def night(number: int, figures: dict[str, Figure | float], **changes: object) -> Night:
    """The night of a day; a bare number is a figure of one pass."""
    moment = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)).isoformat()
    facts = {"machine": "m", "packages": {"torch": "2.13.0"}} | changes
    full = {
        name: figure if isinstance(figure, Figure) else Figure("", (float(figure),))
        for name, figure in figures.items()
    }
    return Night(f"{number:040x}", f"change {number}", moment, moment, figures=full, **facts)  # pyright: ignore


def moved(values: dict[str, float], noise: float, drawn: np.random.Generator) -> dict[str, float]:
    """What a night makes of true times: a normal deviation, relative, that all passes of that night share."""
    return {name: value * (1 + noise * drawn.normal()) for name, value in values.items()}


def noisy(values: dict[str, float], noise: float, drawn: np.random.Generator, passes: int = 3) -> dict[str, Figure]:
    """Figures of time with normal noise, relative, of every pass."""
    figures = {}
    for name, value in values.items():
        figures[name] = Figure("yardsticks", tuple((value * (1 + noise * drawn.normal(size=passes))).tolist()))
    return figures
