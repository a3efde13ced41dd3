"""Randomness: what each stream depends on, and what it does not."""

from dataclasses import replace

import pytest
import torch

import systems
from bench.attempt import build, observe_both
from bench.cell import Task
from bench.data import Dataset, data_key, make_dataset
from bench.judges import points
from bench.judges.truth import truth_of
from bench.seeds import generator
from bench.train import training_batches, validation_window


def draw(*identity) -> torch.Tensor:
    return torch.rand(100, generator=generator(*identity))


@pytest.fixture(scope="module")
def dataset(request) -> Dataset:
    from bench.protocol import load_protocol

    path = request.path.parent / "tiny" / "protocol.toml"
    return make_dataset("harmonic_oscillator", load_protocol(str(path)))


def with_cell(task: Task, **changes) -> Task:
    return replace(task, cell=replace(task.cell, **changes))


def noise(task: Task, dataset: Dataset) -> torch.Tensor:
    return observe_both(task, dataset)[0].observed


def first_weights(task: Task) -> torch.Tensor:
    return next(build(task.cell)[0].parameters()).detach()


def first_starts(task: Task, dataset: Dataset) -> torch.Tensor:
    batches = training_batches(task.cell, task.recipe, observe_both(task, dataset)[0])
    return next(batches.epoch()).start


def test_a_stream_is_repeatable():
    assert torch.equal(draw("noise", "a", 0), draw("noise", "a", 0))


@pytest.mark.parametrize("other", [("init", "a", 0), ("noise", "b", 0), ("noise", "a", 1), ("noise", "a")], ids=str)
def test_streams_of_other_roles_and_identities_differ(other: tuple):
    assert abs(float(torch.corrcoef(torch.stack((draw("noise", "a", 0), draw(*other))))[0, 1])) < 0.4


def test_the_global_generator_plays_no_part(train_task: Task):
    torch.manual_seed(0)
    before = first_weights(train_task)
    torch.manual_seed(1)
    assert torch.equal(first_weights(train_task), before)


@pytest.mark.parametrize(
    "change", [{"model": "true_h"}, {"gradient_mode": "backprop"}, {"integrator": "gauss_legendre4"}], ids=str
)
def test_noise_and_batches_are_the_same_for_every_learner(train_task: Task, dataset: Dataset, change: dict):
    other = with_cell(train_task, **change)
    assert torch.equal(noise(other, dataset), noise(train_task, dataset))
    assert torch.equal(first_starts(other, dataset), first_starts(train_task, dataset))


def test_another_seed_changes_noise_batches_and_initial_weights(train_task: Task, dataset: Dataset):
    other = with_cell(train_task, seed=1)
    assert not torch.equal(noise(other, dataset), noise(train_task, dataset))
    assert not torch.equal(first_weights(other), first_weights(train_task))
    clean = observe_both(
        replace(train_task, protocol=train_task.protocol.model_copy(update={"noise": 0.0})), dataset
    )[0]
    batches = [training_batches(task.cell, task.recipe, clean) for task in (other, train_task)]
    assert not torch.equal(next(batches[0].epoch()).start, next(batches[1].epoch()).start)


def test_training_and_validation_noise_differ(train_task: Task, dataset: Dataset):
    train, validation = observe_both(train_task, dataset)
    residuals = [
        (seen.observed - torch.from_numpy(clean).float())[:32]
        for seen, clean in ((train, dataset.train), (validation, dataset.validation))
    ]
    assert not torch.allclose(*residuals)


def test_gradient_modes_begin_with_the_same_weights(train_task: Task):
    assert torch.equal(first_weights(with_cell(train_task, gradient_mode="backprop")), first_weights(train_task))


def test_the_validation_window_is_the_same_for_every_model(train_task: Task, dataset: Dataset):
    validation = observe_both(train_task, dataset)[1]
    windows = [validation_window(replace(train_task.cell, model=name), validation) for name in ("fshnn", "true_h")]
    assert torch.equal(windows[0].observed, windows[1].observed)


def test_what_a_protocol_shares_changes_no_data(protocol):
    sharing = protocol.model_copy(update={"derivatives": "exact", "equations": True})
    assert data_key("double_well", sharing) == data_key("double_well", protocol)
    assert data_key("double_well", protocol.model_copy(update={"noise": 0.5})) != data_key("double_well", protocol)


@pytest.mark.parametrize(
    ("changes", "same"),
    [({"noise": 0.5}, True), ({"train_starts": 7, "validation_starts": 5}, True), ({"start_state": "true"}, True),
     ({"jitter": 0.3}, True), ({"starts": "accepted"}, True), ({"dt": 0.05}, False), ({"steps": 7}, False)],
)  # fmt: skip
def test_models_that_saw_other_observations_are_judged_by_the_same_points_and_rollouts(protocol, changes, same):
    system, other = systems.get("double_well")(), protocol.model_copy(update=changes)
    for test_set in ("ru", "gaussian"):
        drawn = [points.test_points(test_set, "test", "double_well", system, one) for one in (protocol, other)]
        assert torch.equal(*drawn) == same
    starts = [truth_of("double_well", one).starts for one in (protocol, other)]
    assert torch.equal(*starts) == same


def test_the_data_set_is_made_twice_alike(protocol, dataset: Dataset):
    again = make_dataset("harmonic_oscillator", protocol)
    assert (again.train == dataset.train).all()
    assert (again.validation == dataset.validation).all()
