"""Learning curves: training and validation loss against the epoch, one panel a system."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import matplotlib.ticker as ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import rows as select
from reports import saving, theme
from reports.bands import draw_band
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import distinct_pairs, groups, keep, mean, narrow, where
from reports.layout import legend_below, sheets
from reports.log_axes import readable_ticks
from reports.long_form import long_form
from reports.material import Material

TITLE = "Learning curves"
_NEEDED = [*select.LINED, "status", "validation_loss", "loss_floor", "curve_train", "curve_validation"]
DASHES: dict[str, Literal[":", "-"]] = {"training": ":", "validation": "-"}
_FLOOR_DASH = "--"
_HEIGHT, _COLUMNS = 2.5, 3  # inches of a panel, and panels a row


def chapter(material: Material, out: Path) -> Chapter:
    """Writes learning_curves.png and .pdf into `out`; protocols and sheets, if several, stand in the names."""
    names = list(material.lined)
    exhibits, missing = [], []
    for name, rows in material.lined.items():
        lined = narrow(rows, _NEEDED)
        shown, left_out = select.drawn(select.ok(lined), "curve_validation")
        losses = curves(shown)
        if losses.empty:
            missing.append(f"no learning curve in the train rows of protocol {name}: learning curves not drawn")
        else:
            suffix = name if len(names) > 1 else ""
            exhibits += _exhibits(losses, lined, name, out, suffix, select.room(left_out))
    if not names:
        missing.append("no train rows: learning curves not drawn")
    return Chapter(TITLE, tuple(exhibits), tuple(missing))


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Long form: one row a (system, line, seed, part, epoch) with its `loss`; epochs count from 1.

    The training loss of a model that integrates nothing is no error of a state and is left out.
    """
    integrating = keep(rows, rows["gradient_mode"].notna())
    return pd.concat(
        [_losses(integrating, "curve_train", "training"), _losses(rows, "curve_validation", "validation")],
        ignore_index=True,
    )


def _losses(rows: pd.DataFrame, column: str, part: str) -> pd.DataFrame:
    curves = [select.numbers(curve) for curve in rows[column]]
    return long_form(rows, epoch=[np.arange(1, len(curve) + 1) for curve in curves], loss=curves).assign(part=part)


def floors(rows: pd.DataFrame) -> dict[str, float]:
    """Mean loss of the true H by system, where the ok rows have one."""
    known = select.ok(rows).dropna(subset=["loss_floor"])
    return {system: mean(own, "loss_floor") for (system,), own in groups(known, ["system"])}


def draw(losses: pd.DataFrame, floor: dict[str, float], looks: Mapping[str, theme.Look]) -> Figure:
    """One panel a system, logarithmic in loss: mean over seeds, band from the least to the largest."""
    systems = select.systems(losses)
    columns = min(_COLUMNS, len(systems))
    with theme.style():
        figure, axes = theme.panels(math.ceil(len(systems) / columns), columns, _HEIGHT)
        for axis, system in zip(axes.flat, systems, strict=False):
            _draw_panel(axis, where(losses, system=system), looks, floor.get(system, 0))
            axis.set_title(prose(system))
        theme.hide(list(axes.flat[len(systems) :]))
        for axis in axes[:, 0]:
            axis.set_ylabel("loss (state²)")
        legend_below(figure, _handles(looks, set(losses["line"]), with_floor=bool(floor)))
        return figure


def _draw_panel(axis: Axes, losses: pd.DataFrame, looks: Mapping[str, theme.Look], floor: float) -> None:
    for (line, part), own in groups(losses, ["line", "part"]):
        look = looks[line]
        marker = look.marker if part == "validation" else None
        draw_band(axis, own, "epoch", "loss", look, linestyle=DASHES[part], marker=marker)
    if floor > 0:
        axis.axhline(floor, color="black", linestyle=_FLOOR_DASH, linewidth=0.9)
    axis.set_yscale("log")
    readable_ticks(axis, "y")
    axis.xaxis.set_major_locator(ticker.MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axis.set_xlabel("epoch")
    axis.set_ylabel("")


def _handles(looks: Mapping[str, theme.Look], present: set[str], with_floor: bool) -> list[Line2D]:
    lines = [
        Line2D([], [], color=look.colour, marker=look.marker, label=line)
        for line, look in looks.items()
        if line in present
    ]
    parts = [Line2D([], [], color="0.3", linestyle=dash, label=part) for part, dash in DASHES.items()]
    floor = Line2D([], [], color="black", linestyle=_FLOOR_DASH, linewidth=0.9, label="loss of the true H")
    return [*lines, *parts, *([floor] if with_floor else [])]


def _exhibits(
    losses: pd.DataFrame, lined: pd.DataFrame, protocol: str, out: Path, suffix: str, note: str
) -> list[Exhibit]:
    seeds = [len(select.seeds(own)) for _, own in groups(losses, ["system", "line"])]
    count = str(max(seeds)) if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
    caption = (
        f"Squared error of rollouts after each epoch under protocol {protocol}: mean over seeds ({count} a line), "
        "band from the least to the largest. Training loss where it is one. Dashed: loss of the true H on the same "
        f"validation windows.{note}"
    )
    title, name = f"Learning curves, protocol {protocol}", stem("learning_curves", suffix)
    floor, looks = floors(lined), theme.line_looks(sorted(distinct_pairs(losses, "model", "line")))
    exhibits = []
    for sheet in sheets(select.systems(losses), _HEIGHT, _COLUMNS):
        own = keep(losses, losses["system"].isin(sheet.entries))
        files = saving.save(draw(own, floor, looks), out, stem(name, sheet.suffix))
        exhibits.append(Exhibit(title + sheet.words, caption, files, cells=ids(own)))
    return exhibits
