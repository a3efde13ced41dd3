"""What an HNN is trained on: true derivatives where they are shared, else differences of the observations."""

import pytest
import torch

from models.gradients.backprop import Backprop
from models.hnn import HNN
from models.true_h import TrueH
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.trajectories import Window, points_and_slopes

SYSTEM = HarmonicOscillator()


def window(h, steps, sigma=0.0, count=500, every=1):
    """The exact motion, and noise."""
    stream = torch.Generator().manual_seed(0)
    starts = torch.randn(count, 2, dtype=torch.float64, generator=stream)
    observed = SYSTEM.exact(starts, h * every * torch.arange(steps // every + 1, dtype=torch.float64))
    observed = observed + sigma * torch.randn(observed.shape, dtype=torch.float64, generator=stream)
    return Window(observed[0], observed, h, every)


def test_shared_derivatives_are_taken_as_they_are():
    data = window(0.1, 4)
    derivatives = torch.randn(data.observed.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    points, slopes = points_and_slopes(Window(data.start, data.observed, 0.1, derivatives=derivatives))
    assert points is data.observed
    assert slopes is derivatives


@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize("every", [1, 3])
def test_differences_are_of_second_order_at_the_points_that_they_belong_to(steps, every):
    errors = []
    for h in (0.04, 0.02):
        points, slopes = points_and_slopes(window(h, steps * every, every=every))
        assert points.shape == slopes.shape == (max(1, steps - 1), 500, 2)
        errors.append(float((slopes - SYSTEM.field(points)).norm()))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05)


def test_the_noise_of_differences_is_what_the_docstring_says():
    h, sigma = 1e-3, 0.01
    points, slopes = points_and_slopes(window(h, 6, sigma=sigma, count=4000))
    noise = slopes - SYSTEM.field(points)
    assert float(noise.square().mean()) == pytest.approx(sigma**2 / (2 * h**2), rel=0.03)


def test_the_loss_is_the_mean_squared_distance_of_the_field():
    data, truth = window(0.1, 6), TrueH(SYSTEM, torch.Generator())
    derivatives = SYSTEM.field(data.observed) + torch.tensor([0.3, 0.4], dtype=torch.float64)
    shared = Window(data.start, data.observed, 0.1, derivatives=derivatives)
    assert float(HNN.loss(truth, shared, Backprop())) == pytest.approx(0.25)


@pytest.mark.parametrize(("preset", "dim", "count"), [("paper", 2, 41000), ("matched", 2, 1136), ("paper", 4, 41400)])
def test_sizes(preset, dim, count):
    system = SYSTEM if dim == 2 else HenonHeiles()
    model = HNN(system, torch.Generator(), **HNN.presets[preset])
    assert sum(parameter.numel() for parameter in model.parameters()) == count
