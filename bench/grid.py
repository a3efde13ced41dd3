"""Grids: named, declarative sets of cells; filters; expansion into tasks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

import models
import systems
from bench.attempt import DEFAULT_INTEGRATOR, DEFAULT_START_GUESS
from bench.cell import Cell, Task, cell_id
from bench.declarations import FOLDER, BadInput, D, Declaration, load
from bench.fingerprint import fingerprint
from bench.protocol import Protocol, load_protocol
from bench.recipe import Recipe, load_recipe
from models import gradients
from systems import integrators
from systems.integrators import start_guess_named
from systems.registry import UnknownName


def _as_list(value):
    return value if isinstance(value, list) else [value]


IN_PROFILES = frozenset({"noise-free data"})  # what a protocol offers and the window of a profile has as well
_ONE_OR_MORE = (BeforeValidator(_as_list), Field(min_length=1))  # one value alone stands for a list of one
Names = Annotated[list[str], *_ONE_OR_MORE]
Lengths = Annotated[list[PositiveInt], *_ONE_OR_MORE]
Seeds = Annotated[list[Annotated[int, Field(ge=0)]], *_ONE_OR_MORE]


class Block(Declaration):
    """The product of its axes; what does not apply to a model is left out of its cells."""

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
    recipe: Names
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["float32", "float64"] = "float32"
    compiled: Annotated[list[bool], *_ONE_OR_MORE] = Field(default=[False])
    net: Annotated[list[Literal["untrained", "fitted"]], *_ONE_OR_MORE] = Field(default=["untrained"])
    step_size: Annotated[list[PositiveFloat], *_ONE_OR_MORE] | None = None

    @model_validator(mode="after")
    def _known_names(self) -> "Block":
        for registry, chosen in (
            (systems.get, self.system),
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

    def want(self, cell: Cell) -> bool:
        """Whether every filter that applies to the cell admits it."""
        return all(
            not wanted or getattr(cell, axis) is None or getattr(cell, axis) in wanted
            for axis, wanted in vars(self).items()
        )


@dataclass(frozen=True)
class Planned:
    """A task of the plan, or the reason why its cell is skipped."""

    task: Task
    skipped: str | None


def load_grid(name: str) -> Grid:
    """A grid by name or .toml file. Raises BadInput."""
    return load(Grid, "grids", "grid", name)


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


def expand(grid: Grid, filters: Filters, beside: Path = FOLDER / "grids") -> Iterator[Planned]:
    """The grid's cells that the filters want, each once, in the order of the file. Raises BadInput."""
    seen: set[str] = set()
    for number, block in enumerate(grid.cells, 1):
        for planned in _expand_block(block, f"{grid.name}.toml: cells[{number}]", beside):
            if planned.task.cell_id not in seen and filters.want(planned.task.cell):
                seen.add(planned.task.cell_id)
                yield planned


def _expand_block(block: Block, where: str, beside: Path) -> Iterator[Planned]:
    protocol = _located(where, "protocol", load_protocol, block.protocol, beside)
    recipes = [_located(where, "recipe", load_recipe, name, beside) for name in block.recipe]
    longest = max(block.seq_len)
    if block.kind == "train" and longest > protocol.steps:
        raise BadInput(
            f"{where}: key 'seq_len': a window of {longest} steps does not fit the {protocol.steps} steps of "
            f"a trajectory of protocol '{protocol.name}'"
        )
    if block.device == "cuda" and not torch.cuda.is_available():
        raise BadInput(f"{where}: key 'device': this machine has no CUDA device")
    for cell, recipe in _cells(block, protocol, recipes):
        task = Task(
            cell, cell_id(cell, protocol, recipe), fingerprint(cell, protocol.rollout_integrator), protocol, recipe
        )
        yield Planned(task, why_skipped(cell, protocol, recipe))


def _located(where: str, key: str, load_named: Callable[[str, Path], D], name: str, beside: Path) -> D:
    """What a block names, with the place of the name in the message if there is no such thing."""
    try:
        return load_named(name, beside)
    except BadInput as error:
        raise BadInput(f"{where}: key '{key}': {error}") from error


def _cells(block: Block, protocol: Protocol, recipes: list[Recipe]) -> Iterator[tuple[Cell, Recipe | None]]:
    """The product of the axes, with None where an axis does not apply, and the recipe of each."""
    profiles = block.kind == "profile"
    axes = {
        "system": block.system,
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


def why_skipped(cell: Cell, protocol: Protocol | None = None, recipe: Recipe | None = None) -> str | None:
    """Why a cell's combination cannot run, or None if it can. What is not given rules nothing out."""
    model = models.get(cell.model)
    if reason := model.inapplicable(systems.get(cell.system)()):
        return reason
    if cell.preset is not None and cell.preset not in model.presets:
        return f"model '{cell.model}' has no preset '{cell.preset}'; it has: {', '.join(sorted(model.presets))}"
    if cell.kind == "profile" and (model.fits or not model.trainable):
        how = "is fitted at once" if model.fits else "needs no training"
        return f"the model {how}, so there is no iteration to measure"
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
        return mode.inapplicable(model, integrator)
    return None
