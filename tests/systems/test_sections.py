"""Sections by the states alone, against an independent integrator's events; the boundary of what energy allows."""

import pytest
import torch
from scipy.integrate import solve_ivp

from systems.henon_heiles import HenonHeiles
from systems.sections import crossings
from systems.trajectories import integrate

HH = HenonHeiles()
SECTION = HenonHeiles.section


def test_crossings_are_those_of_an_independent_integrator():
    starts = SECTION.draw(0.125, 2, torch.Generator().manual_seed(2))
    found = crossings(integrate(HH, starts, 0.05, 500).transpose(0, 1), SECTION.coordinate)
    assert float(found.states[:, 0].abs().max()) < 1e-12, "the root"
    for orbit, start in enumerate(starts):
        rising = lambda t, y: y[0]  # noqa: E731  SciPy wants attributes on it
        rising.direction = 1
        field = lambda t, y: HH.field(torch.from_numpy(y)).numpy()  # noqa: E731
        exact = solve_ivp(field, (0, 25), start.numpy(), "DOP853", rtol=1e-12, atol=1e-13, events=rising)
        after = exact.t_events[0] > 1e-6  # the start lies on the section
        own = found.states[found.orbits == orbit][:, [1, 3]]
        times = 0.05 * found.steps[found.orbits == orbit]
        assert len(own) == after.sum() > 2
        torch.testing.assert_close(times, torch.from_numpy(exact.t_events[0][after]), rtol=0, atol=2e-8)
        torch.testing.assert_close(own, torch.from_numpy(exact.y_events[0][after][:, [1, 3]]), rtol=0, atol=2e-8)


def test_the_error_of_a_crossing_is_of_order_eight():
    def error(h: float) -> float:
        times = h * torch.arange(round(30 / h), dtype=torch.float64)[:, None, None]
        found = crossings(torch.cat((times.sin(), (3 * times + 1).cos()), -1) - 0.3, 0)
        crossing = torch.asin(torch.tensor(0.3, dtype=torch.float64))
        inner = (found.steps > 4) & (found.steps < len(times) - 5)  # the others have their states on one side
        return float((found.states[inner, 1] + 0.3 - (3 * crossing + 1).cos()).abs().max())

    assert 150 < error(0.2) / error(0.1) < 400


def test_states_that_are_not_finite_or_too_few_have_no_crossings():
    times = 0.1 * torch.arange(200, dtype=torch.float64)[:, None]
    states = torch.stack((times.sin(), times.cos()), -1)
    assert len(crossings(states, 0).orbits) == 3
    states[100:] = torch.nan
    assert len(crossings(states, 0).orbits) == 1
    assert len(crossings(states[:7], 0).orbits) == 0


@pytest.mark.parametrize("energy", [1 / 12, 0.1, 1 / 8, 1 / 6])
def test_the_boundary_is_where_the_energy_is_used_up(energy: float):
    """py^2 + 2 V(0, y) = 2 E, by H itself: with px = 0 there, the state has the energy E."""
    edge = SECTION.boundary(energy)
    states = torch.stack((0 * edge[:, 0], edge[:, 0], 0 * edge[:, 0], edge[:, 1]), -1)
    torch.testing.assert_close(HH.hamiltonian(states), torch.full((101,), energy, dtype=torch.float64))
    assert float(edge[:, 1].max()) == pytest.approx((2 * energy) ** 0.5, rel=1e-3), "where V = 0"
    torch.testing.assert_close(edge, edge.flip(0) * torch.tensor([1.0, -1.0], dtype=torch.float64))


def test_starts_lie_on_the_section_and_fill_what_the_energy_allows():
    starts = SECTION.draw(1 / 6, 2000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(HH.hamiltonian(starts), torch.full((2000,), 1 / 6, dtype=torch.float64))
    assert not starts[:, 0].any()
    assert float(starts[:, 2].min()) > 0
    assert float(starts[:, 1].max()) > 0.9, "up to the saddle at y = 1"
    assert float(starts[:, 1].min()) < -0.45
