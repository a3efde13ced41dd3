"""The points of Figure VIII as tables: times, memory, evaluations, and memory by phase."""

from pathlib import Path

import pandas as pd

from reports.exhibit import Exhibit, escape, ids, write
from reports.frames import records
from reports.numerals import plain
from reports.scaling_points import PHASES, Scaling, tidy
from reports.tabular import markdown

_KEY = {"gradient_mode": "gradient mode", "seq_len": "N"}
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
    """Writes scaling.md and scaling.csv: every point of every setting; `notes` stand below."""
    title = "Cost of a training iteration in numbers"
    caption = (
        "Median time of one iteration with quartiles (the repeats of all seeds pooled), peak memory, field "
        "evaluations a trajectory, and the error and cosine of the gradient against the exact one of the same "
        "rollout in float64. What no row of a block has is no column of it."
    )
    body = _blocks(measured, _COST) + "".join(f"- {escape(note)}\n" for note in notes)
    files = (
        write(out / "scaling.md", f"# {title}\n\n{caption}\n\n{body}"),
        write(out / "scaling.csv", tidy(measured).to_csv(index=False, lineterminator="\n")),
    )
    return Exhibit(title, caption, files, body, ids(tidy(measured)))


def phases(measured: list[Scaling], out: Path) -> Exhibit | None:
    """Writes memory_phases.md; None if no row has its peak by phase. The numbers are in scaling.csv too."""
    split = [column for column in _PHASES if column != "peak_mib"]
    having = [scaling for scaling in measured if scaling.points[split].notna().to_numpy().any()]
    if not having:
        return None
    title = "Peak memory by phase"
    caption = (
        "Peak memory of one training iteration above the level before it, during its forward pass, its backward "
        "pass and its optimiser step; the peak of the iteration is the largest of them. Median over seeds."
    )
    body = _blocks(having, _PHASES)
    return Exhibit(
        title,
        caption,
        (write(out / "memory_phases.md", f"# {title}\n\n{caption}\n\n{body}"),),
        body,
        ids(tidy(having)),
    )


def _blocks(measured: list[Scaling], columns: dict[str, str]) -> str:
    return (
        "\n".join(f"**{escape(scaling.title)}**\n\n{_table(scaling.points, columns)}" for scaling in measured) + "\n"
    )


def _table(own: pd.DataFrame, columns: dict[str, str]) -> str:
    shown = [column for column in columns if own[column].notna().to_numpy().any()]
    lines = [
        [escape(point["gradient_mode"]), str(point["seq_len"]), *(plain(point[column], digits=4) for column in shown)]
        for point in records(own)
    ]
    return markdown([*_KEY.values(), *(columns[column] for column in shown)], lines)
