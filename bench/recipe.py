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


class Recipe(Declaration):
    """Optimiser, schedule, epochs and batch size. An epoch takes one window from every trajectory."""

    description: str = ""
    optimizer: Literal["adam"]
    learning_rate: PositiveFloat
    epochs: PositiveInt
    batch_size: PositiveInt
    schedule: Annotated[Plateau | OneCycle, Field(discriminator="kind")]


def load_recipe(name: str, beside=None) -> Recipe:
    """A recipe by name or .toml file. Raises BadInput."""
    return load(Recipe, "recipes", "recipe", name, beside)
