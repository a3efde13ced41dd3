"""asv benchmarks. Lower is better everywhere; the meters are those of bench.measure."""

from collections.abc import Callable


def in_unit(name: str) -> Callable[[Callable], Callable]:
    """Mark a track_ function with the unit that asv shows."""

    def mark(function: Callable) -> Callable:
        function.__dict__["unit"] = name
        return function

    return mark
