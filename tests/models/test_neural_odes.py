"""Vector fields without a Hamiltonian: they show what structure is worth."""

import torch

from models.neural_ode import NeuralODE
from models.second_order_neural_ode import SecondOrderNeuralODE
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.integrators.rk4 import RK4

Y = torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def build(kind, **arguments):
    return kind(HenonHeiles(), torch.Generator().manual_seed(0), RK4(), **arguments).double()


def test_a_neural_ode_need_not_keep_volume_and_has_no_energy():
    divergence = build(NeuralODE).jacobian(Y).diagonal(dim1=-2, dim2=-1).sum(-1)
    assert float(divergence.abs().min()) > 1e-6
    assert not NeuralODE.has_hamiltonian


def test_the_velocity_of_a_second_order_neural_ode_is_the_momentum():
    field = build(SecondOrderNeuralODE).field(Y)
    torch.testing.assert_close(field[..., :2], Y[..., 2:], rtol=0, atol=0)
    assert field.shape == Y.shape


def test_sizes_are_those_of_the_sources_and_the_matched_ones_near_1100_in_two_dimensions():
    counts = {
        (kind.__name__, preset): sum(
            p.numel() for p in kind(HarmonicOscillator(), torch.Generator(), **arguments).parameters()
        )
        for kind in (NeuralODE, SecondOrderNeuralODE)
        for preset, arguments in kind.presets.items()
    }
    assert counts == {
        ("NeuralODE", "paper"): 162,
        ("NeuralODE", "matched"): 1102,
        ("SecondOrderNeuralODE", "paper"): 501,
        ("SecondOrderNeuralODE", "matched"): 1117,
    }
