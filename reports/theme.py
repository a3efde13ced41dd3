"""How every figure looks: sizes, colours, markers."""

import textwrap
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.font import families

WIDTH = 7.0  # inches: the text width of a two-column page
_TITLE_WIDTH = 100  # characters of a figure's title in a line
Colour = tuple[float, float, float]

_PALETTE: list[Colour] = [to_rgb(colour) for colour in sns.color_palette("colorblind", 10)]
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")
_DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))

# In order of registration: a new name is added at the end, so that no colour of an old one changes.
_MODELS = (
    "fshnn",
    "shnn",
    "nssnn",
    "hnn",
    "srnn",
    "separable_hnn",
    "sampled_hnn",
    "sympflow",
    "pinn",
    "neural_ode",
    "sympnet",
    "weak_form",
    "polynomial",
    "second_order_neural_ode",
    "ode_to_ode",
    "weak_gauss_newton",
)
_OWN_COLOURS: dict[str, Colour] = {
    "constant": (0.6, 0.6, 0.6),
    "true_h": (0.1, 0.1, 0.1),
    "sympflow": to_rgb("#882255"),  # the palette's grey is for references, and its yellow has no paler variants
    "pinn": to_rgb("#117733"),
    "sympnet": to_rgb("#999933"),  # from the eleventh on the palette has no colours left
    "weak_form": to_rgb("#332288"),
    "polynomial": to_rgb("#003f5c"),
    "second_order_neural_ode": to_rgb("#aa88dd"),
    "ode_to_ode": to_rgb("#661100"),
    "weak_gauss_newton": to_rgb("#aa4499"),
}


@dataclass(frozen=True)
class Look:
    """Colour, marker and line style of one name; any two of them still tell names apart in grey."""

    colour: Colour
    marker: str
    dash: Any  # matplotlib takes a name or (offset, lengths)


COMPILED = ", compiled"  # after the name of a gradient mode

# In the order of legends and tables: exact ones, inexact ones, and in grey those that are wrong by design.
_MODES = {
    "backprop": Look(_PALETTE[1], "s", "--"),
    "checkpoint": Look(_PALETTE[3], "D", (0, (1, 1))),
    "discrete": Look(_PALETTE[0], "o", "-"),
    f"discrete{COMPILED}": Look(to_rgb("#003f5c"), ">", (0, (1, 2, 4, 2))),
    "reversible": Look(to_rgb("#332288"), "P", (0, (5, 1, 1, 1))),
    f"reversible{COMPILED}": Look(to_rgb("#aa88dd"), "h", (0, (2, 1, 1, 1))),
    "symplectic_adjoint": Look(to_rgb("#882255"), "<", (0, (8, 2))),
    "continuous": Look(_PALETTE[2], "^", "-."),
    "augmented": Look(_PALETTE[9], "v", (0, (5, 1, 1, 1, 1, 1))),
    "paper_adjoint": Look((0.35, 0.35, 0.35), "X", (0, (4, 3))),
    "paper_adjoint_code": Look((0.65, 0.65, 0.65), "p", (0, (2, 3))),
}


def mode_look(name: str) -> Look:
    """Look of a gradient mode."""
    return _MODES.get(name) or _look(name, ())


def in_mode_order(names: Iterable[str]) -> list[str]:
    """Gradient modes without repeats as legends and tables list them: registered ones, then others by name."""
    present = set(names)
    return [name for name in _MODES if name in present] + sorted(present - set(_MODES))


def in_drawing_order(modes: Sequence[str]) -> list[str]:
    """Solid lines first, that the dashes of lines which coincide with them show; of the others the first on top."""
    return sorted(reversed(modes), key=lambda mode: mode_look(mode).dash != "-")


def mode_handles(modes: Sequence[str], labels: Mapping[str, str] | None = None) -> list[Line2D]:
    """What a legend shows for gradient modes: their lines with `labels`, their names where it has none."""
    looks = {mode: mode_look(mode) for mode in modes}
    return [
        Line2D(
            [], [], color=look.colour, marker=look.marker, linestyle=look.dash, label=(labels or {}).get(mode, mode)
        )
        for mode, look in looks.items()
    ]


def model_look(name: str, variant: int = 0) -> Look:
    """Look of a model; variants (recipes, lengths) of one model are paler and have another marker."""
    look = _look(name, _MODELS)
    paleness = 1 - 0.65**variant
    colour = tuple(channel + (1 - channel) * paleness for channel in _OWN_COLOURS.get(name, look.colour))
    marker = _MARKERS[(_MARKERS.index(look.marker) + variant) % len(_MARKERS)]
    return Look((colour[0], colour[1], colour[2]), marker, look.dash)


def line_looks(lines: Sequence[tuple[str, str]]) -> dict[str, Look]:
    """Looks of the lines of a figure, given as (model, label); variants of a model count in that order."""
    seen: dict[str, int] = {}
    looks = {}
    for model, label in lines:
        looks[label] = model_look(model, seen.get(model, 0))
        seen[model] = seen.get(model, 0) + 1
    return looks


def style() -> AbstractContextManager:
    """A context in which figures are made and saved; nothing outside it is changed."""
    settings: dict[Any, Any] = {
        **sns.axes_style("whitegrid"),
        **sns.plotting_context("paper"),
        "font.family": families(),
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "figure.titlesize": 8,
        "legend.fontsize": 7,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "axes.linewidth": 0.6,
        "grid.linewidth": 0.4,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "text.parse_math": False,  # names are shown as they are, dollar signs and all
        "pdf.fonttype": 42,
        "svg.hashsalt": "hamiltonian-bench",  # names of clip paths: the same each time
    }
    return matplotlib.rc_context(settings)


def panels(rows: int, columns: int, height: float, *, shared: bool = False) -> tuple[Figure, np.ndarray]:
    """A figure of text width, `height` inches a row, and its axes, shape [rows, columns]."""
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=shared, sharey=shared)


def title(figure: Figure, text: str) -> None:
    """A title above all panels, in as many lines as it needs."""
    unbroken = text.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    figure.suptitle("\n".join(textwrap.wrap(unbroken, _TITLE_WIDTH)))


def hide(axes: Sequence[Axes]) -> None:
    """Takes panels that hold nothing out of the figure."""
    for axis in axes:
        axis.remove()


def _look(name: str, registered: tuple[str, ...]) -> Look:
    # crc32, not hash(): the same in every process
    place = registered.index(name) if name in registered else zlib.crc32(name.encode())
    return Look(_PALETTE[place % len(_PALETTE)], _MARKERS[place % len(_MARKERS)], _DASHES[place % len(_DASHES)])
