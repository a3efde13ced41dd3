"""CNF: known densities, traces that agree, and the negative control: a Hamiltonian field has no divergence."""

import pytest
import torch
from torch.autograd.functional import jacobian

from models.cnf import CNF, carry, spread
from models.toy_densities import eight_gaussians, two_moons
from systems.henon_heiles import HenonHeiles


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def flow() -> CNF:
    return CNF(2, stream(), hidden=(16, 16), steps=20).double()


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

    class Hamiltonian(torch.nn.Module):
        def forward(self, t, y):
            return HenonHeiles().field(y)

    assert float(carry(Hamiltonian(), y, 20, 1, "exact", None)[1].detach().abs().max()) < 1e-14


@pytest.mark.parametrize("trace", ["exact", "hutchinson"])
@pytest.mark.parametrize("draw", [eight_gaussians, two_moons])
def test_it_learns_a_density(draw, trace):
    """Its likelihood of unseen points rises well above that of the best single Gaussian."""
    flow, data = CNF(2, stream(), hidden=(32, 32), steps=4), stream(4)
    optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        (-flow.log_density(draw(256, data), trace, data).mean()).backward()
        optimizer.step()
    unseen = draw(2000, stream(5))
    single = torch.distributions.MultivariateNormal(unseen.mean(0), unseen.T.cov())
    with torch.no_grad():
        assert float(flow.log_density(unseen).mean() - single.log_prob(unseen).mean()) > 0.1
    assert flow.sample(5, stream()).shape == (5, 2)
