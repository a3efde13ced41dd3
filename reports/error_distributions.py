"""Figures V to VII: distributions of |H_pred - H_true| on the three test sets, one figure a system."""

import textwrap
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from scipy import stats

from bench.schema import QUANTILES, TEST_SETS
from reports import rows as select
from reports import saving, theme
from reports.error_markdown import HEADINGS
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import column, distinct_pairs, groups, keep, narrow, otherwise, where
from reports.log_axes import power_ticks
from reports.long_form import long_form
from reports.material import Material

TITLE = "Distributions of |H_pred - H_true| (Figures V to VII)"
_ENOUGH = 4000  # samples of a violin: they cost time, and more of them change nothing that is seen
_GRID, _HALF = 100, 0.425  # points at which its density is drawn, and half its width; lines are 1 apart
_LABEL_WIDTH = 30  # characters in a line of a label
_NEEDED = [*select.LINED, "status", "validation_loss", *(f"h_quantiles_{name}" for name in TEST_SETS)]


def chapter(material: Material, out: Path) -> Chapter:
    """Writes h_errors_SYSTEM.png and .pdf into `out`; several protocols stand in the names."""
    names = list(material.simulated)
    exhibits, missing = [], []
    for name, lined in material.simulated.items():
        drawn_from = narrow(lined, _NEEDED)
        for system in select.systems(drawn_from):
            own = where(drawn_from, system=system)
            shown, left_out = select.drawn(select.ok(own), "h_quantiles_ru")
            drawn = errors(shown)
            if drawn.empty:
                missing.append(f"no ok row of {system} with quantiles, protocol {name}: distribution not drawn")
            else:
                suffix = name if len(names) > 1 else ""
                exhibits.append(_exhibit(drawn, system, name, out, suffix, select.room(left_out)))
    if not names:
        missing.append("no train rows: distributions of the errors of H not drawn")
    return Chapter(TITLE, tuple(exhibits), tuple(missing))


def errors(rows: pd.DataFrame) -> pd.DataFrame:
    """Long form: the quantiles as samples, `error` > 0, with `model`, `line`, `seed` and `test_set`.

    The smallest and the largest error are left out: as samples they would weigh as much as half a per cent
    of the set. true_h is left out too: its errors are rounding. Of a line of many seeds each gives every k-th
    quantile, begun one later from seed to seed, so that together they give all.
    """
    known = otherwise(rows, "model", "true_h")
    lines = cast(Any, known).groupby("line")["seed"]
    every = np.ceil(lines.transform("size") * QUANTILES / _ENOUGH).astype(int)
    within = [slice(1 + seed % step, -1, step) for seed, step in zip(lines.cumcount(), every, strict=True)]

    def samples_of(test_set: str) -> pd.DataFrame:
        quantiles = zip(known[f"h_quantiles_{test_set}"], within, strict=True)
        return long_form(known, error=[select.numbers(own)[part] for own, part in quantiles])

    samples = pd.concat([samples_of(name).assign(test_set=name) for name in TEST_SETS], ignore_index=True)
    return keep(samples, (samples["error"] > 0) & np.isfinite(samples["error"]))


def draw(samples: pd.DataFrame, system: str) -> Figure:
    """One panel a test set; a violin a line: its density on the logarithmic axis, and its quartiles."""
    lines = sorted(distinct_pairs(samples, "model", "line"), key=lambda pair: (pair[0] != "constant", *pair))
    order = [line for _, line in lines]
    looks = theme.line_looks(lines)
    with theme.style():
        figure, axes = theme.panels(1, len(TEST_SETS), height=1.1 + 0.42 * len(order), shared=True)
        for axis, test_set in zip(axes[0], TEST_SETS, strict=True):
            _draw_panel(axis, where(samples, test_set=test_set), order, looks)
            axis.set_title(HEADINGS[test_set])
        figure.supxlabel("|H_pred - H_true| (units of H)", fontsize=8)
        figure.suptitle(prose(system))
        return figure


def _draw_panel(axis: Axes, samples: pd.DataFrame, order: list[str], looks: dict[str, theme.Look]) -> None:
    axis.set_xscale("log")
    power_ticks(axis, "x")
    axis.grid(visible=False, axis="y")
    axis.set_yticks(range(len(order)), [textwrap.fill(line, _LABEL_WIDTH) for line in order])
    axis.set_ylim(len(order) - 0.5, -0.5)
    if samples.empty:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center")
        return
    shown = [
        (line, *_violin(column(own, "error").to_numpy(), order.index(line)))
        for (line,), own in groups(samples, ["line"])
    ]
    lines, outlines, quartiles = zip(*shown, strict=True)
    colours = [looks[line].colour for line in lines]
    edges = ["0.25" if len(own) else colour for own, colour in zip(quartiles, colours, strict=True)]
    # one artist of each kind: one a violin takes longer than its density
    axis.add_collection(PolyCollection(outlines, facecolors=colours, edgecolors=edges, linewidths=0.6))
    bars = np.concatenate(quartiles)
    axis.add_collection(LineCollection(list(bars), colors="white", linewidths=0.9, linestyles="dashed"))
    axis.autoscale_view(scaley=False)


def _violin(errors: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners (k, 2) of the kernel density of log10 of the errors, and a bar (2, 2) for each of their quartiles.

    At its largest it is as wide as all others. Of one error alone it is a line, without quartiles.
    """
    logs = np.log10(errors)
    if np.unique(logs).size < 2:
        return _bars(errors[:1], place, np.full(1, _HALF))[0], np.empty((0, 2, 2))
    at = np.linspace(logs.min(), logs.max(), _GRID)
    density = stats.gaussian_kde(logs)(at)
    half = _HALF * density / density.max()
    quartiles = np.quantile(logs, [0.25, 0.5, 0.75])
    lower, upper = _bars(10**at, place, half).transpose(1, 0, 2)
    return np.concatenate([lower, upper[::-1]]), _bars(10**quartiles, place, np.interp(quartiles, at, half))


def _bars(at: np.ndarray, place: int, half: np.ndarray) -> np.ndarray:
    """The ends (k, 2, 2) of bars across `place`, so long to each side, at so many places on the logarithmic axis."""
    return np.stack([np.stack([at, place + side * half], axis=1) for side in (-1, 1)], axis=1)


def _exhibit(samples: pd.DataFrame, system: str, protocol: str, out: Path, suffix: str, note: str) -> Exhibit:
    figure = draw(samples, system)
    files = saving.save(figure, out, stem("h_errors", system, suffix))
    seeds = samples.groupby("line")["seed"].nunique()
    counts = ", ".join(f"{line}: {count}" for line, count in seeds.items())
    caption = (
        f"{prose(system).capitalize()}, protocol {protocol}: density of |H_pred - H_true| on the logarithmic "
        f"axis, between the 0.5 % and the 99.5 % quantile, seeds pooled ({counts}). Lines within: quartiles. "
        f"true_h is not drawn: its errors are rounding.{note}"
    )
    return Exhibit(f"Errors of H, {prose(system)}, protocol {protocol}", caption, files, cells=ids(samples))
