"""The net fitted by Gauss-Newton steps: residuals and their derivatives, and what is learned from noise."""

import pytest
import torch
from torch.func import functional_call, jacrev

from models.gradients.backprop import Backprop
from models.levenberg_marquardt import LevenbergMarquardt
from models.weak import weak_form
from models.weak_form import WeakFormHNN
from models.weak_gauss_newton import WeakGaussNewton
from systems.double_well import DoubleWell
from systems.henon_heiles import HenonHeiles
from systems.integrators.gauss_legendre6 import GaussLegendre6
from systems.trajectories import TrainingData, Window, draw_starts, integrate

FORM = weak_form(40, 0.02)


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def model(system, hidden=(5, 4, 3), seed=1):
    return WeakGaussNewton(system, stream(seed), hidden=hidden).double()


def trajectories(system, count, sigma=0.0):
    y = integrate(system, draw_starts(system, system.box, count, stream(2), accepted_only=False), 0.02, 40)
    return y + sigma * torch.randn(y.shape, dtype=torch.float64, generator=stream(3))


def test_the_residuals_are_those_of_the_weak_form_loss():
    net, y = model(DoubleWell()), trajectories(DoubleWell(), 9, sigma=0.01)
    other = WeakFormHNN(DoubleWell(), stream(1), hidden=(5, 4, 3)).double()
    window = Window(y[:, 0], y.transpose(0, 1), 0.02)
    expected = float(other.loss(window, Backprop()).detach())
    assert 2 * float(net.residuals(FORM, y).detach().square().mean()) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("system", [DoubleWell(), HenonHeiles()])
def test_the_rows_are_the_derivatives_of_the_residuals(system):
    net, y = model(system), trajectories(system, 3)
    names = [name for name, _ in net.named_parameters()]

    def residuals(*values):
        given = dict(zip(names, values, strict=True))
        return functional_call(_Residuals(net), {f"model.{name}": value for name, value in given.items()}, (y,))

    parts = jacrev(residuals, argnums=tuple(range(len(names))))(*net.parameters())
    expected = torch.cat([part.flatten(1) for part in parts], dim=1).float()
    torch.testing.assert_close(net.rows(FORM, y), expected, rtol=1e-4, atol=1e-5)


class _Residuals(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, y):
        return self.model.residuals(FORM, y)


def test_a_net_near_by_is_found_again_by_its_motion():
    """Without noise, and with H in the class, nothing is left but the truth."""
    teacher = WeakGaussNewton(DoubleWell(), stream(7), GaussLegendre6(), hidden=(4,)).double()
    pupil = model(DoubleWell(), hidden=(4,), seed=7)
    with torch.no_grad():
        teacher.net.readout *= 8
        pupil.net.readout *= 7
    y0 = 2 * torch.rand(300, 2, dtype=torch.float64, generator=stream()) - 1
    pupil.fit(TrainingData(teacher.rollout(y0, 0.02, 40).transpose(0, 1), 0.02, stream(4)))
    error = (pupil.gradient(y0) - teacher.gradient(y0)).norm() / teacher.gradient(y0).norm()
    assert float(error.detach()) < 1e-6


def test_each_step_draws_trajectories_of_its_own_and_more_from_stage_to_stage(monkeypatch):
    seen = []
    monkeypatch.setattr(LevenbergMarquardt, "step", lambda self, parts: seen.append(torch.cat(parts)))
    monkeypatch.setattr("models.weak_gauss_newton.STAGES", ((1, 2), (2, 1), (1000, 1)))
    fitted, y = model(DoubleWell()), trajectories(DoubleWell(), 100)
    fitted.fit(TrainingData(y, 0.02, stream(4)))
    parameters, equations = sum(p.numel() for p in fitted.parameters()), 2 * len(FORM.left)
    assert [len(part) for part in seen] == [-(-parameters // equations)] * 2 + [-(-2 * parameters // equations), 100]
    assert not torch.equal(seen[0], seen[1])
    torch.testing.assert_close(seen[3].sort(dim=0).values, y.sort(dim=0).values, rtol=0, atol=0)


def test_it_learns_a_double_well_from_noisy_data():
    fitted, y = model(DoubleWell(), hidden=(8, 8)).float(), trajectories(DoubleWell(), 1000, sigma=0.01)
    fitted.fit(TrainingData(y.float(), 0.02, stream(4)))
    assert fitted.net.readout.dtype == torch.float32
    points = draw_starts(DoubleWell(), DoubleWell.box, 2000, stream(5), accepted_only=False)
    with torch.no_grad():
        error = fitted.double().hamiltonian(points) - DoubleWell().hamiltonian(points)
    assert float((error - error.mean()).abs().mean()) < 5e-3
