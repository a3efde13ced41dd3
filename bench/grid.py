"""Grids: named, declarative sets of cells; and filters, which say what of a grid is wanted."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

import models
import systems
from bench.attempt import DEFAULT_START_GUESS
from bench.cell import Cell
from bench.declarations import FOLDER, BadInput, Declaration, load
from bench.own_data import NAME as OWN
from bench.resources import SHARES
from models import gradients
from systems import integrators
from systems.integrators import start_guess_named
from systems.registry import UnknownName


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _share(value: float) -> float:
    if value not in SHARES:
        raise ValueError(f"a card is shared in parts of {', '.join(f'{share:g}' for share in SHARES)}, not {value:g}")
    return value


IN_PROFILES = frozenset({"noise-free data"})  # what a protocol offers and the window of a profile has as well
GRIDS = FOLDER / "grids"
DEFAULT_TIMEOUT_S = 3600.0
_ONE_OR_MORE = (BeforeValidator(_as_list), Field(min_length=1))  # one value alone stands for a list of one
Names = Annotated[list[str], *_ONE_OR_MORE]
Lengths = Annotated[list[PositiveInt], *_ONE_OR_MORE]
Share = Annotated[float, AfterValidator(_share)]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], *_ONE_OR_MORE]


class Block(Declaration):
    """The product of its axes; what does not apply to a model is left out of its cells.

    The system "all" stands for every one. `vary` gives other values for keys of the protocol, each one more axis.
    `cpus`, `memory_gib` and `gpu_share` are what each cell asks of its node; but a timed one has a whole card, or
    else all processors of a node.
    "own_data" is both the system and the protocol of the data that --data names.
    """

    kind: Literal["train", "profile"] = "train"
    system: Names
    model: Names
    gradient_mode: Names = Field(default=["discrete"])
    preset: Names = Field(default=["paper"])
    integrator: Names | None = None  # without it, each model's own
    start_guess: Names = Field(default=[DEFAULT_START_GUESS])
    seq_len: Lengths
    seed: Seeds
    protocol: str
    vary: dict[str, Annotated[list[Any], *_ONE_OR_MORE]] = Field(default={})
    recipe: Names
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float32", "float64"] = "float32"
    compiled: Annotated[list[bool], *_ONE_OR_MORE] = Field(default=[False])
    net: Annotated[list[Literal["untrained", "fitted"]], *_ONE_OR_MORE] = Field(default=["untrained"])
    step_size: Annotated[list[PositiveFloat], *_ONE_OR_MORE] | None = None
    timeout_s: PositiveFloat = DEFAULT_TIMEOUT_S  # of each cell
    cpus: PositiveFloat = 1.0
    memory_gib: PositiveFloat = 1.0
    gpu_share: Share = 0.25  # of a card, where the device is one

    @field_validator("system", mode="before")
    @classmethod
    def _every_system(cls, value):
        return systems.names() if value in ("all", ["all"]) else value

    @model_validator(mode="after")
    def _known_names(self) -> "Block":
        if OWN in (*self.system, self.protocol) and {OWN} != {*self.system, self.protocol}:
            raise ValueError(f"'{OWN}' stands for both the system and the protocol, and for nothing else beside them")
        if self.protocol == OWN and self.vary:
            raise ValueError(f"nothing of '{OWN}' can be varied")
        for registry, chosen in (
            (systems.get, [name for name in self.system if name != OWN]),
            (models.get, self.model),
            (gradients.get, self.gradient_mode),
            (integrators.get, self.integrator or []),
            (start_guess_named, self.start_guess),
        ):
            for name in chosen:
                registry(name)  # raises UnknownName, a ValueError, with the valid names
        if self.kind == "train" and (self.step_size or self.net != ["untrained"]):
            raise ValueError("net and step_size are for cells of kind 'profile'")
        return self


class Grid(Declaration):
    """A named set of cells: blocks, each the product of its axes."""

    description: str = ""
    cells: Annotated[list[Block], Field(min_length=1)]


@dataclass(frozen=True)
class Filters:
    """What of a grid is wanted; an empty tuple wants everything."""

    system: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    preset: tuple[str, ...] = ()
    gradient_mode: tuple[str, ...] = ()
    seq_len: tuple[int, ...] = ()
    seed: tuple[int, ...] = ()
    cell_id: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()

    def admit(self, cell: Cell) -> bool:
        """Whether every filter that applies to the cell, whatever its seed and id, admits it."""
        return all(
            not wanted or getattr(cell, axis) is None or getattr(cell, axis) in wanted
            for axis, wanted in vars(self).items()
            if axis not in ("seed", "cell_id")
        )


def load_grid(name: str) -> Grid:
    """A grid by name or .toml file. Raises BadInput."""
    return load(Grid, "grids", "grid", name)


def beside(name: str) -> Path:
    """The folder in which the files lie that a grid of this name, or in this .toml file, names."""
    return Path(name).parent if name.endswith(".toml") else GRIDS


def with_timeout(grid: Grid, seconds: float) -> Grid:
    """The grid with another time limit for every cell."""
    blocks = [block.model_copy(update={"timeout_s": seconds}) for block in grid.cells]
    return grid.model_copy(update={"cells": blocks})


def check_filters(filters: Filters) -> None:
    """Raises BadInput for a name that nothing carries, or a number that is none."""
    try:
        for registry, chosen in (
            (systems.get, filters.system),
            (models.get, filters.model),
            (preset_named, filters.preset),
            (gradients.get, filters.gradient_mode),
        ):
            for name in chosen:
                registry(name)
    except UnknownName as error:
        raise BadInput(str(error)) from error


def preset_named(name: str) -> str:
    """The name, if a model has a preset of it. Raises UnknownName."""
    known = {preset for model in models.names() for preset in models.get(model).presets}
    if name not in known:
        raise UnknownName("preset", name, sorted(known))
    return name
