import pytest
import torch
from torch.autograd.functional import jacobian, jvp

from systems.double_well import DoubleWell
from systems.trajectories import integrate

DW = DoubleWell()


def state(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("q", [-1.0, 1.0])
def test_centres_lie_at_plus_minus_one_with_energy_minus_a_quarter_and_frequency_sqrt_2(q):
    centre = state(q, 0)
    assert not DW.field(centre).any()
    assert float(DW.hamiltonian(centre)) == -0.25
    exponents = torch.linalg.eigvals(jacobian(DW.field, centre))
    assert sorted(exponents.imag.tolist()) == pytest.approx([-(2**0.5), 2**0.5], abs=1e-14)
    assert exponents.real.abs().max() < 1e-14


def test_minus_a_quarter_is_the_least_energy():
    q = torch.linspace(-3, 3, 601, dtype=torch.float64)
    assert DW.hamiltonian(torch.stack((q, 0 * q), -1)).min() == pytest.approx(-0.25, abs=1e-15)


def test_saddle_at_the_origin_has_energy_zero_and_exponents_plus_minus_one():
    assert not DW.field(state(0, 0)).any()
    assert float(DW.hamiltonian(state(0, 0))) == 0
    exponents = torch.linalg.eigvals(jacobian(DW.field, state(0, 0)))
    assert sorted(exponents.real.tolist()) == pytest.approx([-1, 1], abs=1e-14)


def test_homoclinic_orbit_is_sqrt_2_sech_t_at_energy_zero():
    def orbit(t):
        sech = 1 / t.cosh()
        return 2**0.5 * torch.stack((sech, -sech * t.tanh()), -1)

    t = torch.linspace(-4, 4, 33, dtype=torch.float64)
    states, derivative = jvp(orbit, t, torch.ones_like(t))
    torch.testing.assert_close(derivative, DW.field(states), rtol=0, atol=1e-14)
    assert DW.hamiltonian(states).abs().max() < 1e-14
    followed = integrate(DW, orbit(t[16:17]), 0.01, 200)[0, -1]
    torch.testing.assert_close(followed, orbit(state(2.0))[0], rtol=0, atol=1e-10)


def test_orbits_stay_between_the_turning_points_of_their_energy():
    """From the corner of the box, H = 4: |q| <= sqrt(1 + sqrt(17)) = 2.263 and |p| <= sqrt(8.5) = 2.915."""
    orbit = integrate(DW, state(2, 2)[None], 0.02, 300)[0]
    q, p = orbit.abs().amax(0).tolist()
    assert q == pytest.approx(2.263, abs=1e-3)
    assert p == pytest.approx(2.915, abs=1e-3)
