"""What a gradient mode is: a differentiable rollout."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

from models.base import Model
from systems.integrators import Integrator
from systems.registry import Registry

BLOCK_POINTS = 2048  # states that a backward pass works on at once: bounds its memory, whatever N is


class GradientMode(ABC):
    """A rollout whose derivative is computed in one particular way.

    Modes differ in memory, time and exactness, never in the value of the rollout. `exact` says whether the
    gradient is that of the discrete rollout (to rounding and the tolerance of the implicit solves); `takes_times`
    whether the mode has a `rollout_at`; `compiles` whether the mode takes the option `compiled`, and `compile_s` how
    many seconds it has compiled, if it was asked to and could.
    """

    exact: bool
    takes_times: bool = False
    compiles: bool = False
    compile_s: float | None = None

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        """Why this mode cannot differentiate this model's rollout by this integrator, or None if it can."""
        return None if model.integrates else "the model does not integrate a field"

    @abstractmethod
    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        """States at 0, h, ..., steps h, or every `every`-th, differentiable in y0 and the model's parameters."""

    def rollout_at(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        times: Float[Tensor, "times batch"],
    ) -> Float[Tensor, "times batch dim"]:
        """States at irregular times, each sample's own and 0 first, by one step from each to the next."""
        raise NotImplementedError(f"gradient mode {type(self).__name__} needs a fixed step")


def trainable(model: Model) -> list[Tensor]:
    """The parameters that a gradient is wanted for."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def accumulate_parameter_gradient(
    totals: list[Tensor], model: Model, states: Float[Tensor, "*batch dim"], cotangents: Float[Tensor, "*batch dim"]
) -> None:
    """Add (df/dtheta)^T w, summed over all states, to `totals`."""
    gradients = model.linearise(states.flatten(0, -2)).pull_parameters(cotangents.flatten(0, -2))
    add_to(totals, gradients)


def add_to(totals: list[Tensor], gradients: Sequence[Tensor]) -> None:
    """totals += gradients, parameter by parameter."""
    for total, gradient in zip(totals, gradients, strict=True):
        total += gradient


def blocks_backwards(steps: int, batch: int) -> Iterator[tuple[int, int]]:
    """(first, last) of runs of steps, from the end, none with more than BLOCK_POINTS states."""
    length = max(1, BLOCK_POINTS // batch)
    for last in range(steps, 0, -length):
        yield max(0, last - length), last


_registry: Registry[GradientMode] = Registry("models.gradients", "gradient mode")
register, names, get = _registry.register, _registry.names, _registry.get
