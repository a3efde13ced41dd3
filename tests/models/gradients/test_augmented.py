"""The augmented adjoint: near the gradient of the discrete rollout by the order of the integrator, or exact."""

from math import log2

import pytest
import torch
from fitted_net import fitted, gradient, observations, relative, untrained
from torch import nn

import systems
from models.base import HamiltonianModel
from models.fshnn import FSHNN
from models.gradients.augmented import Augmented, OneStepMethod
from models.gradients.continuous import Continuous
from models.gradients.discrete import Discrete
from systems import integrators
from systems.integrators import NotSolved
from systems.integrators.explicit_midpoint import ExplicitMidpoint
from systems.integrators.gauss_legendre4 import GaussLegendre4
from systems.integrators.implicit_midpoint import ImplicitMidpoint
from systems.integrators.rk4 import RK4
from systems.integrators.start_guess import Observation
from systems.integrators.yoshida4_midpoint import Yoshida4Midpoint

pytestmark = pytest.mark.usefixtures("without_type_checks")

DURATION, OBSERVED = 0.8, 4


def errors(mode, integrator, name, h):
    """Relative errors of (d/dtheta, d/dy0) on observations whose times do not depend on h."""
    steps = round(DURATION / h)
    sparse = observations(name, DURATION / OBSERVED, OBSERVED, 0.01, 8)
    observed = sparse.repeat_interleave(steps // OBSERVED, 0)[: steps + 1]  # only every (steps / 4)-th is looked at
    ours = gradient(mode, integrator, fitted(name), observed, h, steps // OBSERVED)
    exact = gradient(Discrete, integrator, fitted(name), observed, h, steps // OBSERVED)
    return [relative(*parts) for parts in zip(ours, exact, strict=True)]


@pytest.mark.parametrize("name", ["double_well", "henon_heiles"])
@pytest.mark.parametrize(
    ("mode", "integrator", "order"),
    [(Augmented, ExplicitMidpoint, 2), (Augmented, RK4, 4), (Continuous, ImplicitMidpoint, 2), (Continuous, RK4, 2)],
)
def test_parameter_gradient_converges_to_that_of_the_rollout(name, mode, integrator, order):
    coarse, fine = (errors(mode, integrator, name, h)[0] for h in (0.1, 0.05))
    assert fine > 1e-10
    assert log2(coarse / fine) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize("name", ["double_well", "henon_heiles"])
@pytest.mark.parametrize("integrator", [ImplicitMidpoint, GaussLegendre4, Yoshida4Midpoint])
def test_symmetric_symplectic_methods_are_their_own_adjoints(name, integrator):
    assert errors(Augmented, integrator, name, 0.2) == pytest.approx([0, 0], abs=1e-11)


def test_methods_that_split_the_state_are_refused():
    refused = {name for name in integrators.names() if Augmented.inapplicable(FSHNN, integrators.get(name))}
    assert refused == {"stormer_verlet", "symplectic_euler", "tao", "yoshida4"}
    assert "Runge-Kutta" in (Augmented.inapplicable(FSHNN, integrators.get("tao")) or "")


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("integrator", [ImplicitMidpoint, RK4])
def test_the_size_of_the_loss_does_not_matter(integrator, scale):
    model, observed = fitted("double_well"), observations("double_well", 0.05, 64, 0.01, 8)[:9]

    def scaled(factor):
        states = Augmented().rollout(model, integrator(), observed[0], 0.05, 8)
        return torch.cat([g.flatten() for g in torch.autograd.grad(factor * states.sum(), list(model.parameters()))])

    assert relative(scaled(scale) / scale, scaled(1.0)) < 1e-13


@pytest.mark.parametrize("h", [0.1, 0.3])
def test_single_precision_and_a_large_batch_do_not_stop_the_solver(h):
    """One vector of all samples and the parameters: rounding of a sum over the batch is no lack of convergence."""
    model = untrained("henon_heiles")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 1.7  # a field that is not small
    y0 = torch.rand(4096, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    observed = (2 * y0 - 1).expand(5, -1, -1)
    exact, _ = gradient(Discrete, ImplicitMidpoint, model, observed, h, 4)
    ours, _ = gradient(Augmented, ImplicitMidpoint, model.float(), observed.float(), h, 4)
    assert relative(ours.double(), exact) < 1e-4


def test_evaluations_of_the_field_are_counted():
    model, observed = fitted("double_well"), observations("double_well", 0.05, 64, 0.01, 8)[:9]
    before = model.evaluations
    gradient(Augmented, RK4, model, observed, 0.05, 2)
    assert (model.evaluations - before) / 8 == 2 * 8 * 4  # forward and backward, four stages a step


def test_steps_are_taken_by_the_integrator_and_not_by_the_times_of_torchdiffeq():
    """Sums of 0.1 drift in floats; every step has exactly this h."""
    steps = []

    class Noted(RK4):
        def step(self, field, y, h):
            steps.append(h)
            return super().step(field, y, h)

    observed = observations("double_well", 0.1, 10, 0.0, 2)
    Augmented().rollout(fitted("double_well"), Noted(), observed[0], 0.1, 100, 10).sum().backward()
    assert steps == [0.1] * 200


def test_guesses_from_observations_are_for_the_states_alone():
    model, observed = fitted("double_well"), observations("double_well", 0.05, 64, 0.01, 8)[:13]
    integrator = ImplicitMidpoint(start_guess=Observation()).observing(observed[::3], 3)
    ours = gradient(Augmented, lambda: integrator, model, observed, 0.05, 3)
    exact = gradient(Discrete, ImplicitMidpoint, model, observed, 0.05, 3)
    assert [relative(*parts) for parts in zip(ours, exact, strict=True)] == pytest.approx([0, 0], abs=1e-11)


class Stiff(HamiltonianModel):
    """H = k q^2/2 + p^2/2 with k = 100: the iteration does not contract for h = 0.3."""

    integrates = True

    def __init__(self):
        super().__init__(systems.get("double_well")(), torch.Generator())
        self.stiffness = nn.Parameter(torch.tensor(100.0, dtype=torch.float64))

    def hamiltonian(self, y):
        q, p = y.unbind(-1)
        return self.stiffness * q**2 / 2 + p**2 / 2

    def gradient(self, y):
        q, p = y.unbind(-1)
        return torch.stack((self.stiffness * q, p), dim=-1)


def test_where_newton_would_be_needed_the_failure_is_stated():
    states = Augmented().rollout(Stiff(), ImplicitMidpoint(), torch.ones(2, 2, dtype=torch.float64), 0.3, 4)
    with pytest.raises(NotSolved, match="implicit equations not solved"):
        states.sum().backward()


def test_the_continuous_adjoint_has_newton():
    """The field is linear: dL/dy0 by the cotangent lift equals that of the rollout."""
    found = []
    for mode in (Continuous, Discrete):
        y0 = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
        mode().rollout(Stiff(), ImplicitMidpoint(), y0, 0.3, 4).square().sum().backward()
        found.append(y0.grad)
    torch.testing.assert_close(*found, rtol=1e-10, atol=0)


def test_torchdiffeq_knows_the_solver_by_a_name_of_ours():
    from torchdiffeq._impl.odeint import SOLVERS

    assert SOLVERS[OneStepMethod.NAME] is OneStepMethod
