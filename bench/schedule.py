"""Learning-rate schedules of recipes."""

import math
from typing import Protocol as Interface
from typing import runtime_checkable

import torch

from bench.recipe import Constant, OneCycle, Plateau, Recipe, Step


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


class StepSchedule:
    def __init__(self, optimizer: torch.optim.Optimizer, step: Step):
        self._scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step.every, step.factor)

    def after_iteration(self) -> None:
        pass

    def after_epoch(self, validation_loss: float) -> None:
        self._scheduler.step()


class ConstantSchedule:
    def after_iteration(self) -> None:
        pass

    def after_epoch(self, validation_loss: float) -> None:
        pass


def rising_part(cycle: OneCycle, iterations: int) -> float:
    """The warm-up, moved by a rounding error where it is exactly one iteration: OneCycleLR divides by the rest."""
    exactly_one = cycle.warm_up * iterations == 1
    return math.nextafter(cycle.warm_up, 1) if exactly_one else cycle.warm_up


def make_schedule(recipe: Recipe, optimizer: torch.optim.Optimizer, iterations: int) -> Schedule:
    match recipe.schedule:
        case Plateau() as plateau:
            return PlateauSchedule(optimizer, plateau)
        case OneCycle() as cycle:
            return OneCycleSchedule(optimizer, cycle, iterations)
        case Step() as step:
            return StepSchedule(optimizer, step)
        case Constant():
            return ConstantSchedule()
