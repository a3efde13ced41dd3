"""Judging by held-out trajectories: what is known exactly, and faults that must show."""

from math import exp, sqrt

import pytest
import torch

import models
import systems
from bench.judges import held_out
from bench.own_data import OwnData
from models.base import HamiltonianModel, Model
from systems import integrators
from systems.trajectories import add_noise, draw_starts, integrate, jittered_times

pytestmark = pytest.mark.usefixtures("without_type_checks")

SYSTEM, DT, STEPS = systems.get("henon_heiles")(), 0.1, 30
DATA = OwnData(files=(), content="0", dof=2, trajectories=20, steps=STEPS, dt=DT, irregular=False)


def observed(noise: float = 0.0) -> torch.Tensor:
    stream = torch.Generator().manual_seed(0)
    starts = draw_starts(SYSTEM, SYSTEM.box, 20, stream, accepted_only=True)
    return add_noise(integrate(SYSTEM, starts, DT, STEPS), noise, stream, torch.float64)


def judged(model: Model, noise: float = 0.0) -> dict:
    return held_out.held_out_columns(model, observed(noise).numpy(), None, DATA)


def reference(name: str, integrator: str = "gauss_legendre6") -> Model:
    return models.get(name)(SYSTEM, torch.Generator(), integrators.get(integrator)())


class Altered(HamiltonianModel):
    """H after a change."""

    def __init__(self, change):
        super().__init__(SYSTEM, torch.Generator(), integrators.get("gauss_legendre6")())
        self.change = change

    def hamiltonian(self, y):
        return self.change(SYSTEM.hamiltonian, y)


class Damped(Model):
    """y' = -y."""

    has_hamiltonian = False

    def field(self, y):
        return -y


def test_the_true_h_is_perfect_without_noise():
    columns = judged(reference("true_h"))
    assert columns["rollout_error"] < 1e-9
    assert columns["energy_spread_share"] < 1e-9
    assert columns["symplecticity_defect"] < 1e-9
    assert columns["volume_defect"] < 1e-9


def test_the_true_h_is_perfect_at_irregular_times_and_at_wrong_ones_it_is_not():
    stream = torch.Generator().manual_seed(1)
    times = jittered_times(20, DT, STEPS, 0.8, stream)
    starts = draw_starts(SYSTEM, SYSTEM.box, 20, stream, accepted_only=True)
    states = integrate(SYSTEM, starts, DT, STEPS, times=times).numpy()
    data = DATA.model_copy(update={"irregular": True})
    columns = held_out.held_out_columns(reference("true_h"), states, times.numpy(), data)
    assert columns["rollout_error"] < 1e-8
    assert "noise_share" not in columns
    assert held_out.held_out_columns(reference("true_h"), states, None, DATA)["rollout_error"] > 1e-3


def test_noise_is_what_is_left_of_the_true_h():
    columns = judged(reference("true_h"), noise=0.01)
    signal = float(observed().square().sum(-1).mean().sqrt())
    assert columns["noise_share"] == pytest.approx(0.01 * sqrt(4) / signal, rel=0.05)
    assert columns["noise_share"] < columns["rollout_error"] < 5 * columns["noise_share"]
    slope = SYSTEM.field(observed()).square().sum(-1).mean().sqrt()
    assert columns["energy_spread"] == pytest.approx(0.01 * float(slope), rel=0.1)


@pytest.mark.parametrize(
    "change",
    [
        lambda h, y: h(y.flip(-1)),  # q and p exchanged
        lambda h, y: -h(y),  # time backwards
        lambda h, y: 1.1 * h(y),
    ],
    ids=["exchanged", "backwards", "scaled"],
)
def test_another_h_is_caught_by_rollouts(change):
    columns = judged(Altered(change), noise=0.01)
    assert columns["rollout_error"] > 2 * judged(reference("true_h"), noise=0.01)["rollout_error"]
    assert columns["symplecticity_defect"] < 1e-9


@pytest.mark.slow  # its rollouts leave every bound, start by start
def test_a_quantity_that_is_not_conserved_is_caught_by_the_spread_and_its_scale_is_not():
    potential = judged(Altered(lambda h, y: h(torch.cat((y[..., :2], 0 * y[..., 2:]), -1))))
    assert potential["energy_spread_share"] > 0.3
    thousandfold, usual = (judged(Altered(lambda h, y, f=f: f * h(y)), noise=0.01) for f in (1e3, 1.0))
    assert thousandfold["energy_spread_share"] == pytest.approx(usual["energy_spread_share"])
    assert thousandfold["energy_spread"] == pytest.approx(1e3 * usual["energy_spread"])


def test_one_energy_for_all_trajectories_is_no_hindrance():
    """Where no trajectory has another energy than the others, the share still tells a conserved H from any other."""
    oscillator = systems.get("harmonic_oscillator")()
    angles = torch.linspace(0, 6, 20, dtype=torch.float64)
    states = integrate(oscillator, torch.stack((angles.cos(), angles.sin()), -1), DT, STEPS).transpose(0, 1)
    truth = models.get("true_h")(oscillator, torch.Generator())
    assert held_out.spread_columns(truth, states, torch.Generator())["energy_spread_share"] < 1e-9


def test_a_constant_h_has_no_share_of_a_spread():
    columns = judged(reference("constant"))
    assert columns["energy_spread"] == 0
    assert "energy_spread_share" not in columns


def test_a_step_that_shrinks_areas_is_caught():
    model = Damped(SYSTEM, torch.Generator(), integrators.get("rk4")())
    columns = judged(model)
    shrunk = exp(-2 * DT)  # M = exp(-h) I, so M^T J M - J = (exp(-2h) - 1) J, and ||J|| = 2
    assert columns["symplecticity_defect"] == pytest.approx(2 * (1 - shrunk), rel=1e-5)
    assert columns["volume_defect"] == pytest.approx(1 - shrunk**2, rel=1e-5)


class Parting(Model):
    """Starts with q0 > 0 run away at a rate that no bound nor solver endures, the others stay where they are."""

    has_hamiltonian = False
    rate = 100.0

    def field(self, y):
        return self.rate * y.clamp(min=0)[..., :1] ** 2 * torch.ones_like(y)


class Leaving(Parting):
    def field(self, y):
        return super().field(y.abs() + 1)


@pytest.mark.parametrize("integrator", ["rk4", "implicit_midpoint"])
@pytest.mark.parametrize(
    "clock", [None, DT * torch.arange(STEPS + 1).double().expand(20, -1).numpy()], ids=["regular", "at times"]
)
def test_rollouts_that_escape_are_counted_and_the_error_is_that_of_the_others(integrator: str, clock):
    states = observed()
    model = Parting(SYSTEM, torch.Generator(), integrators.get(integrator)())
    data = DATA.model_copy(update={"irregular": clock is not None})
    columns = held_out.held_out_columns(model, states.numpy(), clock, data)
    stays = states[:, 0, 0] <= 0
    assert columns["escape_share"] == 1 - float(stays.double().mean())
    assert 0 < columns["escape_share"] < 1
    assert 0 <= columns["escape_time"] < DT * STEPS
    left = states[stays][:, :1] - states[stays][:, 1:]
    assert columns["rollout_error"] == pytest.approx(float(left.norm() / states[stays][:, 1:].norm()), rel=1e-12)


def test_where_all_rollouts_escape_there_is_no_error():
    columns = judged(Leaving(SYSTEM, torch.Generator(), integrators.get("rk4")()))
    assert columns["escape_share"] == 1
    assert "rollout_error" not in columns
    assert judged(reference("true_h"))["escape_share"] == 0
