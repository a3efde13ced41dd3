"""What an integrator is: a one-step map y -> y + h (...) for y' = f(y)."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.solver import NotSolved, Step
from systems.registry import Registry

VectorField = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Separable:
    """A field whose H is T(p) + V(q), marked so that splitting methods take their explicit form."""

    field: VectorField

    def __call__(self, y: Tensor) -> Tensor:
        return self.field(y)


@runtime_checkable
class OwnsField(Protocol):
    """A system or a model: its field, and whether its H is T(p) + V(q)."""

    @property
    def separable(self) -> bool: ...

    def field(self, y: Tensor) -> Tensor: ...


def field_of_owner(owner: OwnsField) -> VectorField:
    """The field of a system or model, marked Separable where its H is."""
    return Separable(owner.field) if owner.separable else owner.field


class Integrator(ABC):
    """A one-step method.

    `order` is the order of the global error in h; `symplectic` holds for every H (for the exact solution
    of the implicit equations); `symmetric` means that a step of -h undoes a step of h.
    """

    order: int
    symplectic: bool
    symmetric: bool
    takes_start_guess: bool = False

    @abstractmethod
    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        """Advance y by h, which may be negative, and differ from sample to sample.

        Implicit methods solve per sample to a tolerance and raise NotSolved where they cannot.
        """

    def stepping(self, field: VectorField, h: float, first: int = 0) -> Callable[[Tensor], Tensor]:
        """The step as a function that may use what the earlier steps of the same trajectory found.

        `first` is the number of its first step in the trajectory.
        """
        return lambda y: self.step(field, y, h)

    def observing(self, observed: Float[Tensor, "times batch dim"], every: int) -> "Integrator":
        """The same method, told what is observed every `every` steps, should it start its solves from that."""
        return self


def unroll(
    integrator: Integrator,
    field: VectorField,
    y0: Float[Tensor, "*batch dim"],
    h: float,
    steps: int,
    every: int = 1,
    first: int = 0,
) -> Float[Tensor, "times *batch dim"]:
    """States at 0, h, ..., steps h, or every `every`-th of them; `first` steps were taken before.

    Raises NotSolved, with the number of the step, where a step fails.
    """
    advance, y, states = integrator.stepping(field, h, first), y0, [y0]
    for step in range(1, steps + 1):
        try:
            y = advance(y)
        except NotSolved as failure:
            raise NotSolved(failure.residual, h, first + step) from failure
        if step % every == 0:
            states.append(y)
    return torch.stack(states)


def unroll_at(
    integrator: Integrator,
    field: VectorField,
    y0: Float[Tensor, "batch dim"],
    times: Float[Tensor, "times batch"],
) -> Float[Tensor, "times batch dim"]:
    """States at times of each sample's own, by one step from each to the next. Raises NotSolved."""
    states = [y0]
    for number, h in enumerate(times.diff(dim=0)[..., None], 1):
        try:
            states.append(integrator.step(field, states[-1], h))
        except NotSolved as failure:
            raise NotSolved(failure.residual, failure.h, number) from failure
    return torch.stack(states)


_registry: Registry[Integrator] = Registry("systems.integrators", "integrator")
register, names, get = _registry.register, _registry.names, _registry.get
