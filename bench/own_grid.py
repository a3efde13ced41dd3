"""What runs on own data: the grid `own_data`, whose axes the options of the command replace."""

from bench.declarations import BadInput
from bench.grid import Block, Filters, Grid, load_grid
from bench.own_data import NAME, OwnData

AXES = ("preset", "gradient_mode", "seq_len", "seed", "recipe")


def own_grid(data: OwnData, wanted: Filters) -> Grid:
    """The grid with what is wanted in place of its own. Raises BadInput.

    A model that it does not name runs as its first block says. Windows that are not asked for are no longer than the
    trajectories.
    """
    if wanted.system:
        raise BadInput("--system does not go with --data: own data are a system of their own")
    grid = load_grid(NAME)
    axes = {"gradient_mode": ["backprop"]} if data.irregular else {}  # the mode that takes steps of any length
    axes |= {axis: list(chosen) for axis in AXES if (chosen := getattr(wanted, axis))}
    blocks = [
        block.model_copy(update={"model": chosen, "seq_len": [min(n, data.steps) for n in block.seq_len]} | axes)
        for block in grid.cells
        if (chosen := wanted_models(block, grid, wanted.model))
    ]
    return grid.model_copy(update={"cells": blocks})


def wanted_models(block: Block, grid: Grid, wanted: tuple[str, ...]) -> list[str]:
    """Those that run as the block says."""
    if not wanted:
        return block.model
    named = {name for other in grid.cells for name in other.model}
    return [name for name in wanted if name in block.model or (block is grid.cells[0] and name not in named)]
