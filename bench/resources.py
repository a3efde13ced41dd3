"""What a cell asks of the node that it runs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

GIB = 1 << 30
SHARES = (0.25, 0.5, 1.0)  # of a card: they tile it, so that free shares never lie on two cards


@dataclass(frozen=True)
class Request:
    """Processors, memory and a share of a card, all on one node.

    `gpus` is one of SHARES, or 0 without a card; `alone` asks for all processors of a node.
    """

    cpus: float = 1.0
    memory_bytes: int = GIB
    gpus: float = 0.0
    alone: bool = False

    def larger_share(self) -> "Request | None":
        """The same with the next share of a card; None if it has a whole one, or none."""
        larger = [share for share in SHARES if 0 < self.gpus < share]
        return replace(self, gpus=larger[0]) if larger else None

    def more_memory(self) -> "Request":
        """The same with twice the memory of the node."""
        return replace(self, memory_bytes=2 * self.memory_bytes)

    def whole_card(self) -> "Request":
        """The same for a cell that shares its card with nobody."""
        return replace(self, gpus=1.0) if self.gpus else self


def unmet(wanted: Mapping[str, float], offers: Sequence[Mapping[str, float]]) -> str | None:
    """Why none of the nodes has all that is wanted, or None if one has."""
    if any(all(offer.get(name, 0.0) >= amount for name, amount in wanted.items()) for offer in offers):
        return None
    asked = ", ".join(_amount(name, amount) for name, amount in wanted.items())
    most = {name: max((offer.get(name, 0.0) for offer in offers), default=0.0) for name in wanted}
    best = ", ".join(_amount(name, amount) for name, amount in most.items())
    return f"the cell asks for {asked} on one node; the most that a node of this cluster has: {best}"


def _amount(name: str, amount: float) -> str:
    return f"{amount / GIB:.3g} GiB" if name == "memory" else f"{amount:g} {name}"
