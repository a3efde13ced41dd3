"""Grids: named, declarative sets of cells; filters; expansion into tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, field_validator, model_validator

import models
import systems
from bench.attempt import DEFAULT_INTEGRATOR, DEFAULT_START_GUESS
from bench.cell import Cell, Task, cell_id
from bench.declarations import FOLDER, BadInput, D, Declaration, load
from bench.fingerprint import fingerprint
from bench.own_data import NAME as OWN
from bench.own_data import OwnData
from bench.protocol import Protocol, load_protocol, varied
from bench.recipe import Recipe, load_recipe
from models import gradients
from systems import integrators
from systems.integrators import start_guess_named
from systems.registry import UnknownName


def _as_list(value):
    return value if isinstance(value, list) else [value]


IN_PROFILES = frozenset({"noise-free data"})  # what a protocol offers and the window of a profile has as well
DEFAULT_TIMEOUT_S = 3600.0
_ONE_OR_MORE = (BeforeValidator(_as_list), Field(min_length=1))  # one value alone stands for a list of one
Names = Annotated[list[str], *_ONE_OR_MORE]
Lengths = Annotated[list[PositiveInt], *_ONE_OR_MORE]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], *_ONE_OR_MORE]


class Block(Declaration):
    """The product of its axes; what does not apply to a model is left out of its cells.

    The system "all" stands for every one. `vary` gives other values for keys of the protocol, each one more axis.
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
    gradient_mode: tuple[str, ...] = ()
    seq_len: tuple[int, ...] = ()
    seed: tuple[int, ...] = ()
    cell_id: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()

    def want(self, task: Task) -> bool:
        """Whether every filter that applies to the task's cell admits it."""
        values = vars(task.cell) | {"cell_id": task.cell_id}
        return all(
            not wanted or values[axis] is None or values[axis] in wanted for axis, wanted in vars(self).items()
        )


@dataclass(frozen=True)
class Planned:
    """A task of the plan, or the reason why its cell is skipped."""

    task: Task
    skipped: str | None


def load_grid(name: str) -> Grid:
    """A grid by name or .toml file. Raises BadInput."""
    return load(Grid, "grids", "grid", name)


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
            (gradients.get, filters.gradient_mode),
        ):
            for name in chosen:
                registry(name)
    except UnknownName as error:
        raise BadInput(str(error)) from error


def expand(
    grid: Grid, filters: Filters, beside: Path = FOLDER / "grids", own: OwnData | None = None
) -> Iterator[Planned]:
    """The grid's cells that the filters want, each once, in the order of the file. Raises BadInput."""
    seen: set[str] = set()
    for number, block in enumerate(grid.cells, 1):
        for planned in _expand_block(block, f"{grid.name}.toml: cells[{number}]", beside, own):
            if planned.task.cell_id not in seen and filters.want(planned.task):
                seen.add(planned.task.cell_id)
                yield planned


def _expand_block(block: Block, where: str, beside: Path, own: OwnData | None) -> Iterator[Planned]:
    if block.protocol == OWN and own is None:
        raise BadInput(f"{where}: runs on a user's own data: name the files, --data FILE")
    protocols = [own] if own and block.protocol == OWN else _protocols(block, where, beside)
    recipes = [_located(where, "recipe", load_recipe, name, beside) for name in block.recipe]
    longest, shortest = max(block.seq_len), min(protocols, key=lambda protocol: protocol.steps)
    if block.kind == "train" and longest > shortest.steps:
        raise BadInput(
            f"{where}: key 'seq_len': a window of {longest} steps does not fit the {shortest.steps} steps of "
            f"a trajectory of protocol '{shortest.name}'"
        )
    for protocol in protocols:
        for cell, recipe in _cells(block, protocol, recipes):
            identity = cell_id(cell, protocol, recipe)
            task = Task(cell, identity, fingerprint(cell), protocol, recipe, timeout_s=block.timeout_s)
            yield Planned(task, why_skipped(cell, protocol, recipe))


def _protocols(block: Block, where: str, beside: Path) -> list[Protocol]:
    """What the block names, in all its variations."""
    protocol = _located(where, "protocol", load_protocol, block.protocol, beside)
    try:
        return varied(protocol, block.vary)
    except BadInput as error:
        raise BadInput(f"{where}: key 'vary': {error}") from error


def _located(where: str, key: str, load_named: Callable[[str, Path], D], name: str, beside: Path) -> D:
    """What a block names, with the place of the name in the message if there is no such thing."""
    try:
        return load_named(name, beside)
    except BadInput as error:
        raise BadInput(f"{where}: key '{key}': {error}") from error


def _cells(block: Block, protocol: Protocol | OwnData, recipes: list[Recipe]) -> Iterator[tuple[Cell, Recipe | None]]:
    """The product of the axes, with None where an axis does not apply, and the recipe of each."""
    profiles = block.kind == "profile"
    axes = {
        "system": [protocol.label] if isinstance(protocol, OwnData) else block.system,
        "model": block.model,
        "preset": block.preset,
        "gradient_mode": block.gradient_mode,
        "integrator": block.integrator or [None],
        "start_guess": block.start_guess,
        "compiled": block.compiled,
        "seq_len": block.seq_len,
        "seed": block.seed,
        "device": [block.device],
        "dtype": [block.dtype],
        "recipe": recipes,
        "net": block.net if profiles else [None],
        "step_size": (block.step_size or [protocol.dt]) if profiles else [None],
    }
    for values in product(*axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        learner = models.get(chosen["model"])
        chosen["integrator"] = chosen["integrator"] or learner.own_integrator or DEFAULT_INTEGRATOR
        if not learner.integrates:
            chosen |= dict.fromkeys(("gradient_mode", "integrator", "start_guess")) | {"compiled": False}
        elif not integrators.get(chosen["integrator"]).takes_start_guess:
            chosen["start_guess"] = None
        if learner.fits:  # what is solved at once is solved in float64, on the CPU
            chosen |= {"recipe": None, "device": "cpu", "dtype": "float64"}
        if not learner.trainable:
            chosen |= {"preset": None, "seq_len": None, "seed": 0, "recipe": None}
        recipe = chosen.pop("recipe")
        names = {"protocol": protocol.name, "recipe": recipe and recipe.name}
        yield Cell(kind=block.kind, **names, **chosen), recipe


def why_skipped(cell: Cell, protocol: Protocol | OwnData | None = None, recipe: Recipe | None = None) -> str | None:
    """Why a cell's combination cannot run, or None if it can. What is not given rules nothing out."""
    model = models.get(cell.model)
    if cell.preset is not None and cell.preset not in model.presets:
        return f"model '{cell.model}' has no preset '{cell.preset}'; it has: {', '.join(sorted(model.presets))}"
    system = protocol.system(cell.system) if protocol else systems.get(cell.system)()
    if reason := model.inapplicable(system, cell.preset or "paper"):
        return reason
    if cell.kind == "profile" and isinstance(protocol, OwnData):
        return "iterations are measured on systems that are simulated"
    if cell.kind == "profile" and (model.fits or not model.trainable):
        how = "is fitted at once" if model.fits else "needs no training"
        return f"the model {how}, so there is no iteration to measure"
    if isinstance(protocol, Protocol) and (fault := protocol.noise_fault(system)):
        return fault
    irregular = protocol if protocol and protocol.irregular and cell.kind == "train" else None
    if irregular and cell.preset and not model.takes_times(cell.preset):
        return f"needs a fixed step: protocol '{irregular.name}' has none"
    if protocol and cell.preset and (missing := model.needs(cell.preset) - protocol.offers):
        return f"needs {' and '.join(sorted(missing))}: protocol '{protocol.name}' has none"
    if cell.kind == "profile" and cell.preset and (missing := model.needs(cell.preset) - IN_PROFILES):
        return f"needs {' and '.join(sorted(missing))}: the window of a measured iteration has none"
    if recipe and recipe.start and not model.integrates:
        return f"recipe '{recipe.name}' optimises start states, and the model's loss has none"
    if cell.gradient_mode and cell.integrator:
        mode, integrator = gradients.get(cell.gradient_mode), integrators.get(cell.integrator)
        if cell.compiled and not mode.compiles:
            return f"gradient mode '{cell.gradient_mode}' has nothing to compile"
        if irregular and not mode.takes_times:
            return f"gradient mode '{cell.gradient_mode}' needs a fixed step: protocol '{irregular.name}' has none"
        return mode.inapplicable(model, integrator)
    return None
