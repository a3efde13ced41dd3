"""A backward pass works on blocks of steps; how many states a block has shows in memory and nowhere else."""

import pytest
import torch
from stretched_model import Stretched

from models.gradients import base, get
from systems.integrators.gauss_legendre4 import GaussLegendre4
from systems.tao_oscillator import TaoOscillator


def gradient(mode):
    model = Stretched(TaoOscillator(), torch.Generator().manual_seed(0)).double()
    y0 = 0.5 * torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y0.requires_grad_()
    states = get(mode)().rollout(model, GaussLegendre4(), y0, 0.1, 7)
    parts = torch.autograd.grad(states.square().sum(), [*model.parameters(), y0])
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("points", [1, 10, 21])
@pytest.mark.parametrize("mode", ["discrete", "continuous"])
def test_the_gradient_does_not_depend_on_the_size_of_a_block(monkeypatch, mode, points):
    expected = gradient(mode)
    monkeypatch.setattr(base, "BLOCK_POINTS", points)
    torch.testing.assert_close(gradient(mode), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize(("steps", "batch"), [(1, 1), (7, 3), (8, 4), (1024, 512), (5, 10**6)])
def test_blocks_cover_every_step_once_from_the_end_and_are_bounded(steps, batch):
    blocks = list(base.blocks_backwards(steps, batch))
    assert [step for first, last in blocks for step in range(last - 1, first - 1, -1)] == list(range(steps))[::-1]
    assert all((last - first) * batch <= max(base.BLOCK_POINTS, batch) for first, last in blocks)
