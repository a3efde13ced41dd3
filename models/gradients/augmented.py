from dataclasses import is_dataclass, replace
from math import sqrt
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torchdiffeq import odeint_adjoint
from torchdiffeq._impl.odeint import SOLVERS
from torchdiffeq._impl.solvers import FixedGridODESolver

from models.base import Model
from models.gradients.base import GradientMode, register, trainable
from systems.integrators import FixedPointSolver, Integrator, unroll
from systems.integrators.runge_kutta import RungeKutta
from systems.integrators.start_guess import RK2, Observation


@register
class Augmented(GradientMode):
    """State, costate and parameter gradient solved backwards as one ODE (Chen et al., arXiv 1806.07366).

    (y, lambda, g)' = (f(y), -A(y)^T lambda, -f_theta(y)^T lambda), by torchdiffeq's `odeint_adjoint` with the
    integrator of the rollout; between observed times nothing is stored, at each of them y starts afresh and lambda
    jumps. This is the gradient of the differential equation: as far from that of the discrete rollout as the order of
    the integrator says. Symmetric and symplectic methods are their own adjoints: with them alone it is exact.

    torchdiffeq makes one vector of the whole batch, which an implicit method solves as one sample: until every entry
    is converged, to a tolerance wider by sqrt(B) for the rounding of g, a sum over the batch; and without Newton's
    method, so NotSolved is raised where the iteration does not contract.
    """

    exact = False

    @classmethod
    def inapplicable(cls, model: type[Model], integrator: type[Integrator]) -> str | None:
        if not issubclass(integrator, RungeKutta):
            return "the augmented state does not split into positions and momenta: only Runge-Kutta methods apply"
        return super().inapplicable(model, integrator)

    def rollout(
        self,
        model: Model,
        integrator: Integrator,
        y0: Float[Tensor, "batch dim"],
        h: float,
        steps: int,
        every: int = 1,
    ) -> Float[Tensor, "times batch dim"]:
        return _AugmentedRollout.apply(model, integrator, h, steps, every, y0, *trainable(model))


class _AugmentedRollout(torch.autograd.Function):
    """Holds the graph of `odeint_adjoint`, whose backward pass is linear in dL/dy, and runs it at scale 1.

    So the absolute tolerance of the implicit solves means the same whatever the size of the loss.
    """

    @staticmethod
    def forward(
        ctx: Any,
        model: Model,
        integrator: Integrator,
        h: float,
        steps: int,
        every: int,
        y0: Tensor,
        *parameters: Tensor,
    ) -> Tensor:
        with torch.enable_grad():
            start = y0.detach().requires_grad_()
            states = odeint_adjoint(
                lambda _, y: model.field(y),
                start,
                torch.arange(0, steps + 1, every, dtype=torch.float64, device=y0.device),  # in steps: exact
                method=OneStepMethod.NAME,
                options={"integrator": integrator, "h": h, "every": every},
                adjoint_options={"integrator": for_one_vector(integrator, len(y0)), "h": h, "every": every},
                adjoint_params=parameters,
            )
        assert isinstance(states, Tensor)
        ctx.graph = states, (start, *parameters)
        return states.detach()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]  (the decorator hides the signature)
        ctx: Any, state_gradients: Tensor
    ) -> tuple[Tensor | None, ...]:
        states, inputs = ctx.graph
        scale = state_gradients.abs().amax().clamp_min(torch.finfo(states.dtype).tiny)
        gradients = torch.autograd.grad(states, inputs, state_gradients / scale, retain_graph=True)
        return (None, None, None, None, None, *(scale * gradient for gradient in gradients))


class OneStepMethod(FixedGridODESolver):
    """An integrator of ours among torchdiffeq's solvers, for an autonomous field and times counted in steps of h."""

    NAME = "hamiltonian_bench"

    def __init__(self, func: Any, y0: Tensor, integrator: Integrator, h: float, every: int, **options: Any):
        super().__init__(func, y0, **options)
        self.integrator, self.h, self.every = integrator, h, every

    def integrate(self, t: Float[Tensor, " times"]) -> Float[Tensor, "times *state"]:
        def field(y: Tensor) -> Tensor:
            if self.y0.ndim == 1 and y.ndim == 2:  # stages of the augmented state, which comes as one vector
                return torch.stack([self.func(t[0], stage) for stage in y])
            return self.func(t[0], y)

        return unroll(self.integrator, field, self.y0, self.h, (len(t) - 1) * self.every, self.every)

    def _step_func(self, func, t0, dt, t1, y0):
        raise NotImplementedError("`integrate` takes the steps")


SOLVERS[OneStepMethod.NAME] = OneStepMethod


def for_one_vector(integrator: Integrator, batch: int) -> Integrator:
    """The method without what needs separate samples: Newton's method on each, and guesses from observations."""
    changes: dict[str, Any] = {}
    if isinstance(getattr(integrator, "start_guess", None), Observation):
        changes["start_guess"] = RK2()
    if isinstance(solver := getattr(integrator, "solver", None), FixedPointSolver):
        changes["solver"] = replace(solver, tolerance=solver.tolerance * sqrt(batch), max_newton_iterations=0)
    return replace(integrator, **changes) if changes and is_dataclass(integrator) else integrator
