"""CNF: known densities, traces that agree, and the negative control: a Hamiltonian field has no divergence."""

import pytest
import torch
from torch.autograd.functional import jacobian

from models.cnf import CNF, ConcatSquash, HamiltonianField, carry, spread
from models.toy_densities import eight_gaussians, two_moons
from systems.base import field_of
from systems.henon_heiles import HenonHeiles

pytestmark = pytest.mark.usefixtures("without_type_checks")


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def flow() -> CNF:
    return CNF(ConcatSquash((2, 16, 16, 2), stream()), 2, steps=20).double()


POINTS = torch.randn(6, 2, dtype=torch.float64, generator=stream(1))


def test_it_is_the_change_of_variables_of_its_own_map(flow: CNF):
    """log p(x) = log N(z) + log |det dz/dx|, the determinant of the map itself: this finds any other divergence."""
    for x in POINTS:
        back = lambda x: carry(flow.net, x[None], flow.steps, -1, None, None)[0][0]  # noqa: E731
        z = back(x)
        normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum()
        expected = normal + jacobian(back, x).det().abs().log()
        torch.testing.assert_close(flow.log_density(x[None])[0], expected, rtol=0, atol=1e-7)


def test_the_density_integrates_to_one(flow: CNF):
    axis = torch.linspace(-8, 8, 161, dtype=torch.float64)
    with torch.no_grad():
        total = flow.log_density(torch.cartesian_prod(axis, axis)).exp().sum() * 0.1**2
    assert float(total) == pytest.approx(1, abs=1e-4)


def test_random_signs_give_the_divergence_on_average(flow: CNF):
    field = lambda y: flow.net(torch.tensor(0.3, dtype=torch.float64), y)  # noqa: E731
    exact = spread(field, POINTS, None)[1]
    signs = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)  # of each coordinate, up to both at once
    estimates = [spread(field, POINTS, sign.expand(6, 2))[1] for sign in signs]
    torch.testing.assert_close(sum(estimates) / 2, exact, rtol=1e-12, atol=1e-14)
    assert float((estimates[0] - exact).detach().abs().max()) > 1e-3


def test_a_hamiltonian_field_has_no_divergence():
    y = 0.3 * torch.randn(50, 4, dtype=torch.float64, generator=stream(2))
    assert float(spread(HenonHeiles().field, y, None)[1].detach().abs().max()) < 1e-15
    learned = HamiltonianField(4, (16, 16), stream()).double()
    assert float(carry(learned, y, 20, 1, "exact", None)[1].detach().abs().max()) < 1e-14


def test_the_field_of_the_control_is_j_grad_h_at_its_time():
    field, t = HamiltonianField(4, (16, 16), stream()).double(), torch.tensor(0.3, dtype=torch.float64)
    y = torch.randn(7, 4, dtype=torch.float64, generator=stream(2))
    hamiltonian = lambda at: field.net(torch.cat((at, t.expand(len(at), 1)), -1))  # noqa: E731
    torch.testing.assert_close(field(t, y), field_of(hamiltonian, y))


@pytest.mark.parametrize("make", [eight_gaussians, two_moons])
def test_the_densities_to_learn_integrate_to_one_and_are_those_of_their_points(make):
    density = make()
    axis = torch.linspace(-5, 5, 201, dtype=torch.float64)
    plane = torch.cartesian_prod(axis, axis)
    mass = density.log_density(plane).exp() * (10 / 200) ** 2
    assert float(mass.sum()) == pytest.approx(1, abs=1e-6)
    points = density.draw(20000, stream())
    for power in (1, 2):
        moment = (plane**power * mass[:, None]).sum(0)
        torch.testing.assert_close(points.double().pow(power).mean(0), moment, rtol=0, atol=0.1)


@pytest.mark.parametrize(("make", "trace"), [(eight_gaussians, "exact"), (two_moons, "hutchinson")])
def test_it_learns_a_density(make, trace):
    """Its likelihood of unseen points rises well above that of the best single Gaussian."""
    flow, density = CNF(ConcatSquash((2, 32, 32, 2), stream()), 2, 4), make()
    unseen = density.draw(2000, stream(5))
    single = torch.distributions.MultivariateNormal(unseen.mean(0), unseen.T.cov())
    assert trained(flow, density, trace).log_density(unseen).mean() - single.log_prob(unseen).mean() > 0.1
    assert flow.sample(5, stream()).shape == (5, 2)


def test_a_flow_that_keeps_volumes_cannot_learn_eight_gaussians():
    """Its levels enclose the volumes of a Gaussian's: the nearest such density is 2.097 - 1.487 nats away."""
    flow, density = CNF(HamiltonianField(2, (32, 32), stream()), 2, 4), eight_gaussians()
    unseen = density.draw(2000, stream(5))
    with torch.no_grad():
        log_density = trained(flow, density, "exact", iterations=40).log_density(unseen)
    assert float((density.log_density(unseen) - log_density).mean()) > 2.097 - 1.487


@torch.enable_grad()
def trained(flow: CNF, density, trace, iterations: int = 100) -> CNF:
    optimizer, data = torch.optim.Adam(flow.parameters(), lr=1e-2), stream(4)
    for _ in range(iterations):
        optimizer.zero_grad()
        (-flow.log_density(density.draw(256, data), trace, data).mean()).backward()
        optimizer.step()
    return flow.requires_grad_(False)
