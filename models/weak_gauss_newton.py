from copy import deepcopy
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from models.base import register
from models.levenberg_marquardt import LevenbergMarquardt
from models.net_hamiltonian import NetHamiltonian
from models.networks import LinearisedMLP, ScalarMLP
from models.weak import WeakForm, segments, weak_form
from systems.base import apply_j
from systems.trajectories import TrainingData

STAGES = ((2, 24), (4, 6), (8, 4), (16, 3), (32, 2))  # equations a parameter, and steps of so many
BLOCK = 1 << 19  # derivatives at once: bounds the memory, and stays near the processor


@register
class WeakGaussNewton(NetHamiltonian):
    """The net of fshnn, fitted to Hamilton's equations in weak form by damped Gauss-Newton steps.

    The loss is that of weak_form, over whole trajectories: nonlinear least squares with 1,100 parameters, few enough
    for second-order steps (Hagan and Menhaj, IEEE Trans. Neural Networks 5, 1994, 989-993, who brought them to nets).
    Every step draws its trajectories, at first few and at last many: far from the minimum a few tell where to go,
    near it many are needed to average the noise. There is no recipe: the stages hold for all systems.
    """

    fits = True

    def fit(self, data: TrainingData) -> None:
        """Raises ArithmeticError if the residuals are not finite."""
        y, parameters = segments(data.observed), list(self.parameters())
        form = weak_form(y.shape[1] - 1, data.dt).like(parameters[0])
        method = LevenbergMarquardt(parameters, partial(self.residuals, form), partial(self.rows, form))
        count, equations = sum(p.numel() for p in parameters), len(form.left) * self.dim  # equations a trajectory
        for share, steps in STAGES:
            for _ in range(steps):
                chosen = torch.randperm(len(y), generator=data.generator)[: -(-share * count // equations)]
                method.step(list(y[chosen].to(parameters[0]).split(max(1, BLOCK // (count * equations)))))

    def residuals(self, form: WeakForm, y: Float[Tensor, "pieces times dim"]) -> Float[Tensor, " equations"]:
        """right grad H(yhat) - left (- J yhat), by piece, test function and coordinate."""
        return (form.right @ self.gradient(y) + apply_j(form.left @ y)).flatten()

    def rows(self, form: WeakForm, y: Float[Tensor, "pieces times dim"]) -> Float[Tensor, "equations parameters"]:
        """Their derivatives in the parameters, in float32: half the time, and the minimum stays where it is."""
        net = deepcopy(self.net).float()
        assert isinstance(net, ScalarMLP)
        return LinearisedMLP(net, y.float().flatten(0, 1)).pull_sums(form.right.float()).flatten(0, 2)
