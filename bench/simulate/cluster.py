"""The model of a cluster, declared in TOML: nodes, what they cost, how often they fail."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from bench.declarations import Declaration, load


class Nodes(Declaration):
    """Nodes of one kind. Those that fail come back, as others or the same, and cost nothing in between."""

    count: PositiveInt
    cpus: PositiveFloat
    memory_gib: PositiveFloat
    gpus: NonNegativeInt = 0
    price_per_hour: NonNegativeFloat = 0.0  # of one node
    fails_after_h: PositiveFloat | None = None  # on average, at any moment with equal chance; None: never
    back_after_s: PositiveFloat = 300.0


class Cluster(Declaration):
    """Nodes, and what it takes beside the cells to run them."""

    description: str = ""
    nodes: Annotated[list[Nodes], Field(min_length=1)]
    batch_s: NonNegativeFloat = 0.01  # from a free worker to the start of a batch's first cell
    report_s: NonNegativeFloat = 0.0005  # of the driver, for each thing that it is told
    worker_fails_after_h: PositiveFloat | None = None  # of cells running, on average; None: never
    unknown_s: PositiveFloat | None = None  # of cells that no stored row tells of


def load_cluster(name: str) -> Cluster:
    """A cluster by name or .toml file. Raises BadInput."""
    return load(Cluster, "clusters", "cluster", name)
