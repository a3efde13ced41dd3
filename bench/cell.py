"""The unit of work, and its identity."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bench.declarations import Declaration
from bench.own_data import OwnData
from bench.protocol import Protocol
from bench.recipe import Recipe
from bench.resources import Request
from systems.base import System

_HERE, _PROTOCOL, _RECIPE = "<seed>", "<protocol>", "<recipe>"  # no name holds any of them
_CANONICAL = json.JSONEncoder(sort_keys=True)


@dataclass(frozen=True)
class Cell:
    """One system x model x gradient mode x sequence length x seed under a protocol and a recipe.

    What does not apply (a gradient mode to a model that integrates nothing) is None; `preset` says which size of
    the model, `compiled` whether its gradient mode is to be compiled; `net` and `step_size` say which parameters and
    which h a profile cell measures.
    """

    kind: Literal["train", "profile"]
    system: str
    model: str
    gradient_mode: str | None
    integrator: str | None
    start_guess: str | None
    seq_len: int | None
    seed: int
    protocol: str
    recipe: str | None
    device: str = "cpu"
    dtype: str = "float32"
    net: Literal["untrained", "fitted"] | None = None
    step_size: float | None = None
    preset: str | None = "paper"
    compiled: bool = False

    @property
    def label(self) -> str:
        """The cell in one line, for people."""
        mode = f"{self.gradient_mode} (compiled)" if self.compiled else self.gradient_mode
        size = None if self.preset == "paper" else self.preset
        parts = (self.kind, self.system, self.model, size, mode, self.recipe)
        length = f"N={self.seq_len}" if self.seq_len else None
        return " ".join(str(part) for part in (*parts, length, f"seed={self.seed}") if part)

    @property
    def learns(self) -> bool:
        """Whether the cell trains or fits a model, and so needs the data set."""
        return self.kind == "train" and self.seq_len is not None

    @property
    def exclusive(self) -> bool:
        """Whether the cell is timed, and so must have the machine to itself."""
        return self.kind == "profile"


@dataclass(frozen=True)
class Task:
    """A cell with all that a worker needs to run it and to write its row.

    How long it may take and what it asks of its node are no part of its identity.
    """

    cell: Cell
    cell_id: str
    fingerprint: str
    protocol: Protocol | OwnData
    recipe: Recipe | None
    attempt: int = 1
    timeout_s: float | None = None
    request: Request = field(default_factory=Request)

    @property
    def system(self) -> System:
        """What the cell learns."""
        return self.protocol.system(self.cell.system)

    @property
    def needs_data(self) -> bool:
        """Whether the cell learns from a data set, or is judged by one."""
        return self.cell.learns or isinstance(self.protocol, OwnData)


def cell_id(cell: Cell, protocol: Protocol | OwnData, recipe: Recipe | None) -> str:
    """Hash of the identity in canonical form: names and contents of protocol and recipe, descriptions not."""
    return cell_ids(cell, canonical(protocol), canonical(recipe))(cell.seed)


def cell_ids(cell: Cell, protocol: str, recipe: str) -> Callable[[int], str]:
    """The id by the seed, of cells that differ in nothing else: what stands before the seed is hashed only once."""
    content = {**vars(cell), "seed": _HERE, "protocol content": _PROTOCOL, "recipe content": _RECIPE}
    before, _, after = _CANONICAL.encode(content).partition(f'"{_HERE}"')
    before = before.replace(f'"{_PROTOCOL}"', protocol).replace(f'"{_RECIPE}"', recipe)
    begun = hashlib.sha256(before.encode())

    def of(seed: int) -> str:
        digest = begun.copy()
        digest.update(f"{seed}{after}".encode())
        return digest.hexdigest()[:16]

    return of


def canonical(declaration: Declaration | None) -> str:
    """The content of a declaration in canonical form."""
    return _CANONICAL.encode(declaration and content_of(declaration))


def content_hash(declaration: Declaration | None) -> str | None:
    """Tells whether two declarations of one name say the same; None of none."""
    return declaration and hashlib.sha256(canonical(declaration).encode()).hexdigest()[:16]


def content_of(declaration: Declaration) -> dict:
    """What a declaration says, without its name and prose."""
    return declaration.model_dump(exclude=set(declaration.cosmetic))
