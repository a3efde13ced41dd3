"""Blocks of a grid for tests, and the cells that they hold."""

from bench.expand import Planned, expand
from bench.grid import Block, Filters, Grid


def block(**changes) -> Block:
    usual = {
        "system": ["double_well", "henon_heiles"],
        "model": ["fshnn"],
        "seq_len": [4, 6],
        "seed": [0, 1],
        "protocol": "smoke",
        "recipe": ["paper"],
    }
    return Block(**(usual | changes))


def cells(*blocks: Block, **filters) -> list[Planned]:
    return list(expand(Grid(name="g", cells=list(blocks)), Filters(**filters)))
