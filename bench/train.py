"""Training one cell: plain functions, no Ray."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol as Interface
from typing import runtime_checkable

import torch
from torch import Tensor

from bench.cell import Cell
from bench.data import Observations
from bench.recipe import OneCycle, Plateau, Recipe
from bench.seeds import generator
from models.base import Model
from models.gradients import GradientMode
from systems.trajectories import Window


class Diverged(ArithmeticError):
    """A loss, gradient or state became non-finite."""


@dataclass
class Curves:
    """What training left behind, one entry an epoch; times in seconds."""

    train: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    train_s: float = 0.0
    validation_s: float = 0.0
    evaluations: int = 0  # of the field, in points, in training


@runtime_checkable
class Schedule(Interface):
    def after_iteration(self) -> None: ...
    def after_epoch(self, validation_loss: float) -> None: ...


class PlateauSchedule:
    def __init__(self, optimizer: torch.optim.Optimizer, plateau: Plateau):
        self._scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, factor=plateau.factor, patience=plateau.patience
        )

    def after_iteration(self) -> None:
        pass

    def after_epoch(self, validation_loss: float) -> None:
        self._scheduler.step(validation_loss)


class OneCycleSchedule:
    def __init__(self, optimizer: torch.optim.Optimizer, cycle: OneCycle, iterations: int):
        self._scheduler = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=cycle.peak,
            total_steps=iterations,
            pct_start=rising_part(cycle, iterations),
            cycle_momentum=False,
        )

    def after_iteration(self) -> None:
        self._scheduler.step()

    def after_epoch(self, validation_loss: float) -> None:
        pass


def rising_part(cycle: OneCycle, iterations: int) -> float:
    """The warm-up, moved by a rounding error where it is exactly one iteration: OneCycleLR divides by the rest."""
    exactly_one = cycle.warm_up * iterations == 1
    return math.nextafter(cycle.warm_up, 1) if exactly_one else cycle.warm_up


def make_schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, iterations: int) -> Schedule:
    if isinstance(recipe.schedule, Plateau):
        return PlateauSchedule(optimizer, recipe.schedule)
    return OneCycleSchedule(optimizer, recipe.schedule, iterations)


def train(model: Model, gradient: GradientMode, batches: "Batches", recipe: Recipe, validation: Window) -> Curves:
    """Train in place for the recipe's epochs. Raises Diverged if an epoch's loss is not finite."""
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    schedule = make_schedule(recipe, optimizer, recipe.epochs * batches.count)
    curves = Curves()
    for epoch in range(1, recipe.epochs + 1):
        evaluations = model.evaluations
        with elapsed(curves, "train_s"):
            losses = [take_step(model, gradient, optimizer, schedule, window) for window in batches.epoch()]
            curves.train.append(finite(torch.stack(losses).mean(), f"training loss of epoch {epoch}"))
        curves.evaluations += model.evaluations - evaluations
        with elapsed(curves, "validation_s"):
            curves.validation.append(validation_loss(model, gradient, validation))
        schedule.after_epoch(curves.validation[-1])
        curves.learning_rate.append(optimizer.param_groups[0]["lr"])
    return curves


def take_step(
    model: Model,
    gradient: GradientMode,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    window: Window,
) -> Tensor:
    """One training iteration; returns the loss before it, detached."""
    optimizer.zero_grad(set_to_none=True)
    loss = model.loss(window, gradient)
    loss.backward()
    optimizer.step()
    schedule.after_iteration()
    return loss.detach()


def validation_loss(model: Model, gradient: GradientMode, window: Window) -> float:
    """The model's loss on a window, without a graph. Raises Diverged if it is not finite."""
    with torch.no_grad():
        return finite(model.loss(window, gradient), "validation loss")


def finite(value: Tensor, what: str) -> float:
    if not bool(value.isfinite()):
        raise Diverged(f"the {what} is {float(value)}")
    return float(value)


@dataclass
class Batches:
    """Windows from random starts, in random order, one a trajectory and epoch."""

    observations: Observations
    size: int
    steps: int
    generator: torch.Generator

    @property
    def count(self) -> int:
        return max(1, len(self.observations.observed) // self.size)

    def epoch(self) -> Iterator[Window]:
        trajectories, times = self.observations.observed.shape[:2]
        order = torch.randperm(trajectories, generator=self.generator)
        first = torch.randint(times - self.steps, (trajectories,), generator=self.generator)
        for rows in order[: self.count * self.size].split(self.size):
            yield self.observations.window(rows, first[rows], self.steps)


def training_batches(cell: Cell, recipe: Recipe, observations: Observations) -> Batches:
    """The batches of a cell; they depend on its seed and lengths, not on its model or gradient mode."""
    assert cell.seq_len is not None
    stream = generator("batches", cell.system, cell.protocol, cell.seq_len, recipe.batch_size, cell.seed)
    return Batches(observations, recipe.batch_size, cell.seq_len, stream)


def validation_window(cell: Cell, steps: int, observations: Observations) -> Window:
    """One window from every validation trajectory, the same for every model."""
    trajectories, times = observations.observed.shape[:2]
    stream = generator("validation", cell.system, cell.protocol, steps, cell.seed)
    first = torch.randint(times - steps, (trajectories,), generator=stream)
    return observations.window(torch.arange(trajectories), first, steps)


@contextmanager
def elapsed(curves: Curves, name: str) -> Iterator[None]:
    """Add the seconds that the block takes to a field of the curves."""
    start = time.perf_counter()
    yield
    setattr(curves, name, getattr(curves, name) + time.perf_counter() - start)
