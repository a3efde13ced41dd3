"""What a model is, and what it may declare about itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from systems.base import System, apply_j, field_of
from systems.integrators import Integrator, field_of_owner, unroll, unroll_at
from systems.registry import Registry
from systems.trajectories import TrainingData, Window

if TYPE_CHECKING:
    from models.gradients.base import GradientMode


NEEDS = frozenset({"derivatives", "noise-free data", "equations"})  # what a model may need of a protocol


class Model(nn.Module, ABC):
    """Something that learns the dynamics of a system.

    A trained model is built from the system but may look only at its dimension: what is known exactly about
    the system is for judging. What it declares:

    * `trainable`: it has something to learn; `fits`: by `fit`, a solver of its own, in place of a `loss`;
    * `integrates`: its loss runs an integrator, so that integrators and gradient modes apply to it;
    * `own_integrator`: the one that it is trained with where a grid names none, if not the default;
    * `has_hamiltonian`, `has_field`: what of it can be judged. What has no field is a FlowModel;
    * `separable`: its H is T(p) + V(q);
    * `resumes`: a rollout from the last state of another one goes on as that would have;
    * `presets`: keyword arguments of its constructor by name, of which "paper" is the default.
    """

    trainable: bool = True
    fits: bool = False
    integrates: bool = False
    own_integrator: str | None = None
    has_hamiltonian: bool = True
    has_field: bool = True
    separable: bool = False
    resumes: bool = True
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"paper": {}}
    integrator: Integrator | None = None

    def __init__(self, system: System, generator: torch.Generator, integrator: Integrator | None = None):
        """`generator` draws the initial parameters; `integrator` is for models that integrate a field."""
        super().__init__()
        self.dim = system.dim
        self.integrator = integrator
        self.evaluations = 0  # of the field or its Jacobian, in points

    @classmethod
    def inapplicable(cls, system: System, preset: str = "paper") -> str | None:
        """Why this preset of the model cannot learn this system, or None if it can."""
        return None

    @classmethod
    def needs(cls, preset: str) -> frozenset[str]:
        """What of NEEDS a protocol must offer for this preset to learn."""
        return frozenset()

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        """Whether this preset learns from samples at irregular times too."""
        return False

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        """The learned H, up to an additive constant."""
        raise NotImplementedError(f"{type(self).__name__} has no Hamiltonian")

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """The learned vector field."""
        raise NotImplementedError(f"{type(self).__name__} has no vector field")

    def jacobian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """A = df/dy, without a graph, by one backward pass a coordinate; override with a closed form."""
        with torch.enable_grad():
            point = y.detach().requires_grad_()
            entries = (self.field(point) + 0 * point).unbind(-1)  # 0 * y: a field need not depend on y
            rows = [torch.autograd.grad(e.sum(), point, retain_graph=True)[0] for e in entries]
        return torch.stack(rows, dim=-2)

    def pull_parameters(
        self, y: Float[Tensor, "points dim"], cotangents: Float[Tensor, "points dim"]
    ) -> list[Tensor]:
        """(df/dtheta)^T w summed over the points, for every parameter that requires a gradient."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        with torch.enable_grad():
            slopes = self.field(y)
            return list(
                torch.autograd.grad(slopes, parameters, cotangents, allow_unused=True, materialize_grads=True)
            )

    def linearise(self, y: Float[Tensor, "points dim"]) -> "Linearisation":
        """The derivatives of the field at fixed points; override where they can share work."""
        return Linearisation(self, y)

    def loss(self, window: Window, gradient: "GradientMode") -> Float[Tensor, ""]:
        """The training loss on a window; `gradient` says how it is differentiated."""
        raise NotImplementedError(f"{type(self).__name__} is not trained by a loss on windows")

    def fit(self, data: TrainingData) -> None:
        """Learn at once from all trajectories. Raises ArithmeticError if they do not determine the answer."""
        raise NotImplementedError(f"{type(self).__name__} is not fitted directly")

    def rollout(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        """States at 0, h, ..., steps h from y0, without a graph."""
        with torch.no_grad():
            return unroll(self.stepper, field_of_owner(self), y0, h, steps)

    def advance(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        """The first step of a rollout from y, differentiable in y."""
        return self.stepper.step(field_of_owner(self), y, h)

    def rollout_at(
        self, y0: Float[Tensor, "batch dim"], times: Float[Tensor, "times batch"]
    ) -> Float[Tensor, "times batch dim"]:
        """States at times of each start's own, the first of which is 0, without a graph."""
        with torch.no_grad():
            return unroll_at(self.stepper, field_of_owner(self), y0, times)

    @property
    def rolls_out(self) -> bool:
        """Whether `rollout` has what it takes: a model with a field needs an integrator."""
        return self.integrator is not None

    @property
    def stepper(self) -> Integrator:
        """The integrator. Raises ValueError if the model was built without one."""
        if self.integrator is None:
            raise ValueError(f"{type(self).__name__} was built without an integrator")
        return self.integrator

    def count(self, y: Tensor) -> None:
        """Note one evaluation of the field at every point of y; compiled code is counted by who calls it."""
        if not torch.compiler.is_compiling():
            self.evaluations += y.numel() // y.shape[-1]


class Linearisation:
    """The derivatives of a model's field at fixed points, in y and in the parameters."""

    def __init__(self, model: Model, y: Float[Tensor, "points dim"]):
        self.model, self.y = model, y

    def jacobian(self) -> Float[Tensor, "points dim dim"]:
        """A = df/dy, without a graph."""
        return self.model.jacobian(self.y)

    def pull_parameters(self, cotangents: Float[Tensor, "points dim"]) -> list[Tensor]:
        """(df/dtheta)^T w summed over the points, for every parameter that requires a gradient."""
        return self.model.pull_parameters(self.y, cotangents)


class HamiltonianModel(Model):
    """A model with a learned H and the field f = J grad H; give `hamiltonian`, and closed forms where faster."""

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        """grad H, differentiable in y and the parameters when gradients are enabled."""
        return -apply_j(field_of(self.hamiltonian, y))

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        self.count(y)
        return apply_j(self.gradient(y))

    def jacobian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """A = J Hess H."""
        self.count(y)
        return jacobian_of_field(self.hessian(y).detach())

    def hessian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim dim"]:
        """Hess H by one backward pass a coordinate; override with a closed form where there is one."""
        with torch.enable_grad():
            point = y.detach().requires_grad_()
            entries = self.gradient(point).unbind(-1)
            rows = [torch.autograd.grad(e.sum(), point, retain_graph=True)[0] for e in entries]
        return torch.stack(rows, dim=-2)


class FlowModel(Model):
    """A model of the flow itself: a map of states over a time, with neither field nor integrator. Give `flow`.

    `symplectic` says that the map is, whatever the parameters.
    """

    has_hamiltonian = False
    has_field = False
    symplectic: bool = False

    @property
    def rolls_out(self) -> bool:
        return True

    @abstractmethod
    def flow(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        """The state a time h after y, differentiable in y and the parameters."""

    def advance(self, y: Float[Tensor, "batch dim"], h: float) -> Float[Tensor, "batch dim"]:
        return self.flow(y, h)

    def compose(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        """States at 0, h, ..., steps h from y0, differentiable."""
        states = [y0]
        for _ in range(steps):
            states.append(self.flow(states[-1], h))
        return torch.stack(states)

    def rollout(self, y0: Float[Tensor, "batch dim"], h: float, steps: int) -> Float[Tensor, "times batch dim"]:
        with torch.no_grad():
            return self.compose(y0, h, steps)


def jacobian_of_field(hessian: Float[Tensor, "*batch dim dim"]) -> Float[Tensor, "*batch dim dim"]:
    """A = J S for the field f = J grad H with S = Hess H; each entry of the result lies in one piece."""
    s_q, s_p = hessian.movedim((-2, -1), (0, 1)).chunk(2)
    return torch.cat((s_p, -s_q)).movedim((0, 1), (-2, -1))


def gradient_rollout(model: Model, gradient: "GradientMode", window: Window) -> Float[Tensor, "times batch dim"]:
    """The states of the model's rollout at the observed times of a window, differentiable as the mode says."""
    if window.times is not None:
        return gradient.rollout_at(model, model.stepper, window.start, window.times)
    integrator = model.stepper.observing(window.observed, window.every)
    return gradient.rollout(model, integrator, window.start, window.h, window.steps, window.every)


def squared_error(states: Float[Tensor, "times batch dim"], window: Window) -> Float[Tensor, ""]:
    """(1/M) sum_{i=1..M} ||y_i - yhat_i||^2 over the M observations after the start, averaged over the batch."""
    return (states[1:] - window.observed[1:]).square().sum(-1).mean()


def rollout_loss(model: Model, window: Window) -> Float[Tensor, ""]:
    """The squared error of the model's own rollout from the start of a window, without a graph."""
    if window.times is not None:
        return squared_error(model.rollout_at(window.start, window.times), window)
    states = model.rollout(window.start, window.h, window.steps)
    return squared_error(states[:: window.every], window)


_registry: Registry[Model] = Registry("models", "model")
register, names, get = _registry.register, _registry.names, _registry.get
