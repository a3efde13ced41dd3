"""What a recipe says of the optimiser is what the optimiser does."""

from pathlib import Path

import pytest
import torch
from torch import nn

from bench.declarations import FOLDER
from bench.recipe import Recipe, load_recipe
from bench.schedule import ConstantSchedule, make_schedule
from bench.train import Iterations, make_optimizer
from models.base import Model
from models.gradients.backprop import Backprop
from systems.harmonic_oscillator import HarmonicOscillator
from systems.trajectories import Window


class Slope(Model):
    """A loss with a constant gradient."""

    def __init__(self):
        super().__init__(HarmonicOscillator(), torch.Generator())
        self.w = nn.Parameter(torch.tensor([2.0, 2.0]))

    def loss(self, window, gradient):
        return (self.w * torch.tensor([30.0, 40.0])).sum()


def recipe(**changes) -> Recipe:
    content = {
        "optimizer": "adam",
        "learning_rate": 0.1,
        "epochs": 4,
        "batch_size": 1,
        "schedule": {"kind": "constant"},
    }
    return Recipe.model_validate({**content, **changes})


@pytest.mark.parametrize("path", sorted((FOLDER / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_is_valid_and_says_where_it_is_from(path: Path):
    assert len(load_recipe(path.stem).description) > 20


def test_adamw_decays_apart_from_the_gradient_and_adam_through_it():
    model = Slope()
    for name, expected in (("adamw", 2 - 0.1 * 0.5 * 2 - 0.1), ("adam", 2 - 0.1)):
        model.w.data.fill_(2.0)
        model.loss(None, None).backward()
        make_optimizer(model, recipe(optimizer=name, weight_decay=0.5)).step()
        torch.testing.assert_close(model.w.data, torch.full((2,), expected), rtol=1e-5, atol=0)


def test_amsgrad_is_passed_on():
    assert make_optimizer(Slope(), recipe(amsgrad=True)).defaults["amsgrad"]


def test_the_gradient_is_clipped_by_its_norm():
    model = Slope()
    descent = torch.optim.SGD(model.parameters(), lr=1.0)
    window = Window(torch.zeros(1, 2), torch.zeros(2, 1, 2), 0.1)
    Iterations(model, Backprop(), descent, ConstantSchedule(), clip=1.0).epoch_loss(iter([window]), 1)
    torch.testing.assert_close(model.w.data, torch.tensor([2 - 0.6, 2 - 0.8]))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [({"kind": "constant"}, [0.1] * 4), ({"kind": "step", "factor": 0.5, "every": 2}, [0.1, 0.05, 0.05, 0.025])],
)
def test_rates_after_each_epoch(schedule: dict, expected: list[float]):
    declared = recipe(schedule=schedule)
    optimizer = make_optimizer(Slope(), declared)
    made, rates = make_schedule(declared, optimizer, 4), []
    for _ in range(4):
        optimizer.step()
        made.after_iteration()
        made.after_epoch(1.0)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx(expected)
