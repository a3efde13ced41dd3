"""Which gradient mode for which N: a table derived from the measurements by a stated rule."""

from pathlib import Path

import pandas as pd

from reports.exhibit import Chapter, Exhibit, escape, ids, prose, write, write_csv
from reports.frames import groups, is_null, keep, records, varies
from reports.numerals import ABSENT, brief, plain
from reports.scaling_points import EXACT_BELOW, SETTINGS, Scaling, in_cell, tidy
from reports.tabular import followed, headed, latex, markdown

TITLE = "Which gradient mode for which N"
LEAN = 2.0  # times the smallest peak memory of the exact modes
TIE = 1.05  # times the shortest time of the lean ones
RULE = (
    f"Rule: of the modes whose relative gradient error is at most {brief(EXACT_BELOW['float32'])} in float32 "
    f"({brief(EXACT_BELOW['float64'])} in float64) and whose peak memory is at most {LEAN:g} times the smallest "
    f"of these, the fastest; of those within {100 * (TIE - 1):.0f} % of its time the one with the least memory."
)
_NEEDED = ["iteration_ms", "peak_mib", "gradient_rel_error"]
_SHOWN = {
    "iteration_ms": "time, ms",
    "peak_mib": "peak, MiB",
    "gradient_rel_error": "gradient error",
    "exact_modes": "exact modes",
    "least_peak_mib": "least peak of these, MiB",
    "lean_modes": "lean of these",
    "fastest_lean_ms": "fastest lean, ms",
    "runner_up": "runner-up",
}
_IN_PRINT = ("iteration_ms", "peak_mib", "gradient_rel_error", "runner_up")  # what a page is wide enough for


def chapter(measured: list[Scaling], out: Path) -> Chapter:
    """Writes recommendation.md, .tex and .csv into `out`."""
    table = recommendations(measured)
    if table.empty:
        missing = "no setting has time, memory and gradient error of two modes at one N: no recommendation"
        return Chapter(TITLE, missing=(missing,))
    headings, lines, words = _cells(table, tuple(_SHOWN))
    caption = (
        f"{RULE} Counted below: modes measured in full at that N, exact ones, lean ones. Runner-up: the next by the "
        "same rule, with its time and peak relative to the recommended mode's. Modes are compared within one setting "
        f"only, and these measurements are of one machine and device ({_machines(table)})."
    )
    brief_headings, brief_lines, _ = _cells(table, _IN_PRINT)
    body = markdown(headings, [[escape(cell) for cell in line] for line in lines], words)
    files = (
        write(out / "recommendation.md", headed(TITLE, caption, body) + followed("recommendation", table)),
        write(out / "recommendation.tex", latex(brief_headings, brief_lines, caption, "tab:recommendation", words)),
        write_csv(out / "recommendation.csv", table),
    )
    return Chapter(TITLE, (Exhibit("Recommended gradient modes", caption, files, body, ids(tidy(measured))),))


def recommendations(measured: list[Scaling]) -> pd.DataFrame:
    """One row a (setting, N) at which two modes at least have time, memory and gradient error.

    `mode` is the recommended one, null if none is exact, with its `iteration_ms`, `peak_mib` and
    `gradient_rel_error` (then the smallest error of any mode); the counts `modes`, `exact_modes`, `lean_modes`;
    `least_peak_mib` of the exact and `fastest_lean_ms` of the lean ones; `runner_up` with its own numbers relative
    to the recommended mode's, `runner_up_time` and `runner_up_peak`; `cell_ids` of all that were compared.
    """
    return pd.DataFrame(
        [
            scaling.identity
            | {"seq_len": steps}
            | choose(own, scaling.exact_below)
            | {"cell_ids": ";".join(ids(own))}
            for scaling in measured
            for (steps,), own in groups(scaling.points.dropna(subset=_NEEDED), ["seq_len"])
            if len(own) > 1
        ]
    )


def choose(points: pd.DataFrame, exact_below: float) -> dict:
    """The rule, applied to the points of one setting and N: a row of `recommendations` without its identity."""
    exact = keep(points, points["gradient_rel_error"] <= exact_below)
    lean = keep(exact, exact["peak_mib"] <= LEAN * exact["peak_mib"].min())
    counts = {"modes": len(points), "exact_modes": len(exact), "lean_modes": len(lean)}
    ranking = _ranked(lean)
    if not ranking:
        return {"mode": None, "gradient_rel_error": points["gradient_rel_error"].min()} | counts
    best = ranking[0]
    row = {"mode": best["gradient_mode"], **{name: best[name] for name in _NEEDED}, **counts}
    row |= {"least_peak_mib": exact["peak_mib"].min(), "fastest_lean_ms": lean["iteration_ms"].min()}
    if len(ranking) > 1:
        second = ranking[1]
        row |= {
            "runner_up": second["gradient_mode"],
            "runner_up_time": second["iteration_ms"] / best["iteration_ms"],
            "runner_up_peak": second["peak_mib"] / best["peak_mib"],
        }
    return row


def _ranked(lean: pd.DataFrame) -> list[dict]:
    """The lean modes by the rule: the winner, then the winner of what is left, and so on."""
    left, ranking = records(lean), []
    while left:
        fastest = min(point["iteration_ms"] for point in left)
        tied = [point for point in left if point["iteration_ms"] <= TIE * fastest]
        best = min(tied, key=lambda point: (point["peak_mib"], point["iteration_ms"], point["gradient_mode"]))
        ranking.append(best)
        left.remove(best)
    return ranking


def _cells(table: pd.DataFrame, shown: tuple[str, ...]) -> tuple[list[str], list[list[str]], int]:
    """Headings, cells and how many columns are words. Of the setting, what differs between rows is shown."""
    varying = [name for name in SETTINGS if name == "net" or varies(table, name)]
    headings = ["system", *(name.replace("_", " ") for name in varying), "N", "use"]
    lines = []
    for row in records(
        table.reindex(columns=[*table.columns, *(name for name in _SHOWN if name not in table.columns)])
    ):
        identity = [prose(row["system"]), *(in_cell(row[name]) for name in varying)]
        mode = "none is exact" if is_null(row["mode"]) else row["mode"]
        lines.append([*identity, str(row["seq_len"]), mode, *(_text(row, name) for name in shown)])
    return [*headings, *(_SHOWN[name] for name in shown)], lines, len(headings)


def _text(row: dict, name: str) -> str:
    if name == "exact_modes":
        return f"{row['exact_modes']} of {row['modes']}"
    if name == "lean_modes":
        return str(row["lean_modes"])
    if name == "runner_up":
        known = not is_null(row["runner_up"])
        return f"{row['runner_up']} ({row['runner_up_time']:.2f}, {row['runner_up_peak']:.2f})" if known else ABSENT
    return plain(row[name], digits=4 if name.endswith("_ms") else 3)


def _machines(table: pd.DataFrame) -> str:
    return ", ".join(sorted({f"{row['device']}, {row['dtype']}" for row in records(table)}))
