from math import log, sqrt

import pytest
import torch
from scipy.integrate import solve_ivp
from torch.autograd.functional import jacobian

from systems.lotka_volterra import LotkaVolterra

ECOLOGY = LotkaVolterra()
CENTRE = torch.tensor([log(2), 0], dtype=torch.float64)


def test_the_centre_has_the_greatest_energy_and_frequency_sqrt_2():
    assert ECOLOGY.field(CENTRE).abs().max() < 1e-15
    assert float(ECOLOGY.hamiltonian(CENTRE)) == pytest.approx(2 * log(2) - 3, abs=1e-15)
    points = CENTRE + torch.randn(1000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert (ECOLOGY.hamiltonian(points) < 2 * log(2) - 3).all()
    exponents = torch.linalg.eigvals(jacobian(ECOLOGY.field, CENTRE))
    assert sorted(exponents.imag.tolist()) == pytest.approx([-sqrt(2), sqrt(2)], abs=1e-14)
    assert exponents.real.abs().max() < 1e-14


def test_orbits_are_closed_and_the_means_of_the_populations_over_a_period_are_those_of_the_centre():
    """Volterra's principle. The populations are integrated beside the motion, until q = ln 2 is passed again."""

    def rates(_, y):
        state = torch.from_numpy(y[:2])
        return torch.cat((ECOLOGY.field(state), state.exp())).numpy()

    def returned(t, y):
        return y[0] - log(2) if t > 0.1 else 1.0

    returned.terminal, returned.direction = True, 1
    start = [log(2), -1.5, 0, 0]
    found = solve_ivp(rates, (0, 20), start, "DOP853", events=returned, rtol=1e-11, atol=1e-12)
    (period,), ((*end, prey, predators),) = found.t_events[0], found.y_events[0]
    assert end == pytest.approx(start[:2], abs=1e-8)
    assert [prey / period, predators / period] == pytest.approx([2, 1], abs=1e-8)


def test_in_populations_it_is_the_predator_prey_equation():
    y = torch.randn(32, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    (prey, predators), (prey_rate, predator_rate) = y.exp().T, (y.exp() * ECOLOGY.field(y)).T
    torch.testing.assert_close(prey_rate, prey * (1 - predators), rtol=1e-14, atol=0)
    torch.testing.assert_close(predator_rate, predators * (prey - 2), rtol=1e-14, atol=0)
