from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.gradients.base import GradientMode
from models.net_hamiltonian import NetHamiltonian
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import Window, points_and_slopes


@register
class SeparableHNN(NetHamiltonian):
    """HNN with three ways of telling it that H = T(p) + V(q) (Khoo et al., arXiv 2309.01069).

    J grad H is fitted to derivatives of the state: mean square over times, batch and components. The biases:

    * inductive, `inductive`: two nets, T and V, instead of one;
    * observational, `recombinations`: q' depends on p alone and p' on q alone, so samples i and j also make the
      sample (q_j, p_i) with (q'_i, p'_j); so many cyclic shifts of the batch are added. To two nets they say nothing
      new: every residual occurs again, in another pair (a test shows that the mean loss is the same);
    * learning, `penalty`: c4 times the square of the mean |d^2 H / dq_i dp_j|.

    The source's best, observational and inductive, is `paper`: two nets n-11-11-1 (n-22-22-1 from n = 2 on, there),
    with tanh here in place of softplus units; `matched` has n-22-22-1. The term that fixes H at a point is left out:
    the nets have no constant to fix. H that are not separable are beyond `paper`: a control experiment.
    """

    presets: ClassVar = {
        "paper": {"hidden": (11, 11), "inductive": True, "recombinations": 3},
        "matched": {"hidden": (22, 22), "inductive": True},
        "observational": {"hidden": (16, 32, 16), "recombinations": 3},
        "learning": {"hidden": (16, 32, 16), "penalty": 1.0},
        "observational_learning": {"hidden": (16, 32, 16), "recombinations": 3, "penalty": 1.0},
    }

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        hidden: tuple[int, ...] = (11, 11),
        inductive: bool = False,
        recombinations: int = 0,
        penalty: float = 0.0,
    ):
        super().__init__(system, generator, integrator, hidden, split=inductive)
        self.recombinations, self.penalty = recombinations, penalty

    @classmethod
    def takes_times(cls, preset: str) -> bool:
        return True

    def loss(self, window: Window, gradient: GradientMode) -> Float[Tensor, ""]:
        points, slopes = recombined(*points_and_slopes(window), self.recombinations)
        loss = (self.field(points) - slopes).square().mean()
        return loss + self.penalty * self.mixed_derivative(window.start) ** 2 if self.penalty else loss

    def mixed_derivative(self, y: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
        """Mean of |d^2 H / dq_i dp_j| over points and pairs, differentiable in the parameters."""
        with torch.enable_grad():
            point = y.detach().requires_grad_()
            forces = self.gradient(point).chunk(2, dim=-1)[0].unbind(-1)
            rows = [torch.autograd.grad(force.sum(), point, create_graph=True)[0] for force in forces]
        return torch.stack([row.chunk(2, dim=-1)[1] for row in rows]).abs().mean()


def recombined(
    points: Float[Tensor, "times batch dim"], slopes: Float[Tensor, "times batch dim"], shifts: int
) -> tuple[Float[Tensor, "times more dim"], Float[Tensor, "times more dim"]]:
    """The samples, and after them (q_j, p_i) with (q'_i, p'_j), where i runs so many cyclic shifts behind j."""
    (q, p), (q_dot, p_dot) = points.chunk(2, dim=-1), slopes.chunk(2, dim=-1)
    behind = range(shifts + 1)
    new_points = [torch.cat((q, p.roll(shift, 1)), dim=-1) for shift in behind]
    new_slopes = [torch.cat((q_dot.roll(shift, 1), p_dot), dim=-1) for shift in behind]
    return torch.cat(new_points, dim=1), torch.cat(new_slopes, dim=1)
