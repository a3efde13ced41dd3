"""Figures II to IV: what a model saw, how its loss fell, and the true field beside the learned one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.ticker as ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from reports import learning_curves, saving, theme
from reports import rows as select
from reports.exhibit import Chapter, Exhibit, prose, stem
from reports.frames import groups, is_null, keep, narrow, otherwise, records, where
from reports.log_axes import readable_ticks
from reports.material import Material
from reports.numerals import plain
from reports.poincare import PLANES
from reports.published import paper

TITLE = "Data, loss and field (Figures II to IV)"
TRUE = "true_h"
_COLOURS = "cividis"
_ROUNDING = 1e-9  # of the fastest: what is slower is at rest
_LISTS = ("map_plane", "map_box", "map_first", "map_second", "seen_first", "seen_second")
_NEEDED = [*select.LINED, "status", "validation_loss", "loss_floor", "curve_train", "curve_validation",
           "field_error_ru", *_LISTS]  # fmt: skip


@dataclass(frozen=True)
class Map:
    """The rows of one line on one system under one protocol, the first of which is drawn, and that of the true H."""

    protocol: str
    system: str
    rows: pd.DataFrame
    truth: dict[str, Any] | None

    @property
    def shown(self) -> dict[str, Any]:
        return records(self.rows)[0]


def chapter(material: Material, out: Path) -> Chapter:
    """Writes field_SYSTEM.png and .pdf for what has a map of its field; several protocols stand in the names."""
    found = [
        one
        for name, lined in material.simulated.items()
        if not (having := keep(select.ok(narrow(lined, _NEEDED)), lined["map_first"].notna())).empty
        for one in maps(name, having)
    ]
    several = len({one.protocol for one in found}) > 1
    missing = [
        f"no row of {TRUE} with a map of {one.system}, protocol {one.protocol}: the true field is not drawn"
        for one in found
        if one.truth is None
    ]
    drawn = {(one.protocol, one.system) for one in found}
    missing += [
        f"no ok row of a trained model with a map of {system}, protocol {name}: its field is not drawn"
        for name in sorted({one.protocol for one in found})
        for system in select.systems(material.simulated[name])
        if (name, system) not in drawn
    ]
    if not found:
        missing.append("no ok row of a trained model has a map of its field: Figures II to IV not drawn")
    return Chapter(TITLE, tuple(_exhibit(one, out, one.protocol if several else "") for one in found), tuple(missing))


def maps(protocol: str, rows: pd.DataFrame) -> list[Map]:
    """One a system with a trained model: the paper's own, else any, by its line of least validation loss."""
    found = []
    for system in select.systems(rows):
        trained = otherwise(where(rows, system=system), "model", *select.REFERENCES)
        own = where(trained, model=paper().own_model)
        if not (own := own if len(own) else trained).empty:
            truth = records(where(rows, system=system, model=TRUE))
            chosen = where(own, line=select.leading_line(own))
            found.append(Map(protocol, system, chosen, truth[0] if truth else None))
    return found


def draw(found: Map) -> Figure:
    """Four panels: training states, losses, true and learned field, the fields in one scale of colours."""
    with theme.style():
        figure, axes = theme.panels(2, 2, height=2.7)
        _draw_data(axes[0, 0], found)
        _draw_losses(axes[0, 1], found)
        rows = [found.truth, found.shown]
        fastest = max(float(speed(row).max()) for row in rows if row is not None)
        colours = ScalarMappable(Normalize(0, fastest), _COLOURS)
        for axis, row, title in zip(
            axes[1], rows, ("true field", f"learned field, {found.shown['line']}"), strict=True
        ):
            _draw_field(axis, row, found, colours)
            axis.set_title(title)
        figure.colorbar(colours, ax=list(axes[1]), aspect=30, pad=0.01).set_label("|f| in the plane (state/time)")
        figure.suptitle(f"{prose(found.system)}, protocol {found.protocol}")
        return figure


def speed(row: dict[str, Any]) -> np.ndarray:
    """|f| in the plane at the points of a row's grid."""
    return np.hypot(select.numbers(row["map_first"]), select.numbers(row["map_second"]))


def grid(row: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The coordinates of the points of a row's grid, the first slowest."""
    low, high, bottom, top = select.numbers(row["map_box"])
    count = round(select.numbers(row["map_first"]).size ** 0.5)
    first, second = np.meshgrid(np.linspace(low, high, count), np.linspace(bottom, top, count), indexing="ij")
    return first.ravel(), second.ravel()


def _draw_data(axis: Axes, found: Map) -> None:
    first, second = (select.numbers(found.shown[name]) for name in ("seen_first", "seen_second"))
    if first.size:
        axis.plot(first, second, linestyle="none", marker=".", markersize=3, markeredgewidth=0, color="0.25")
    else:
        axis.text(0.5, 0.5, "not kept", transform=axis.transAxes, ha="center")
    _name_axes(axis, found)
    axis.set_title(f"{first.size} of the states that were learned from")


def _draw_losses(axis: Axes, found: Map) -> None:
    own = found.rows.head(1)
    look = theme.model_look(found.shown["model"])
    for (part,), curve in groups(learning_curves.curves(own), ["part"]):
        dash = learning_curves.DASHES[part]
        axis.plot(curve["epoch"], curve["loss"], linestyle=dash, color=look.colour, label=part)
    if not is_null(floor := found.shown["loss_floor"]) and floor > 0:
        axis.axhline(floor, color="black", linestyle="--", linewidth=0.9, label="loss of the true H")
    if not axis.lines:
        axis.text(0.5, 0.5, "fitted at once: no epochs", transform=axis.transAxes, ha="center")
        axis.set_axis_off()
        return
    axis.set_yscale("log")
    readable_ticks(axis, "y")
    axis.xaxis.set_major_locator(ticker.MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axis.set_xlabel("epoch")
    axis.set_ylabel("loss (state²)")
    axis.set_title("loss after each epoch")
    axis.legend(loc="best", frameon=False)


def _draw_field(axis: Axes, row: dict[str, Any] | None, found: Map, colours: ScalarMappable) -> None:
    """Arrows of one length that say where, in colours that say how fast."""
    _name_axes(axis, found)
    low, high, bottom, top = select.numbers(found.shown["map_box"])
    axis.set_xlim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    axis.set_ylim(bottom - 0.05 * (top - bottom), top + 0.05 * (top - bottom))
    if row is None:
        axis.text(0.5, 0.5, "no row of the true H", transform=axis.transAxes, ha="center")
        return
    size = np.where(speed(row) > _ROUNDING * speed(row).max(), speed(row), np.inf)
    directions = (select.numbers(row[name]) / size for name in ("map_first", "map_second"))
    axis.quiver(*grid(row), *directions, color=colours.to_rgba(speed(row)), pivot="mid", scale=26, width=0.005)


def _name_axes(axis: Axes, found: Map) -> None:
    first, second = PLANES.get(found.system, ("q (position)", "p (momentum)"))
    axis.set_xlabel(first)
    axis.set_ylabel(second)


def _exhibit(found: Map, out: Path, suffix: str) -> Exhibit:
    figure = draw(found)
    files = saving.save(figure, out, stem("field", found.system, suffix))
    shown = found.shown
    caption = (
        f"{prose(found.system).capitalize()}, protocol {found.protocol}: some of the noisy states that were learned "
        f"from, the losses, and the true and the learned field of {shown['line']}, seed {shown['seed']}, in the "
        "plane of the panels, other coordinates in the middle of the box. Arrows say where, colours how fast. "
        f"Relative error of the whole field on uniformly random points: {plain(shown['field_error_ru'])}."
    )
    cells = tuple(sorted(row["cell_id"] for row in (shown, found.truth) if row))
    return Exhibit(
        f"Data, loss and field, {prose(found.system)}, protocol {found.protocol}", caption, files, cells=cells
    )
