"""Polynomial collocation: known methods, and the orders of its end point and of all points between."""

import numpy as np
import pytest
import torch

from systems.collocation import chebyshev, collocate, gauss
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.integrators.gauss_legendre6 import GaussLegendre6

Y0 = torch.tensor([1.0, 0.0], dtype=torch.float64)


def test_three_gauss_nodes_are_the_method_of_order_six():
    y0 = torch.tensor([0.1, -0.2, 0.3, 0.2], dtype=torch.float64)
    found = collocate(HenonHeiles().field, y0, 0.2, gauss(3)).at(torch.tensor([0.2], dtype=torch.float64))
    torch.testing.assert_close(found[0], GaussLegendre6().step(HenonHeiles().field, y0, 0.2), rtol=0, atol=1e-15)


@pytest.mark.parametrize("nodes", [gauss(4), chebyshev(4)])
def test_it_starts_at_the_start_and_follows_the_field_at_the_nodes(nodes: tuple[float, ...]):
    field, h = HarmonicOscillator().field, 0.5
    found = collocate(field, Y0, h, nodes)
    times = h * torch.tensor([0, *nodes], dtype=torch.float64)
    torch.testing.assert_close(found.at(times)[0], Y0, rtol=0, atol=0)
    torch.testing.assert_close(found.velocity(times)[1:], field(found.at(times))[1:], rtol=0, atol=1e-13)
    slope = (found.at(times + 1e-6) - found.at(times - 1e-6)) / 2e-6
    torch.testing.assert_close(found.velocity(times), slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("nodes", "end"), [(gauss(1), 3), (gauss(2), 5), (gauss(3), 7), (chebyshev(2), 3), (chebyshev(3), 5)]
)
def test_the_error_has_the_order_of_the_quadrature_at_the_end_and_s_plus_one_between(
    nodes: tuple[float, ...], end: int
):
    system, spans = HarmonicOscillator(), (0.25, 0.125)
    errors = []
    for span in spans:
        times = torch.linspace(0, span, 101, dtype=torch.float64)
        error = (collocate(system.field, Y0, span, nodes).at(times) - system.exact(Y0, times)).norm(dim=-1)
        errors.append((float(error[-1]), float(error.max())))
    measured = np.log2(np.array(errors[0]) / np.array(errors[1]))
    assert measured == pytest.approx([end, len(nodes) + 1], abs=0.15)
