"""Which measurements share a figure, and which panel of it each one has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports import theme
from reports.scaling_points import SETTINGS, Scaling, in_short, in_words

_IDENTITY = ("system", *SETTINGS)
Panel = tuple[str, list[Scaling]]  # its title, and what is drawn in it
Grid = list[list[Panel | None]]  # by row; None where nothing was measured


@dataclass(frozen=True)
class Family:
    """Measurements that share a figure: equal in all of system and SETTINGS that its panels do not tell apart."""

    name: str  # what sets it apart from other families, for file names; empty where there are none
    title: str  # what its members have in common
    members: list[Scaling]


def families(measured: Sequence[Scaling], apart: Sequence[str]) -> list[Family]:
    """Splits measurements; within a family only the columns `apart` differ."""
    outside = [name for name in _IDENTITY if name not in apart]
    found: dict[tuple[str, ...], list[Scaling]] = {}
    for scaling in measured:
        found.setdefault(_key(scaling, outside), []).append(scaling)
    varying = [name for place, name in enumerate(outside) if len({key[place] for key in found}) > 1]
    unsaid = {"protocol", "recipe"} - set(varying)
    return [
        Family(
            "_".join(filter(None, (in_short(name, own[0].identity[name]) for name in varying))),
            _words(own[0], [name for name in _shared(own) if name not in unsaid]),
            own,
        )
        for own in found.values()
    ]


def panels(family: Family, columns: str, rows: Sequence[str], widest: int) -> Grid:
    """A grid of panels: values of `columns` across, at most `widest` a row, combinations of `rows` down.

    Members that neither tells apart share a panel. None where a combination was not measured.
    """
    found: dict[tuple, list[Scaling]] = {}
    for member in family.members:
        found.setdefault((_key(member, [columns]), _key(member, rows)), []).append(member)
    across = list(dict.fromkeys(column for column, _ in found))
    down = sorted({row for _, row in found})
    chunks = [across[start : start + widest] for start in range(0, len(across), widest)]
    grid = [[found.get((place, row)) for place in chunk] for row in down for chunk in chunks]
    said = [name for name in (columns, *rows) if name not in _shared(family.members)]
    titled = [[(_title(own[0], columns, said), own) if own else None for own in line] for line in grid]
    return [line + [None] * (len(chunks[0]) - len(line)) for line in titled]


def members(grid: Grid) -> list[Scaling]:
    """What is drawn in any of its panels."""
    return [member for line in grid for entry in line if entry for member in entry[1]]


def draw(grid: Grid, height: float, panel: Callable[[Axes, list[Scaling]], None]) -> Figure:
    """A figure with a titled panel for each of the grid; call it within theme.style()."""
    figure, axes = theme.panels(len(grid), len(grid[0]), height)
    for axis, entry in zip(axes.flat, (entry for line in grid for entry in line), strict=True):
        if entry is None:
            theme.hide([axis])
            continue
        title, members = entry
        panel(axis, members)
        axis.set_title(title)
    return figure


def _key(scaling: Scaling, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(in_short(name, scaling.identity[name]) for name in names)


def _shared(members: Sequence[Scaling]) -> list[str]:
    """The columns in which they are equal."""
    return [name for name in _IDENTITY if len({_key(member, [name]) for member in members}) == 1]


def _title(member: Scaling, columns: str, said: Sequence[str]) -> str:
    """What sets a panel apart, its row's part in a line of its own; the rest is in the figure's title."""
    parts = [name for name in said if name == columns], [name for name in said if name != columns]
    return "\n".join(filter(None, (_words(member, part) for part in parts)))


def _words(member: Scaling, names: Sequence[str]) -> str:
    return ", ".join(filter(None, (in_words(name, member.identity[name]) for name in names)))
