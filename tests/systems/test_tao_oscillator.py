from math import sqrt

import numpy as np
import pytest
import torch
from dop853 import follow
from scipy.special import ellipj, ellipk
from torch.autograd.functional import jacobian

from systems.tao_oscillator import TaoOscillator

TAO = TaoOscillator()


def state(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_the_origin_is_a_centre_with_energy_one_half_and_frequency_one():
    assert not TAO.field(state(0, 0)).any()
    assert float(TAO.hamiltonian(state(0, 0))) == 0.5
    exponents = torch.linalg.eigvals(jacobian(TAO.field, state(0, 0)))
    assert sorted(exponents.imag.tolist()) == [-1, 1]


@pytest.mark.parametrize("a", [0.3, 2.0])
def test_orbits_are_the_stated_elliptic_functions(a):
    m, rate = a**2 / (1 + a**2), sqrt(1 + a**2)
    times = np.linspace(0, 4 * ellipk(m) / rate, 33)
    states = follow(TAO, state(a, 0), times)
    torch.testing.assert_close(states[:, 0], a * torch.from_numpy(ellipj(rate * times, m)[1]), rtol=0, atol=1e-9)
    torch.testing.assert_close(states[-1], states[0], rtol=0, atol=1e-9)


def test_quarter_turns_and_reflections_leave_h_alone():
    q, p = torch.randn(2, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    energy = TAO.hamiltonian(torch.stack((q, p), -1))
    for image in ((p, -q), (-q, p), (q, -p)):
        torch.testing.assert_close(TAO.hamiltonian(torch.stack(image, -1)), energy, rtol=0, atol=0)
