"""What every preset of every model promises: it builds, it can be planned, and its weights survive a file."""

import inspect

import pytest
import torch

import models
import systems
from models.base import NEEDS, Model
from models.weights import load_into, save
from systems import integrators
from systems.trajectories import TrainingData, integrate

pytestmark = pytest.mark.usefixtures("without_type_checks")

PRESETS = [(name, preset) for name in models.names() for preset in models.get(name).presets]
SYSTEMS = ["harmonic_oscillator", "henon_heiles"]  # 2n = 2 and 4


def build(name: str, preset: str, system_name: str, seed: int = 0) -> Model:
    learner, system = models.get(name), systems.get(system_name)()
    if reason := learner.inapplicable(system):
        pytest.skip(reason)
    midpoint = integrators.get("implicit_midpoint")()
    return learner(system, torch.Generator().manual_seed(seed), midpoint, **learner.presets[preset])


def oscillations(stream: torch.Generator) -> TrainingData:
    """Trajectories of the harmonic oscillator, noise-free, with all that a model may need."""
    system = systems.get("harmonic_oscillator")()
    starts = torch.randn(16, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    observed = integrate(system, starts, 0.05, 20)
    return TrainingData(observed, 0.05, stream, system.field(observed), system)


@pytest.fixture(params=PRESETS, ids="-".join)
def preset(request) -> tuple[str, str]:
    return request.param


@pytest.mark.parametrize("system_name", SYSTEMS)
def test_it_builds_in_two_and_four_dimensions(preset, system_name: str):
    model = build(*preset, system_name)
    rollout = model.rollout(torch.zeros(3, model.dim), 0.01, 2)
    assert rollout.shape == (3, 3, model.dim)
    assert bool(rollout.isfinite().all())


@pytest.mark.parametrize("system_name", SYSTEMS)
def test_its_weights_survive_a_file(preset, system_name: str, tmp_path):
    saved, loaded = build(*preset, system_name, seed=1), build(*preset, system_name, seed=2)
    save(saved, tmp_path / "weights")
    load_into(loaded, tmp_path / "weights")
    torch.testing.assert_close(loaded.state_dict(), saved.state_dict(), rtol=0, atol=0)
    y = torch.randn(5, saved.dim, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(loaded.rollout(y, 0.01, 2), saved.rollout(y, 0.01, 2), rtol=0, atol=0)


def test_what_it_needs_is_something_that_a_protocol_can_offer(preset):
    name, chosen = preset
    assert models.get(name).needs(chosen) <= NEEDS


def test_without_the_derivatives_that_it_needs_a_fit_says_so(preset):
    name, chosen = preset
    learner = models.get(name)
    if not (learner.fits and "derivatives" in learner.needs(chosen)):
        pytest.skip("no fit that needs derivatives")
    model = build(name, chosen, "harmonic_oscillator")
    data = TrainingData(torch.randn(8, 5, 2), 0.01, torch.Generator())
    with pytest.raises(ValueError, match="needs derivatives"):
        model.fit(data)


def test_a_fit_is_decided_by_the_data_and_the_stream(preset):
    name, chosen = preset
    if not models.get(name).fits:
        pytest.skip("not fitted at once")
    found = []
    for run in range(2):
        model = build(name, chosen, "harmonic_oscillator", seed=4).double()
        before = {key: value.clone() for key, value in model.state_dict().items()}
        torch.rand(run)  # what the global generator does is of no account
        model.fit(oscillations(torch.Generator().manual_seed(5)))
        found.append(model.state_dict())
    torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)
    assert any(not torch.equal(before[key], found[0][key]) for key in before)


@pytest.mark.parametrize("name", models.names())
def test_a_model_that_learns_has_the_default_preset_and_its_arguments_exist(name: str):
    learner = models.get(name)
    assert "paper" in learner.presets
    accepted = set(inspect.signature(learner).parameters) - {"system", "generator", "integrator"}
    assert all(set(arguments) <= accepted for arguments in learner.presets.values())


@pytest.mark.parametrize("name", models.names())
def test_what_a_model_declares_that_it_has_it_gives(name: str):
    learner = models.get(name)
    assert learner.has_hamiltonian == (learner.hamiltonian is not Model.hamiltonian)
    assert learner.has_field == (learner.field is not Model.field)
    assert learner.has_field or learner.rollout is not Model.rollout
    assert learner.fits == (learner.fit is not Model.fit)
    if learner.trainable and not learner.fits:
        assert learner.loss is not Model.loss
    if learner.integrates or learner.fits:
        assert learner.trainable
