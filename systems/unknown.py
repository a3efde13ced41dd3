from torch import Tensor

from systems.base import Card, System, cube


class UnknownSystem(System):
    """What recorded trajectories come from. Nothing is known of it but its dimension, so it stands in no registry."""

    separable = False
    card = Card("H is not known", (), source="recorded trajectories")

    def __init__(self, dof: int):
        self.dof = dof
        self.box = cube(float("inf"), 2 * dof)

    def hamiltonian(self, y: Tensor) -> Tensor:
        raise NotImplementedError("the H of recorded trajectories is not known")
