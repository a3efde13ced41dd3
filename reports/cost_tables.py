"""The points of Figure VIII as tables: times, memory, evaluations, and memory by phase."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reports.exhibit import Exhibit, ids, prose
from reports.frames import filled, keep, records, varies
from reports.numerals import plain
from reports.scaling_points import PHASES, SETTINGS, Scaling, in_cell, tidy
from reports.tabular import Table

_COST = {
    "observations": "observed states",
    "repeats": "repeats",
    "iteration_ms": "iteration, ms",
    "iteration_q25_ms": "25 %",
    "iteration_q75_ms": "75 %",
    "peak_mib": "peak, MiB",
    "field_evals_forward": "field evaluations forward",
    "field_evals_backward": "backward",
    "solver_iterations": "solver iterations",
    "compile_s": "compilation, s",
    "gradient_rel_error": "gradient error",
    "gradient_cosine": "cosine",
}
_PHASES = {f"peak_{phase}_mib": f"{phase}, MiB" for phase in PHASES} | {"peak_mib": "peak, MiB"}


def points(measured: list[Scaling], notes: list[str], out: Path) -> Exhibit:
    """Writes scaling.md, .tex and .csv: every point of every setting; `notes` stand below."""
    caption = (
        "Median time of one iteration with quartiles (the repeats of all seeds pooled), peak memory, field "
        "evaluations a trajectory, and the error and cosine of the gradient against the exact one of the same "
        "rollout in float64. What no row has is no column."
    )
    return _table(tidy(measured), "Cost of a training iteration in numbers", caption, _COST, "scaling", out, notes)


def phases(measured: list[Scaling], out: Path) -> Exhibit | None:
    """Writes memory_phases.md, .tex and .csv; None if no row has its peak by phase."""
    split = [column for column in _PHASES if column != "peak_mib"]
    measurements = tidy(measured)
    having = keep(measurements, measurements[split].notna().any(axis=1))
    if having.empty:
        return None
    caption = (
        "Peak memory of one training iteration above the level before it, during its forward pass, its backward "
        "pass and its optimiser step; the peak of the iteration is the largest of them. Median over seeds."
    )
    return _table(having, "Peak memory by phase", caption, _PHASES, "memory_phases", out)


def _table(
    data: pd.DataFrame, title: str, caption: str, columns: dict[str, str], name: str, out: Path, notes: Sequence = ()
) -> Exhibit:
    """A line a point: its system and what of its setting varies, gradient mode, N, and the columns with any value."""
    varying = [column for column in SETTINGS if varies(data, column)]
    shown = [column for column in columns if filled(data, column)]
    identity = ["system", *(column.replace("_", " ") for column in varying), "gradient mode"]
    lines = [
        [prose(point["system"]), *(in_cell(point[column]) for column in varying), point["gradient_mode"],
         str(point["seq_len"]), *(plain(point[column], digits=4) for column in shown)]
        for point in records(data)
    ]  # fmt: skip
    headings = [*identity, "N", *(columns[column] for column in shown)]
    table = Table(title, caption, headings, lines, words=len(identity), notes=notes)
    return table.publish(out, name, data, ids(data))
