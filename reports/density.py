"""Densities that flows learned of toy sets (`bench.studies.density`), beside the true ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import saving, theme
from reports.exhibit import Exhibit, prose
from reports.frames import column, distinct, groups, keep, otherwise, records, where
from reports.numerals import plain
from reports.tabular import Table

TITLE = "Densities learned by flows"
REACH = 4.0  # of the square that the rows' densities cover
_POINTS_SHOWN = 1000
_DRAWN = (
    "Points of toy densities, the true density, and what continuous normalising flows learned of the points, all "
    "of a line on one scale of shades."
)
PANELS = {
    ("free", "exact"): "free field,\nexact trace",
    ("free", "hutchinson"): "free field,\nHutchinson's trace",
    ("hamiltonian", "exact"): "Hamiltonian field,\nexact trace",
}


def exhibits(rows: pd.DataFrame, out: Path) -> list[Exhibit]:
    """Writes density.png, .pdf, .md, .tex and .csv from the study's rows."""
    figure = draw(rows)
    pictures = saving.save(figure, out, "density")
    texts = table(rows).publish(out, "density", data(rows), ())
    return [replace(texts, caption=f"{_DRAWN} {texts.caption}", files=(*pictures, *texts.files))]


def endings(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of finished trainings and of the truth: those that hold a density."""
    return keep(rows, column(rows, "log_density").notna())


def draw(rows: pd.DataFrame) -> Figure:
    """A line a density: points of it, the true density, and what each flow learned, on one scale of shades."""
    finished = endings(rows)
    names = distinct(finished, "density")
    with theme.style():
        figure, axes = theme.panels(len(names), 2 + len(PANELS), height=1.75)
        for line, name in zip(axes, names, strict=True):
            own = {(row["flow"], row["trace"]): row for row in records(where(finished, density=name))}
            (truth,) = records(where(finished, density=name, flow="truth"))
            brightest = np.exp(np.max(truth["log_density"]))
            _scatter(line[0], np.reshape(truth["points"], (-1, 2))[:_POINTS_SHOWN], prose(name))
            _shade(line[1], truth["log_density"], brightest, "true density")
            for axis, (flow, label) in zip(line[2:], PANELS.items(), strict=True):
                row = own[flow]
                _shade(axis, row["log_density"], brightest, f"{label}\nKL = {row['kl']:.2f} nats")
        for axis in axes[-1]:
            axis.set_xlabel("x₁ (dimensionless)")
        for axis in axes[:, 0]:
            axis.set_ylabel("x₂ (dimensionless)")
        return figure


def _scatter(axis: Axes, points: np.ndarray, label: str) -> None:
    axis.plot(*points.T, linestyle="none", marker=".", markersize=1, color="0.25", rasterized=True)
    _finish(axis, label)


def _shade(axis: Axes, log_density: list[float], brightest: float, label: str) -> None:
    side = round(len(log_density) ** 0.5)
    shades = np.exp(np.reshape(log_density, (side, side))).T
    extent = (-REACH, REACH, -REACH, REACH)
    axis.imshow(shades, origin="lower", extent=extent, vmin=0, vmax=brightest, cmap="cividis")
    _finish(axis, label)


def _finish(axis: Axes, label: str) -> None:
    axis.set_title(label)
    axis.set_aspect("equal")
    axis.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xticks=(-REACH, 0, REACH), yticks=(-REACH, 0, REACH))
    axis.grid(visible=False)


def data(rows: pd.DataFrame) -> pd.DataFrame:
    """What each flow ended with: `kl` (nats), `mass`, seconds of training; the least KL of areas kept."""
    trained = otherwise(endings(rows), "flow", "truth")
    truths = {truth["density"]: truth["log_density"] for truth in records(where(rows, flow="truth"))}
    return pd.DataFrame(
        {**{name: row[name] for name in ("density", "flow", "trace", "iteration", "seed", "kl")},
         "mass": mass(row["log_density"]), "seconds": row["seconds"],
         "least_kl_of_areas_kept": least_divergence(truths[row["density"]]), "run_id": row["run_id"]}
        for row in records(trained)
    )  # fmt: skip


def table(rows: pd.DataFrame) -> Table:
    """The same as text."""
    found = data(rows)
    caption = (
        "KL: of the true density and that of a continuous normalising flow, on unseen points in nats, 0 at best. "
        f"Mass: in the square of half width {REACH:g}, above 1 where the flow is solved too coarsely to have a "
        "density. Seconds: of training."
    )
    lines = [
        [prose(row["density"]), row["flow"], row["trace"], *(plain(row[name]) for name in ("kl", "mass", "seconds"))]
        for row in records(found)
    ]
    floors = ", ".join(
        f"{plain(least)} ({prose(str(name))})"
        for (name, least), _ in groups(found, ["density", "least_kl_of_areas_kept"])
    )
    note = f"The flow of a Hamiltonian field keeps areas. No such flow of a normal density has a KL below {floors}."
    headings = ("density", "field", "trace in training", "KL", "mass", "seconds")
    return Table(TITLE, caption, headings, lines, 3, (note,))


def least_divergence(log_density: list[float]) -> float:
    """The least KL in nats from a density to the image of a normal one under a map of the plane that keeps areas.

    Such a map moves level sets, and cannot change how large they are: at best it puts the densest parts of the one on
    those of the other. About the origin a normal density at the edge of the disc of area a is exp(-a / 2 pi) / 2 pi.
    """
    densest_first, area = np.sort(log_density)[::-1], area_of_a_point(log_density)
    enclosed = area * (np.arange(len(densest_first)) + 0.5)
    normal = -enclosed / (2 * np.pi) - np.log(2 * np.pi)
    return float((area * np.exp(densest_first) * (densest_first - normal)).sum())


def mass(log_density: list[float]) -> float:
    """The integral of a density over the square."""
    return float(np.exp(log_density).sum()) * area_of_a_point(log_density)


def area_of_a_point(log_density: list[float]) -> float:
    """That of the cell of the grid around each of its points."""
    return (2 * REACH / (round(len(log_density) ** 0.5) - 1)) ** 2
