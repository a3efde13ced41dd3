"""asv benchmarks. Lower is better everywhere; the meters are those of bench.measure."""

from collections.abc import Callable
from dataclasses import replace

from bench.cell import Cell
from bench.grid import why_skipped


def in_unit(name: str) -> Callable[[Callable], Callable]:
    """Mark a track_ function with the unit that asv shows."""

    def mark(function: Callable) -> Callable:
        function.__dict__["unit"] = name
        return function

    return mark


def measured_cell(system: str, gradient_mode: str, seq_len: int) -> Cell:
    """The iteration that all benchmarks measure: an untrained fshnn under the paper's protocol, h = 0.01.

    By implicit midpoint, or RK4 where the mode is for explicit methods. Raises NotImplementedError, which asv takes
    as a skip, where neither fits.
    """
    cell = Cell(
        kind="profile",
        system=system,
        model="fshnn",
        gradient_mode=gradient_mode,
        integrator="implicit_midpoint",
        start_guess="extrapolation",
        seq_len=seq_len,
        seed=0,
        protocol="paper",
        recipe="one_cycle",
        net="untrained",
        step_size=0.01,
    )
    for candidate in (cell, replace(cell, integrator="rk4", start_guess=None)):
        if why_skipped(candidate) is None:
            return candidate
    raise NotImplementedError(why_skipped(cell))
