"""Experiments apart from the grids: each leaves one table of rows of its own in a store, beside the rows of cells.

`STUDIES` has what makes the rows of each, given how many iterations its nets are trained; `bench.schema.STUDIES` has
their columns.
"""

from collections.abc import Callable, Iterator

from bench.studies import collocation, density

STUDIES: dict[str, Callable[..., Iterator[dict]]] = {"collocation": collocation.rows, "density": density.rows}
