import pytest
import torch

from models import gradients
from models.base import rollout_loss, squared_error
from models.fshnn import FSHNN
from systems.double_well import DoubleWell
from systems.henon_heiles import HenonHeiles
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.rk4 import RK4
from systems.trajectories import Window


def model(system, integrator=None):
    return FSHNN(system, torch.Generator().manual_seed(0), integrator)


def window(dim, steps=6, batch=5, h=0.1):
    generator = torch.Generator().manual_seed(1)
    return Window(
        torch.randn(batch, dim, generator=generator), torch.randn(steps + 1, batch, dim, generator=generator), h
    )


def test_squared_error_is_the_mean_over_times_after_the_start_and_samples_of_the_squared_distance():
    states = torch.tensor([[[9.0, 9.0], [9.0, 9.0]], [[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]]])
    observed = Window(states[0], torch.zeros(3, 2, 2), 0.1)
    assert float(squared_error(states, observed)) == pytest.approx((5 + 0 + 0 + 9) / 4)


@pytest.mark.parametrize("system", [DoubleWell(), HenonHeiles()])
@pytest.mark.parametrize("mode", gradients.names())
def test_loss_is_that_of_its_own_rollout_in_every_mode(system, mode):
    integrator = ImplicitMidpoint if gradients.get(mode).inapplicable(FSHNN, ImplicitMidpoint) is None else RK4
    fshnn, data = model(system, integrator()), window(system.dim)
    loss = fshnn.loss(data, gradients.get(mode)())
    assert loss.item() == pytest.approx(rollout_loss(fshnn, data).item(), rel=1e-6)
    states = fshnn.rollout(data.start, data.h, data.steps)
    by_hand = sum(float((states[i] - data.observed[i]).square().sum()) for i in range(1, 7)) / (6 * 5)
    assert loss.item() == pytest.approx(by_hand, rel=1e-6)


def test_a_rollout_starts_from_the_start_and_not_from_the_first_observation():
    fshnn, data = model(DoubleWell(), ImplicitMidpoint()), window(2)
    torch.testing.assert_close(fshnn.rollout(data.start, data.h, 1)[0], data.start, rtol=0, atol=0)


def test_without_an_integrator_there_is_no_rollout():
    with pytest.raises(ValueError, match="FSHNN was built without an integrator"):
        model(DoubleWell()).rollout(torch.zeros(1, 2), 0.1, 1)


def test_exact_gradients_of_the_loss_agree_in_single_precision():
    data = window(4)
    found = {}
    for mode in ("backprop", "discrete"):
        fshnn = model(HenonHeiles(), ImplicitMidpoint())
        with torch.no_grad():
            for weight in fshnn.net.weights:
                weight *= 2  # an untrained net is nearly flat
        fshnn.loss(data, gradients.get(mode)()).backward()
        found[mode] = torch.cat([parameter.grad.flatten() for parameter in fshnn.parameters()])
    assert (found["discrete"] - found["backprop"]).norm() < 1e-5 * found["backprop"].norm()


def test_a_few_steps_of_gradient_descent_lower_the_loss():
    fshnn, data = model(DoubleWell(), ImplicitMidpoint()), window(2)
    optimiser = torch.optim.Adam(fshnn.parameters(), lr=1e-2)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = fshnn.loss(data, gradients.get("discrete")())
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
