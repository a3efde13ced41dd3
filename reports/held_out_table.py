"""Own data: what is known of a learned model where the true H is not, from trajectories that were held out."""

from pathlib import Path

import pandas as pd

from reports import outcomes
from reports import rows as select
from reports.exhibit import Chapter, Exhibit, ids, stem
from reports.frames import column, distinct, groups, mean, where
from reports.material import Material
from reports.numerals import with_interval
from reports.statistics import mean_interval
from reports.tabular import Table

TITLE = "Held-out trajectories"
MEASURES = {
    "rollout_error": "rollout error",
    "escape_share": "escapes",
    "energy_spread_share": "energy spread",
    "symplecticity_defect": "symplecticity defect",
    "volume_defect": "volume defect",
}
CAPTION = (
    "Free rollouts from the first observations of trajectories that were held out: || predicted - observed || / "
    "|| observed || of those that stay within ten times the largest observation; the share of those that escape. "
    "Spread of the learned H along the observed trajectories, as a part of what it is where each p "
    "stands with another q: 0 is conserved, 1 is nothing learned. Defects of one learned step with Jacobian M: "
    "||M^T J M - J|| and |det M - 1|, medians. Mean over seeds ± half width of the 95 % t-interval. Noise of the "
    "observations is in the error and in the spread."
)


def chapter(material: Material, out: Path) -> Chapter:
    """Writes held_out.md, .tex and .csv for each set of own data; several stand in the names."""
    lined, dropped = material.recorded
    lined = select.with_lines(lined)
    names = select.systems(lined)
    exhibits = [
        _exhibit(where(lined, system=name), dropped, name, out, name if len(names) > 1 else "") for name in names
    ]
    return Chapter(TITLE, tuple(exhibits))


def entries(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a (line, measure) with `mean`, `low`, `high`, `seeds` and `cell_ids`; only ok rows enter."""
    return pd.DataFrame(
        [
            {"line": line, "measure": measure, "mean": found.mean, "low": found.low, "high": found.high,
             "seeds": found.count, "cell_ids": ";".join(sorted(select.ok(own)["cell_id"]))}
            for line in select.lines(rows)
            if not (own := where(rows, line=line)).empty
            for measure in MEASURES
            for found in [mean_interval(mean(seed, measure) for _, seed in groups(select.ok(own), ["seed"]))]
        ],
        columns=["line", "measure", "mean", "low", "high", "seeds", "cell_ids"],
    )  # fmt: skip


def lines(entries: pd.DataFrame) -> list[list[str]]:
    """The cells of the table: one line a model, one column a measure."""
    still = column(where(entries, line="constant", measure="rollout_error"), "mean").min()
    cells = []
    for line in distinct(entries, "line"):
        own = where(entries, line=line).set_index("measure")
        values = [
            with_interval(own.loc[name, "mean"], own.loc[name, "high"] - own.loc[name, "mean"]) for name in MEASURES
        ]
        if line != "constant" and (own.loc["rollout_error", "mean"] >= still or own.loc["escape_share", "mean"] == 1):
            values[0] += " †"
        cells.append([line, *values, str(own.loc["escape_share", "seeds"])])
    return cells


def _exhibit(rows: pd.DataFrame, dropped: int, name: str, out: Path, suffix: str) -> Exhibit:
    found = entries(rows)
    notes = ["constant stays where it is. † No better than that, or all escape: nothing was learned of the motion."]
    noise = column(select.ok(rows), "noise_share").max()
    notes.append(f"Noise is {noise:.2g} of what was observed, at most, and starts have it too.")
    notes += [*outcomes.left_out(rows), *outcomes.code_versions(select.ok(rows))]
    if dropped:
        notes.append(f"{dropped} older row(s) of cells that ran anew, on other data or by another recipe, left out.")
    headings = ("model (recipe)", *MEASURES.values(), "seeds")
    table = Table(f"Own data {name}", CAPTION, headings, lines(found), notes=notes)
    return table.publish(out, stem("held_out", suffix), found, ids(found))
