"""Recipes: how a model is trained."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from bench.declarations import Declaration, load


class Plateau(Declaration):
    """Multiply the learning rate by `factor` after `patience` epochs without a better validation loss."""

    kind: Literal["plateau"]
    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: PositiveInt


class OneCycle(Declaration):
    """Rise to the peak over `warm_up` of all iterations, then fall to nearly nothing, both by a cosine."""

    kind: Literal["one_cycle"]
    peak: PositiveFloat
    warm_up: Annotated[float, Field(gt=0, lt=1)]


class Step(Declaration):
    """Multiply the learning rate by `factor` after every `every` epochs."""

    kind: Literal["step"]
    factor: Annotated[float, Field(gt=0, lt=1)]
    every: PositiveInt


class Constant(Declaration):
    """The learning rate stays."""

    kind: Literal["constant"]


class OptimisedStart(Declaration):
    """After `warm_up` epochs, move the start of each window to where its rollout fits the observations best.

    By so many `iterations` for each batch, with the model as it is (Chen et al., SRNN, arXiv 1909.13334).
    """

    kind: Literal["optimised"]
    warm_up: Annotated[int, Field(ge=0)]
    iterations: PositiveInt = 2


class Recipe(Declaration):
    """Optimiser, schedule, epochs, batch size and starts. An epoch takes one window from every trajectory.

    There are more epochs than `epochs` where trajectories are so few that these have fewer than `least_iterations`.

    Without `start` a rollout begins where the protocol says. `weight_decay` is decoupled from the gradient for
    "adamw" and added to it for "adam"; `clip` bounds the norm of the whole gradient.
    """

    description: str = ""
    optimizer: Literal["adam", "adamw"]
    learning_rate: PositiveFloat
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    amsgrad: bool = False
    clip: PositiveFloat | None = None
    epochs: PositiveInt
    least_iterations: Annotated[int, Field(ge=0)] = 0
    batch_size: PositiveInt
    schedule: Annotated[Plateau | OneCycle | Step | Constant, Field(discriminator="kind")]
    start: OptimisedStart | None = None

    def epochs_of(self, batches: int) -> int:
        """How many epochs of so many batches."""
        return max(self.epochs, -(-self.least_iterations // batches))


def load_recipe(name: str, beside=None) -> Recipe:
    """A recipe by name or .toml file. Raises BadInput."""
    return load(Recipe, "recipes", "recipe", name, beside)
