"""SympNets: symplectic to rounding, bound to one step, and able to learn a rotation."""

from itertools import pairwise

import pytest
import torch
from torch.autograd.functional import jacobian

import systems
from models.gradients.backprop import Backprop
from models.sympnet import SympNet
from systems.base import apply_j
from systems.trajectories import Window, draw_starts, integrate


@pytest.fixture(params=SympNet.presets)
def preset(request) -> str:
    return request.param


def build(preset: str, system_name: str = "henon_heiles") -> SympNet:
    stream = torch.Generator().manual_seed(0)
    return SympNet(systems.get(system_name)(), stream, **SympNet.presets[preset]).double()


def window(h: float = 0.1, every: int = 1) -> Window:
    system = systems.get("harmonic_oscillator")()
    starts = draw_starts(system, system.box, 64, torch.Generator().manual_seed(3), accepted_only=True)
    observed = integrate(system, starts, h, 10).transpose(0, 1)[::every]
    return Window(observed[0], observed, h, every)


@pytest.mark.parametrize("h", [0.1, 1.0])
@pytest.mark.parametrize("steps", [1, 5])
def test_it_is_symplectic_to_rounding(preset: str, h: float, steps: int):
    model = build(preset)
    y = torch.randn(4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    m = jacobian(lambda y: model.compose(y[None], h, steps)[-1, 0], y)
    j = apply_j(torch.eye(4, dtype=torch.float64)).T
    assert float((m - torch.eye(4)).norm()) > 0.01, "not the identity"
    torch.testing.assert_close(m.T @ j @ m, j, rtol=0, atol=1e-12 * float(m.norm()) ** 2)


def test_it_has_one_step_and_says_so():
    model = build("matched", "harmonic_oscillator")
    model.loss(window(), Backprop())
    y = window().start
    assert model.rollout(y, 0.1, 2).shape == (3, 64, 2)
    with pytest.raises(ValueError, match=r"learned the step h = 0.1 and has no other: h = 0.05"):
        model.rollout(y, 0.05, 2)


def test_in_single_precision_too():
    model = build("paper", "harmonic_oscillator").float()
    seen = window()
    model.loss(Window(seen.start.float(), seen.observed.float(), 0.1), Backprop())
    assert model.double().rollout(seen.start, 0.1, 2).dtype == torch.float64


def test_it_learns_a_rotation(preset: str):
    seen, model = window(), build(preset, "harmonic_oscillator")
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(150):
        optimizer.zero_grad()
        model.loss(seen, Backprop()).backward()
        optimizer.step()
    still = float((seen.start - seen.observed).norm())
    assert float((model.rollout(seen.start, 0.1, 10) - seen.observed).norm()) < 0.1 * still


def test_one_step_and_composed_losses_are_those_of_the_step():
    seen, pairs, whole = window(), build("matched", "harmonic_oscillator"), build("windows", "harmonic_oscillator")
    steps = [(pairs.flow(a, 0.1) - b).square().sum(-1).mean() for a, b in pairwise(seen.observed)]
    torch.testing.assert_close(pairs.loss(seen, Backprop()), torch.stack(steps).mean())
    states = pairs.compose(seen.start, 0.1, 10)
    expected = (states - seen.observed)[1:].square().sum(-1).mean()
    torch.testing.assert_close(whole.loss(seen, Backprop()), expected)


def test_between_sparse_observations_it_takes_the_steps_that_are_not_observed(preset: str):
    sparse, model = window(every=5), build(preset, "harmonic_oscillator")
    reached = torch.stack([model.compose(start, 0.1, 5)[-1] for start in sparse.observed[:-1]])
    loss = model.loss(sparse, Backprop())
    if not model.composed:
        torch.testing.assert_close(loss, (reached - sparse.observed[1:]).square().sum(-1).mean())
    assert loss.shape == ()


def test_the_matched_preset_has_about_1100_parameters():
    count = sum(parameter.numel() for parameter in build("matched", "harmonic_oscillator").parameters())
    assert 1000 < count < 1200
