"""Fitted exponents of memory and time against N beside those that theory promises."""

import math
from pathlib import Path

import pandas as pd

from reports.exhibit import Exhibit, ids, prose
from reports.frames import column, is_null, positive, records, varies
from reports.numerals import ABSENT, plain
from reports.scaling_points import SETTINGS, Scaling, exponent_text, in_cell, tidy
from reports.statistics import Bent, Exponent
from reports.tabular import Table
from reports.theory import complexity_table

TITLE = "Exponents of N, fitted and in theory"
FIT = "least squares in log-log over the upper half of a mode's lengths (five at least, where it has five)"
_ROUNDING = 1e-6  # of an exponent
_QUANTITIES = {"memory": "peak_mib", "time": "iteration_ms"}


def table(measured: list[Scaling]) -> pd.DataFrame:
    """One row a (setting, gradient mode, quantity).

    `fitted`, `low`, `high`: the exponent and its 95 % interval; `shortest`, `longest`, `points`: what it was
    fitted to; `theory` and `formula`; `in_interval`: whether the interval contains the theory, null if either is
    unknown. `text` is the fit as people read it. `constant`, `bent`, `bent_low`, `bent_high`, `bent_in_interval` and
    `bent_text`: the same of a + b N^k over all lengths, null where b N^k alone does as well. `cell_ids` are those of
    all lengths.
    """
    return pd.DataFrame(
        [
            scaling.identity | {"gradient_mode": mode, "quantity": quantity} | _comparison(scaling, mode, quantity)
            for scaling in measured
            for mode in scaling.modes
            for quantity in _QUANTITIES
        ]
    )


def exhibit(measured: list[Scaling], out: Path) -> Exhibit:
    """Writes exponents.md, .tex and .csv."""
    entries = table(measured)
    caption = (
        f"k of memory ~ N^k and time ~ N^k, {FIT}, with the half width of the 95 % interval; theory: "
        f"{complexity_table().source}; and whether the interval contains it. Parts that do not grow with N bend a "
        "fit at small N, which is why the lower half is left out; the interval knows of scatter, not of what "
        "bending is left. Where it is bent beyond chance (F-test at the level 0.05), a + b N^k with a > 0 is fitted "
        "too, to the logarithms over all lengths. The theory of memory is that of the term that grows."
    )
    headings, lines, words = _lines(entries)
    shown = Table(TITLE, caption, headings, lines, words)
    return shown.publish(out, "exponents", entries.drop(columns=["text", "bent_text"]), ids(tidy(measured)))


def contains(fit: Exponent | None, theory: float | None) -> bool | None:
    """Whether the interval of a fit contains the theory, to rounding; None if there is no interval or no theory."""
    if fit is None or theory is None or math.isnan(fit.low):
        return None
    return fit.low - _ROUNDING <= theory <= fit.high + _ROUNDING


def _comparison(scaling: Scaling, mode: str, quantity: str) -> dict:
    measured, promise = _QUANTITIES[quantity], complexity_table().of(mode)
    own, fit = scaling.fitted(mode, measured), scaling.exponent(mode, measured)
    theory = (
        promise.time
        if quantity == "time"
        else promise.memory_for(column(own, "seq_len"), column(own, "observations"))
    )
    return {
        "fitted": fit.slope if fit else None,
        "low": fit.low if fit else None,
        "high": fit.high if fit else None,
        "shortest": own["seq_len"].min(),
        "longest": own["seq_len"].max(),
        "points": len(own),
        "theory": theory,
        "in_interval": contains(fit, theory),
        "formula": promise.formula,
        "cell_ids": ";".join(ids(positive(scaling.of_mode(mode), measured))),
        "text": exponent_text(fit),
        **_bent(scaling.bent(mode, measured), theory),
    }


def _bent(fit: Bent | None, theory: float | None) -> dict:
    exponent = fit.exponent if fit else None
    return {
        "constant": fit.constant if fit else None,
        "bent": exponent.slope if exponent else None,
        "bent_low": exponent.low if exponent else None,
        "bent_high": exponent.high if exponent else None,
        "bent_in_interval": contains(exponent, theory),
        "bent_text": f"{exponent_text(exponent)}, a = {plain(fit.constant)}" if fit else ABSENT,
    }


def _lines(entries: pd.DataFrame) -> tuple[list[str], list[list[str]], int]:
    """Headings, cells, and how many columns are words."""
    varying = [name for name in SETTINGS if varies(entries, name)]
    headings = ["system", *(name.replace("_", " ") for name in varying), "gradient mode"]
    words = len(headings)
    headings += ["N fitted"]
    for quantity, unit in (("memory", "MiB"), ("time", "ms")):
        headings += [quantity, "theory", "in interval", f"as a + b N^k (a in {unit})", "in interval"]
    headings += ["memory in theory"]
    pairs = records(entries)
    lines = []
    for memory, time in zip(pairs[0::2], pairs[1::2], strict=True):
        identity = [prose(memory["system"]), *(in_cell(memory[name]) for name in varying)]
        lines.append([
            *identity, memory["gradient_mode"], f"{memory['shortest']} to {memory['longest']}",
            *_cells(memory), *_cells(time), memory["formula"] or ABSENT,
        ])  # fmt: skip
    return headings, lines, words


def _cells(entry: dict) -> list[str]:
    theory = ABSENT if is_null(entry["theory"]) else f"{entry['theory']:g}"
    straight, bent = (
        ABSENT if is_null(contained) else "yes" if contained else "no"
        for contained in (entry["in_interval"], entry["bent_in_interval"])
    )
    return [entry["text"], theory, straight, entry["bent_text"], bent]
