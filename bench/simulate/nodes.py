"""Made-up nodes: what is free on them, and what it adds up to."""

from dataclasses import dataclass, field

from bench.resources import GIB, Request
from bench.simulate.cluster import Nodes

TINY = 1e-9  # sums of shares are not exact


@dataclass
class Node:
    """One node, up or down. A share of a card lies on one card."""

    kind: Nodes
    up: bool = True
    since: float = 0.0  # up or down
    up_s: float = 0.0  # before that
    handles: dict[int, "Taken"] = field(default_factory=dict)  # of the batches on it
    cpus: float = 0.0  # free
    memory: float = 0.0
    cards: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.empty()

    def empty(self) -> None:
        self.cpus, self.memory = self.kind.cpus, self.kind.memory_gib * GIB
        self.cards, self.handles = [1.0] * self.kind.gpus, {}

    @property
    def offer(self) -> dict[str, float]:
        """What it has, taken or not, in the words of `bench.resources.unmet`."""
        return {"CPU": self.kind.cpus, "memory": self.kind.memory_gib * GIB, "GPU": float(self.kind.gpus)}

    def take(self, handle: int, request: Request, cpus: float, now: float) -> bool:
        """Give a batch what it asks for, if it is free."""
        card = next((number for number, free in enumerate(self.cards) if free + TINY >= request.gpus), None)
        room = self.up and self.cpus + TINY >= cpus and self.memory >= request.memory_bytes
        if not room or (request.gpus and card is None):
            return False
        self.cpus, self.memory = self.cpus - cpus, self.memory - request.memory_bytes
        if request.gpus and card is not None:
            self.cards[card] -= request.gpus
        self.handles[handle] = Taken(request, cpus, card, now)
        return True

    def give_back(self, handle: int) -> "Taken":
        taken = self.handles.pop(handle)
        self.cpus, self.memory = self.cpus + taken.cpus, self.memory + taken.request.memory_bytes
        if taken.request.gpus and taken.card is not None:
            self.cards[taken.card] += taken.request.gpus
        return taken

    def turn(self, now: float) -> None:
        """Up goes down, down comes up, with nothing on it."""
        self.up_s = self.up_until(now)
        self.up, self.since = not self.up, now
        self.empty()

    def up_until(self, now: float) -> float:
        """Seconds for which it was up."""
        return self.up_s + (now - self.since) * self.up


@dataclass(frozen=True)
class Taken:
    """What a batch has of a node, since when."""

    request: Request
    cpus: float
    card: int | None
    since: float
