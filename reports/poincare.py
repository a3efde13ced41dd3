"""Surfaces of section: the true one beside the learned ones, within the curve that bounds what the energy allows."""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import rows as select
from reports import saving, theme
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import keep, records, where
from reports.layout import sheets
from reports.material import Material
from reports.numerals import plain
from reports.tabular import Table

TITLE = "Surfaces of section"
TRUE = "true_h"  # the model whose section is the true one, but for its integrator
_HEIGHT, _COLUMNS = 1.75, 4  # inches of a panel, and panels a row
_TITLE_WIDTH = 26  # characters of a panel's title in a line
_MEASURES = {
    "section_distance": "distance",
    "section_outside": "share outside",
    "chaotic_share": "chaotic share",
    "chaotic_exponent": "exponent (1/time)",
}
PLANES = {"henon_heiles": ("y (position)", "p_y (momentum)")}  # the two coordinates, as axes name them


@dataclass(frozen=True)
class Sections:
    """The rows of one system, protocol and energy, the true H first; `number` is the energy's in their lists."""

    system: str
    protocol: str
    energy: float
    number: int
    rows: list[dict[str, Any]]

    @property
    def title(self) -> str:
        return f"Surface of section of {prose(self.system)} at E = {plain(self.energy)}, protocol {self.protocol}"


def chapter(material: Material, out: Path) -> Chapter:
    """Writes poincare_SYSTEM_E=ENERGY.png, .pdf, .md, .tex and .csv; several protocols stand in the names."""
    found = list(sections(material))
    several = len({one.protocol for one in found}) > 1
    exhibits = tuple(exhibit for one in found for exhibit in _exhibits(one, out, one.protocol if several else ""))
    lacking = dict.fromkeys((one.system, one.protocol) for one in found if one.rows[0]["model"] != TRUE)
    missing = tuple(
        f"no row of {TRUE} with a section of {system}, protocol {name}: the true section is not drawn"
        for system, name in lacking
    )
    return Chapter(TITLE, exhibits, missing if found else ("no ok row with a surface of section: none drawn",))


def sections(material: Material) -> Iterator[Sections]:
    """What has points on a section, one line once: of several seeds the first."""
    for name, lined in material.lined.items():
        having = select.ok(keep(lined, lined["section_energies"].notna()))
        for system in select.systems(having):
            own = records(where(having, system=system))
            first = {row["line"]: row for row in sorted(own, key=lambda row: row["seed"], reverse=True)}
            chosen = [first[line] for line in sorted(first, key=lambda line: (line != TRUE, line))]
            for number, energy in enumerate(select.numbers(chosen[0]["section_energies"]) if chosen else ()):
                yield Sections(system, name, float(energy), number, chosen)


def draw(found: Sections) -> Figure:
    """One panel a line, all with the same axes; the boundary of the true energy in each."""
    count = len(found.rows)
    columns = min(_COLUMNS, count)
    with theme.style():
        figure, axes = theme.panels(math.ceil(count / columns), columns, _HEIGHT, shared=True)
        several = len({row["model"] for row in found.rows}) < count  # lines of one model, told apart by their labels
        for axis, row in zip(axes.flat, found.rows, strict=False):
            _draw_panel(axis, row, found.number)
            name = "true" if row["model"] == TRUE else row["line" if several else "model"]
            axis.set_title(textwrap.fill(name, _TITLE_WIDTH))
        theme.hide(list(axes.flat[count:]))
        first, second = PLANES.get(found.system, ("first coordinate (state)", "second coordinate (state)"))
        for place, axis in enumerate(axes.flat[:count]):
            axis.tick_params(labelbottom=place + columns >= count)  # the lowest of its column
            axis.set_xlabel(first if place + columns >= count else "")
            axis.set_ylabel(second if place % columns == 0 else "")
        return figure


def _draw_panel(axis: Axes, row: dict[str, Any], number: int) -> None:
    first, second = points(row, number)
    colour = theme.model_look(row["model"]).colour
    axis.plot(first, second, linestyle="none", marker=".", markersize=1.2, markeredgewidth=0, color=colour)
    axis.plot(*edge(row, number), color="black", linewidth=0.7)
    width, height = np.ptp(edge(row, number)[0]), np.ptp(edge(row, number)[1])
    middle = np.mean([edge(row, number)[0].min(), edge(row, number)[0].max()])
    axis.set_xlim(middle - 0.65 * width, middle + 0.65 * width)
    axis.set_ylim(-0.65 * height, 0.65 * height)  # what lies further out is counted in the table


def points(row: dict[str, Any], number: int) -> tuple[np.ndarray, np.ndarray]:
    """The points of a row at an energy."""
    own = select.numbers(row["section_number"]) == number
    return select.numbers(row["section_first"])[own], select.numbers(row["section_second"])[own]


def edge(row: dict[str, Any], number: int) -> tuple[np.ndarray, np.ndarray]:
    """The boundary of what an energy allows."""
    count = len(select.numbers(row["section_energies"]))
    first, second = (select.numbers(row[name]).reshape(count, -1)[number] for name in ("edge_first", "edge_second"))
    return first, second


def table(found: Sections) -> pd.DataFrame:
    """A row a line: its distance from the true section, what is outside, and how chaotic its orbits are."""
    return pd.DataFrame(
        [
            {"system": found.system, "energy": found.energy, "line": row["line"], "seed": row["seed"]}
            | {name: _entry(row, name, found.number) for name in _MEASURES}
            | {"long_escape_share": row["long_escape_share"], "cell_ids": row["cell_id"]}
            for row in found.rows
        ]
    )


def _entry(row: dict[str, Any], name: str, number: int) -> float:
    values = select.numbers(row[name])
    return float(values[number]) if number < values.size else np.nan


def _exhibits(found: Sections, out: Path, suffix: str) -> list[Exhibit]:
    name = stem("poincare", found.system, f"E={plain(found.energy)}", suffix)
    caption = (
        "Points at which free rollouts from equal true starts cross the section, and the curve beyond which the true "
        "energy allows none. Distance: half the sum of the differences of two histograms, of these points and of "
        "those of the reference, 0 for equal and 1 for disjoint ones; the true H shows how much of it is chance on "
        "chaotic motion. Chaotic: orbits whose largest Lyapunov exponent exceeds 0.015, and the median exponent of "
        "those."
    )
    data = table(found)
    shown = {**_MEASURES, "long_escape_share": "escapes (all energies)"}
    lines = [[row["line"], *(plain(row[measure]) for measure in shown)] for row in records(data)]
    texts = Table(found.title, caption, ("model", *shown.values()), lines).publish(out, name, data, ids(data))
    first, *others = _pictures(found, caption, out, name)
    return [replace(texts, files=(*first.files, *texts.files)), *others]


def _pictures(found: Sections, caption: str, out: Path, name: str) -> Iterator[Exhibit]:
    for sheet in sheets(found.rows, _HEIGHT, _COLUMNS):
        files = saving.save(draw(replace(found, rows=sheet.entries)), out, stem(name, sheet.suffix))
        cells = tuple(sorted(row["cell_id"] for row in sheet.entries))
        yield Exhibit(found.title + sheet.words, caption, files, cells=cells)
