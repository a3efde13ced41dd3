"""Training one cell: plain functions, no Ray."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bench.cell import Cell
from bench.data import Observations
from bench.recipe import Recipe
from bench.schedule import Schedule, make_schedule
from bench.seeds import generator
from bench.starts import optimise_starts
from models.base import Model, rollout_loss
from models.gradients import GradientMode
from models.gradients.base import trainable
from systems.integrators import NotSolved
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


def train(model: Model, gradient: GradientMode, batches: "Batches", recipe: Recipe, validation: Window) -> Curves:
    """Train in place for the recipe's epochs. Raises Diverged where a loss or gradient is not finite."""
    optimizer = make_optimizer(model, recipe)
    epochs = recipe.epochs_of(batches.count)
    schedule = make_schedule(recipe, optimizer, epochs * batches.count)
    iterations, curves = Iterations(model, gradient, optimizer, schedule, recipe.clip), Curves()
    for epoch in range(1, epochs + 1):
        evaluations = model.evaluations
        with elapsed(curves, "train_s"):
            windows = batches.epoch()
            if recipe.start and epoch > recipe.start.warm_up:
                windows = optimise_starts(windows, model, gradient, recipe.start.iterations)
            curves.train.append(iterations.epoch_loss(windows, epoch))
        curves.evaluations += model.evaluations - evaluations
        with elapsed(curves, "validation_s"):
            curves.validation.append(validation_loss(model, validation))
        schedule.after_epoch(curves.validation[-1])
        curves.learning_rate.append(optimizer.param_groups[0]["lr"])
    return curves


def make_optimizer(model: Model, recipe: Recipe) -> torch.optim.Optimizer:
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kinds[recipe.optimizer](
        model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, amsgrad=recipe.amsgrad
    )


@dataclass
class Iterations:
    """Training iterations that watch their gradients, and look at them only at the end of an epoch.

    Looking at every one would make the host wait for the device in the inner loop.
    """

    model: Model
    gradient: GradientMode
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    clip: float | None = None  # of the gradient's norm

    def epoch_loss(self, windows: Iterator[Window], epoch: int) -> float:
        """Mean loss of one epoch. Raises Diverged naming the loss, or the parameter whose gradient went first."""
        losses: list[Tensor] = []
        norms: list[Tensor] = []  # of every parameter's gradient, one entry an iteration
        try:
            for window in windows:
                losses.append(self._take_step(window))
                norms.append(gradient_norms(self.model))
        except NotSolved:  # often only the next step shows that a gradient was not finite
            self._check(norms, epoch)
            raise
        self._check(norms, epoch)
        return finite(torch.stack(losses).mean(), f"training loss of epoch {epoch}")

    def _take_step(self, window: Window) -> Tensor:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.model.loss(window, self.gradient)
        loss.backward()
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.schedule.after_iteration()
        return loss.detach()

    def _check(self, norms: list[Tensor], epoch: int) -> None:
        if not norms:
            return
        broken = (~torch.stack(norms).isfinite()).nonzero()
        if len(broken):
            iteration, which = broken[0].tolist()
            names = [name for name, parameter in self.model.named_parameters() if parameter.requires_grad]
            mode = type(self.gradient).__module__.rpartition(".")[2]
            raise Diverged(
                f"the gradient of {names[which]} is not finite in iteration {iteration + 1} of epoch {epoch} "
                f"(gradient mode {mode})"
            )


def gradient_norms(model: Model) -> Tensor:
    """The norm of each trainable parameter's gradient, zero where there is none."""
    gradients = [parameter.grad for parameter in trainable(model)]
    return torch.stack([torch.zeros(()) if gradient is None else gradient.norm() for gradient in gradients])


def validation_loss(model: Model, window: Window) -> float:
    """The error of the model's rollout, whatever loss it is trained by. Raises Diverged if it is not finite."""
    return finite(rollout_loss(model, window), "validation loss")


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


def validation_window(cell: Cell, observations: Observations) -> Window:
    """One window from every validation trajectory, the same for every model."""
    assert cell.seq_len is not None
    trajectories, times = observations.observed.shape[:2]
    stream = generator("validation", cell.system, cell.protocol, cell.seq_len, cell.seed)
    first = torch.randint(times - cell.seq_len, (trajectories,), generator=stream)
    return observations.window(torch.arange(trajectories), first, cell.seq_len)


@contextmanager
def elapsed(curves: Curves, name: str) -> Iterator[None]:
    """Add the seconds that the block takes to a field of the curves."""
    start = time.perf_counter()
    yield
    setattr(curves, name, getattr(curves, name) + time.perf_counter() - start)
