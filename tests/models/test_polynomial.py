"""A polynomial H: recovered exactly without noise, without bias with it, and at the rate of statistics."""

import numpy as np
import pytest
import torch
from torch.autograd.functional import hessian, jacobian

import models
import systems
from models.least_squares import Singular
from models.polynomial import Polynomial, exponents, monomials
from models.weak import weak_products
from systems.henon_heiles import HenonHeiles
from systems.trajectories import TrainingData, draw_starts, integrate

DT, STEPS = 0.01, 100
DEGREES = [("double_well", "paper"), ("coupled_oscillator", "quadratic"), ("henon_heiles", "cubic")]


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def clean(name, count, box=None):
    system = systems.get(name)()
    starts = draw_starts(system, box or system.box, count, stream(), accepted_only=False)
    return integrate(system, starts, DT, STEPS)


def fitted(name, preset, observed):
    model = Polynomial(systems.get(name)(), stream(), **Polynomial.presets[preset]).double()
    model.fit(TrainingData(observed, DT, stream()))
    return model


TRUTH = {
    "double_well": {(2, 0): -1 / 2, (4, 0): 1 / 4, (0, 2): 1 / 2},
    "coupled_oscillator": {(2, 0): 1 / 2, (0, 2): 1 / 2, (1, 1): 1 / 2},
    "henon_heiles": {(2, 0, 0, 0): 1 / 2, (0, 2, 0, 0): 1 / 2, (0, 0, 2, 0): 1 / 2, (0, 0, 0, 2): 1 / 2,
                     (2, 1, 0, 0): 1.0, (0, 3, 0, 0): -1 / 3},
}  # fmt: skip


def errors(name, model):
    """c - c_true."""
    truth = [TRUTH[name].get(tuple(e), 0.0) for e in model.terms.tolist()]
    return model.coefficients.detach() - torch.tensor(truth, dtype=torch.float64)


@pytest.mark.parametrize(("name", "preset"), DEGREES)
def test_a_polynomial_hamiltonian_is_recovered_from_data_without_noise(name, preset):
    model = fitted(name, preset, clean(name, 200))
    assert float(errors(name, model).abs().max()) < 1e-9


def test_a_degree_above_the_true_one_is_no_harm():
    model = fitted("henon_heiles", "paper", clean("henon_heiles", 400))
    assert float(errors("henon_heiles", model).abs().max()) < 1e-9


def test_long_trajectories_are_used_whole_in_segments_that_meet(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "models.polynomial.weak_products", lambda y, *given: seen.append(y) or weak_products(y, *given)
    )
    y = integrate(systems.get("double_well")(), torch.tensor([[0.3, 0.8], [1.2, 1.1]], dtype=torch.float64), DT, 450)
    assert float(errors("double_well", fitted("double_well", "paper", y)).abs().max()) < 1e-9
    (segments,) = seen
    assert segments.shape == (8, 101, 2)
    torch.testing.assert_close(segments[1:4, 0], segments[:3, -1], rtol=0, atol=0)


def test_the_bias_of_the_noise_is_taken_out(monkeypatch):
    """Monomials at the noisy states would move the coefficient of q^2 by 3/2 sigma^2, for q^4 / 4 gives q^3."""
    y, sigma = clean("double_well", 4000), 0.1
    noisy = [y + sigma * torch.randn(y.shape, dtype=torch.float64, generator=stream(seed)) for seed in (1, 2, 3, 4)]
    corrected = [errors("double_well", fitted("double_well", "paper", part)) for part in noisy]
    monkeypatch.setattr("models.polynomial.noise_variance", lambda y: torch.zeros(2, dtype=torch.float64))
    plain = [errors("double_well", fitted("double_well", "paper", part)) for part in noisy]
    which = exponents(2, 4)[1:].index((2, 0))
    moved = torch.stack(plain).mean(0)[which] - torch.stack(corrected).mean(0)[which]
    assert abs(float(moved)) == pytest.approx(1.5 * sigma**2, rel=0.1)
    assert abs(float(torch.stack(corrected).mean(0)[which])) < 0.4 * 1.5 * sigma**2


def test_the_error_falls_as_one_over_the_root_of_the_trajectories():
    y, spread = clean("double_well", 4096), []
    noisy = y + 0.01 * torch.randn(y.shape, dtype=torch.float64, generator=stream(1))
    for count in (64, 4096):
        found = [errors("double_well", fitted("double_well", "paper", part)) for part in noisy.split(count)[:16]]
        spread.append(float(torch.stack(found).square().mean().sqrt()))
    assert 4 < spread[0] / spread[1] < 16, "64 times the data, 8 times the accuracy"


@pytest.mark.parametrize(("dim", "degree", "count"), [(2, 4, 15), (4, 3, 35), (4, 4, 70), (2, 1, 3)])
def test_there_is_every_monomial_once(dim, degree, count):
    found = exponents(dim, degree)
    assert len(set(found)) == len(found) == count
    assert found[0] == (0,) * dim


def test_corrected_monomials_have_the_true_ones_as_their_mean():
    """The mean over Gaussian noise by Gauss-Hermite quadrature, which is exact for polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    z, w = torch.tensor(nodes), torch.tensor(weights / weights.sum())
    y, sigma = torch.tensor([0.7, -1.2], dtype=torch.float64), torch.tensor([0.3, 0.5], dtype=torch.float64)
    degree = 5
    powers = torch.tensor(exponents(2, degree))
    noisy = y + sigma * torch.cartesian_prod(z, z)
    mean = torch.cartesian_prod(w, w).prod(-1) @ monomials(noisy, powers, degree, sigma**2)
    torch.testing.assert_close(mean, monomials(y, powers, degree), rtol=1e-12, atol=1e-12)
    biased = torch.cartesian_prod(w, w).prod(-1) @ monomials(noisy, powers, degree)
    assert not torch.allclose(biased, monomials(y, powers, degree), atol=0.1)


@pytest.mark.parametrize("preset", Polynomial.presets)
def test_field_and_hessian_are_those_of_h_for_any_coefficients(preset):
    model = Polynomial(HenonHeiles(), stream(), **Polynomial.presets[preset]).double()
    torch.nn.init.normal_(model.coefficients, generator=stream(5))
    y = torch.randn(4, dtype=torch.float64, generator=stream(6))
    torch.testing.assert_close(model.gradient(y), jacobian(model.hamiltonian, y), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(model.hessian(y), hessian(model.hamiltonian, y), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("observed", [torch.zeros(50, 20, 2), torch.ones(1, 20, 2)], ids=["at rest", "one point"])
def test_data_that_show_no_motion_are_told_with_rank_and_condition(observed):
    with pytest.raises(Singular, match=r"do not determine the 14 coefficients.* rank \d+ and condition number"):
        fitted("double_well", "paper", observed)


@pytest.mark.slow
@pytest.mark.parametrize("system", ["double_well", "coupled_oscillator", "henon_heiles"])
def test_under_the_paper_protocol_every_error_is_below_3e_4(system):
    from bench.data import make_dataset, observe
    from bench.evaluate import judge
    from bench.protocol import load_protocol

    protocol = load_protocol("paper")
    dataset = make_dataset(system, protocol)
    observations = observe(dataset.train, protocol, "train", system, 0, torch.float32)
    model = models.get("polynomial")(systems.get(system)(), stream())
    model.fit(observations.whole(stream()))
    columns = judge(model, system, protocol)
    assert all(columns[f"h_mae_{name}"] < 3e-4 for name in ("ru", "sg", "gaussian"))
