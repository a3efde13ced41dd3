"""The schemes on exact pairs: H~ is known for the harmonic oscillator, and the corrections gain their orders."""

from math import cos, log2, sin, tan

import pytest
import torch
from torch import Tensor

from models.networks import ScalarMLP, SeparableMLP
from models.one_step import SCHEMES
from systems import integrators
from systems.base import apply_j, field_of
from systems.coupled_oscillator import CoupledOscillator
from systems.double_well import DoubleWell
from systems.harmonic_oscillator import HarmonicOscillator
from systems.integrators import field_of_owner

POINTS = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
GAINS = {
    "symplectic_euler": (1, 2),
    "implicit_midpoint": (2, 4),
    "stormer_verlet": (2, 4),
}  # orders of H~ and corrected
each_scheme = pytest.mark.parametrize("name", SCHEMES)


class Given:
    """A function of y, with derivatives by automatic differentiation."""

    def __init__(self, hamiltonian):
        self.hamiltonian = hamiltonian

    def gradient(self, y: Tensor) -> Tensor:
        return -apply_j(field_of(self.hamiltonian, y))

    def expansion(self, y: Tensor) -> "Point":
        return Point(self, y)


class Point:
    """grad H at y, and its derivatives."""

    def __init__(self, function: Given, y: Tensor):
        self.function, self.y = function, y
        self.gradient = function.gradient(y)

    def along(self, u: Tensor) -> "Line":
        return Line(self.function, self.y, u)


class Line:
    """The derivatives of grad H from y along u."""

    def __init__(self, function: Given, y: Tensor, u: Tensor):
        self.u, self.point = u, y.clone() if y.requires_grad else y.detach().requires_grad_()
        self.gradient = function.gradient(self.point)  # u may depend on y, not on the point
        self.first = self.pulled(self.gradient, u)

    def second(self, w: Tensor) -> Tensor:
        return self.pulled(self.first, self.u) + self.pulled(self.gradient, w)

    def pulled(self, values: Tensor, cotangents: Tensor) -> Tensor:
        (pulled,) = torch.autograd.grad(
            (values * cotangents).sum(), self.point, create_graph=True, allow_unused=True, materialize_grads=True
        )
        return pulled


def oscillator(name, h):
    """H~ whose scheme turns the plane by h exactly, as every exact pair of H = (q^2 + p^2)/2 does."""
    a, b, d = {
        "symplectic_euler": (tan(h) / h, (1 / cos(h) - 1) / h, tan(h) / h),
        "implicit_midpoint": (2 * tan(h / 2) / h, 0.0, 2 * tan(h / 2) / h),
        "stormer_verlet": (2 * tan(h / 2) / h, 0.0, sin(h) / h),
    }[name]

    def hamiltonian(y):
        q, p = y.unbind(-1)
        return a * q**2 / 2 + b * q * p + d * p**2 / 2

    return Given(hamiltonian)


@each_scheme
@pytest.mark.parametrize("h", [0.1, 0.5])
def test_the_known_h_tilde_explains_exact_pairs(name, h):
    rotated = HarmonicOscillator().exact(POINTS, torch.tensor([h], dtype=torch.float64))
    slope = SCHEMES[name].slope(oscillator(name, h), POINTS, rotated[0], h)
    torch.testing.assert_close(slope, (rotated[0] - POINTS) / h, rtol=0, atol=1e-13)


@each_scheme
def test_the_correction_of_the_known_h_tilde_gains_its_orders(name):
    """One order for symplectic Euler, two for the symmetric schemes."""
    truth = HarmonicOscillator().hamiltonian(POINTS)

    def errors(h):
        h_tilde = oscillator(name, h)
        raw = h_tilde.hamiltonian(POINTS)
        corrected = raw + SCHEMES[name].excess(h_tilde.expansion(POINTS), h)
        return tuple(float((value - truth).abs().max().detach()) for value in (raw, corrected))

    coarse, fine = errors(0.1), errors(0.05)
    orders = [log2(one / other) for one, other in zip(coarse, fine, strict=True)]
    assert orders == pytest.approx(GAINS[name], abs=0.1)
    assert coarse[1] < coarse[0] / 3


@each_scheme
@pytest.mark.parametrize("system", [DoubleWell(), CoupledOscillator()], ids=lambda system: type(system).__name__)
def test_the_integrator_of_the_scheme_conserves_h_with_its_excess_to_higher_order(name, system):
    """A step with H~ = H changes H~ by O(h^(order + 1)), and H~ + excess by that of the corrected order."""
    scheme, points = SCHEMES[name], 0.3 * POINTS
    if scheme.separable and not system.separable:
        pytest.skip("the scheme is defined for T(p) + V(q)")
    h_tilde = Given(system.hamiltonian)

    def changes(h):
        ends = (points, integrators.get(name)().step(field_of_owner(system), points, h))
        plain = [system.hamiltonian(y) for y in ends]
        modified = [energy + scheme.excess(h_tilde.expansion(y), h) for energy, y in zip(plain, ends, strict=True)]
        return [float((after - before).norm().detach()) for before, after in (plain, modified)]

    orders = [log2(coarse / fine) - 1 for coarse, fine in zip(changes(0.1), changes(0.05), strict=True)]
    if changes(0.1)[0] > 1e-10:  # implicit midpoint conserves a quadratic H itself
        assert orders == pytest.approx(GAINS[name], abs=0.25)


@each_scheme
@pytest.mark.parametrize("system", [DoubleWell(), CoupledOscillator()], ids=lambda system: type(system).__name__)
def test_the_slope_is_that_of_the_integrator_of_the_scheme(name, system):
    """A pair that the integrator made is explained by the very H that it was made with."""
    scheme = SCHEMES[name]
    if scheme.separable and not system.separable:
        pytest.skip("the scheme is defined for T(p) + V(q)")
    moved = integrators.get(name)().step(field_of_owner(system), POINTS, 0.1)
    slope = scheme.slope(Given(system.hamiltonian), POINTS, moved, 0.1)
    torch.testing.assert_close(slope, (moved - POINTS) / 0.1, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("net", [ScalarMLP((4, 7, 6)), SeparableMLP(4, (7, 6))], ids=lambda net: type(net).__name__)
def test_the_expansion_of_a_net_is_its_gradient_along_the_direction(net):
    net = net.double()
    y, u, w = torch.randn(3, 3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    at, expected = net.expansion(y), Given(net).expansion(y)
    along, expected_along = at.along(u), expected.along(u)
    torch.testing.assert_close(
        (at.value, at.gradient, along.first, along.second(w)),
        (net(y), expected.gradient, expected_along.first, expected_along.second(w)),
    )
    torch.testing.assert_close(along.first, torch.einsum("abij,abj->abi", net.hessian(y), u))
    leaves = (y[0].requires_grad_(), u[0].requires_grad_(), w[0].requires_grad_())

    def values(y: Tensor, u: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        along = net.expansion(y).along(u)
        return along.first, along.second(w)

    assert torch.autograd.gradcheck(values, leaves)


def test_the_second_derivative_is_that_along_a_curve():
    """By central differences of the gradient on y + x u + x^2 w / 2."""
    net, x = ScalarMLP((4, 7, 6)).double(), 1e-4
    y, u, w = torch.randn(3, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    before, here, after = (net.gradient(y + s * u + s * s * w / 2) for s in (-x, 0.0, x))
    torch.testing.assert_close(
        net.expansion(y).along(u).second(w), (after - 2 * here + before) / x**2, rtol=1e-5, atol=1e-6
    )


@each_scheme
def test_the_gradient_of_the_excess_is_its_derivative(name):
    net = SeparableMLP(4, (7, 6)).double()
    y = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (expected,) = torch.autograd.grad(SCHEMES[name].excess(net.expansion(y), 0.3).sum(), y)
    torch.testing.assert_close(SCHEMES[name].excess_gradient(net.expansion(y), 0.3), expected)
