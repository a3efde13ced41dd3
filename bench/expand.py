"""From a grid to its cells, each made when it is asked for: a plan of a million cells holds numbers, not cells."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from pathlib import Path

import models
import systems
from bench.attempt import DEFAULT_INTEGRATOR
from bench.cell import Cell, Task, canonical, cell_ids
from bench.declarations import BadInput
from bench.fingerprint import fingerprint
from bench.grid import GRIDS, IN_PROFILES, Block, Filters, Grid
from bench.own_data import NAME as OWN
from bench.own_data import OwnData
from bench.protocol import Protocol, load_protocol, varied
from bench.recipe import Recipe, load_recipe
from bench.resources import GIB, Request
from models import gradients
from systems import integrators


@dataclass(frozen=True)
class Planned:
    """A task of the plan, or the reason why its cell is skipped."""

    task: Task
    skipped: str | None


@dataclass(frozen=True, slots=True)
class Siblings:
    """Cells that differ in their seed alone, and why they are skipped if they are."""

    cell: Cell  # the one of the first seed
    seeds: list[int]
    id_of: Callable[[int], str]  # by the seed
    fingerprint: str
    protocol: Protocol | OwnData
    recipe: Recipe | None
    timeout_s: float
    request: Request
    skipped: str | None

    def task(self, seed: int) -> Task:
        cell = replace(self.cell, seed=seed)
        where = {"timeout_s": self.timeout_s, "request": self.request}
        return Task(cell, self.id_of(seed), self.fingerprint, self.protocol, self.recipe, **where)


class Expansion:
    """The cells of a grid that the filters want, each once, in the order of the file. Raises BadInput."""

    def __init__(self, grid: Grid, filters: Filters, beside: Path, own: OwnData | None):
        self._filters = filters
        self._products = [
            product
            for number, block in enumerate(grid.cells, 1)
            for product in products_of(block, f"{grid.name}.toml: cells[{number}]", beside, own)
        ]

    def __iter__(self) -> Iterator[Planned]:
        for _, siblings, seed, _ in self.places():
            yield Planned(siblings.task(seed), siblings.skipped)

    def places(self) -> Iterator[tuple[int, Siblings, int, str]]:
        """The number of the siblings, themselves, the seed and the id of every cell."""
        seen: set[int] = set()  # of ids as numbers: half the memory
        number = 0
        for block in self._products:
            families: set[str] = set()  # one block often names the same siblings twice, by axes that do not apply
            for siblings in block:
                family = siblings.id_of(siblings.seeds[0])
                if family not in families and self._filters.admit(siblings.cell):
                    families.add(family)
                    for seed in siblings.seeds:
                        identity = siblings.id_of(seed)
                        if (key := int(identity, 16)) not in seen and self._wants(seed, identity):
                            seen.add(key)
                            yield number, siblings, seed, identity
                number += 1

    def at(self, number: int) -> Siblings:
        for block in self._products:
            if number < len(block):
                return block[number]
            number -= len(block)
        raise IndexError(number)

    def _wants(self, seed: int, identity: str) -> bool:
        seeds, ids = self._filters.seed, self._filters.cell_id
        return (not seeds or seed in seeds) and (not ids or identity in ids)


def products_of(block: Block, where: str, beside: Path, own: OwnData | None) -> list["Product"]:
    """Those of a block: one for each variation of its protocol. Raises BadInput."""
    if block.protocol == OWN and own is None:
        raise BadInput(f"{where}: runs on a user's own data: name the files, --data FILE")
    protocols = [own] if own and block.protocol == OWN else protocols_of(block, where, beside)
    with _named_in(where, "recipe"):
        recipes = [load_recipe(name, beside) for name in block.recipe]
    longest, shortest = max(block.seq_len), min(protocols, key=lambda protocol: protocol.steps)
    if block.kind == "train" and longest > shortest.steps:
        raise BadInput(
            f"{where}: key 'seq_len': a window of {longest} steps does not fit the {shortest.steps} steps of "
            f"a trajectory of protocol '{shortest.name}'"
        )
    return [Product(block, protocol, recipes) for protocol in protocols]


def protocols_of(block: Block, where: str, beside: Path) -> list[Protocol]:
    """The variations of the one that a block names. Raises BadInput."""
    with _named_in(where, "protocol"):
        protocol = load_protocol(block.protocol, beside)
    with _named_in(where, "vary"):
        return varied(protocol, block.vary)


class Product:
    """The product of the axes of a block under one protocol."""

    def __init__(self, block: Block, protocol: Protocol | OwnData, recipes: list[Recipe]):
        self.block, self.protocol = block, protocol
        self.axes = axes_of(block, self.protocol, recipes)
        self._contents = {recipe.name: canonical(recipe) for recipe in recipes}
        self._protocol_content = canonical(self.protocol)
        self._fingerprints: dict[tuple, str] = {}
        self._skips: dict[tuple, str | None] = {}

    def __len__(self) -> int:
        return prod(map(len, self.axes.values()))

    def __iter__(self) -> Iterator[Siblings]:
        return map(self._siblings, product(*self.axes.values()))

    def __getitem__(self, number: int) -> Siblings:
        values = []
        for axis in reversed(self.axes.values()):
            number, index = divmod(number, len(axis))
            values.append(axis[index])
        return self._siblings(tuple(reversed(values)))

    def _siblings(self, values: tuple) -> Siblings:
        cell, recipe, seeds = self._cell(dict(zip(self.axes, values, strict=True)))
        content = self._contents[recipe.name] if recipe else canonical(None)
        parts = cell.system, cell.model, cell.integrator, cell.gradient_mode
        if (code := self._fingerprints.get(parts)) is None:
            code = self._fingerprints[parts] = fingerprint(cell, self.protocol.rollout_integrator)
        combination = *parts, cell.preset, cell.compiled, recipe and recipe.name
        if combination not in self._skips:
            self._skips[combination] = why_skipped(cell, self.protocol, recipe)
        return Siblings(
            cell,
            seeds,
            cell_ids(cell, self._protocol_content, content),
            code,
            self.protocol,
            recipe,
            self.block.timeout_s,
            requested(cell, self.block),
            self._skips[combination],
        )

    def _cell(self, chosen: dict) -> tuple[Cell, Recipe | None, list[int]]:
        """The first of the siblings, with None where an axis does not apply; its recipe; and all their seeds."""
        learner, seeds = models.get(chosen["model"]), self.block.seed
        chosen["integrator"] = chosen["integrator"] or learner.own_integrator or DEFAULT_INTEGRATOR
        if not learner.integrates:
            chosen |= dict.fromkeys(("gradient_mode", "integrator", "start_guess")) | {"compiled": False}
        elif not integrators.get(chosen["integrator"]).takes_start_guess:
            chosen["start_guess"] = None
        if learner.fits:  # what is solved at once is solved in float64, on the CPU
            chosen |= {"recipe": None, "device": "cpu", "dtype": "float64"}
        if not learner.trainable:
            chosen |= {"preset": None, "seq_len": None, "recipe": None}
            seeds = [0]
        recipe = chosen.pop("recipe")
        names = {"protocol": self.protocol.name, "recipe": recipe and recipe.name}
        return Cell(kind=self.block.kind, seed=seeds[0], **names, **chosen), recipe, seeds


def requested(cell: Cell, block: Block) -> Request:
    """What a cell of the block asks of its node: a timed one a whole card, or else a whole node; others share."""
    share = (1.0 if cell.exclusive else block.gpu_share) if cell.device == "cuda" else 0.0
    return Request(block.cpus, int(block.memory_gib * GIB), share, alone=cell.exclusive and not share)


def axes_of(block: Block, protocol: Protocol | OwnData, recipes: list[Recipe]) -> dict[str, list]:
    """The axes of a block but the seed, the slowest first."""
    profiles = block.kind == "profile"
    return {
        "system": [protocol.label] if isinstance(protocol, OwnData) else block.system,
        "model": block.model,
        "preset": block.preset,
        "gradient_mode": block.gradient_mode,
        "integrator": block.integrator or [None],
        "start_guess": block.start_guess,
        "compiled": block.compiled,
        "seq_len": block.seq_len,
        "device": [block.device],
        "dtype": [block.dtype],
        "recipe": recipes,
        "net": block.net if profiles else [None],
        "step_size": (block.step_size or [protocol.dt]) if profiles else [None],
    }


def expand(grid: Grid, filters: Filters, beside: Path = GRIDS, own: OwnData | None = None) -> Expansion:
    return Expansion(grid, filters, beside, own)


@contextmanager
def _named_in(where: str, key: str) -> Iterator[None]:
    """Says where a name stands, if there is no such thing."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{where}: key '{key}': {error}") from error


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
