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
BLOCK = 1 << 19  # entries of the derivatives at once: bounds the memory, and stays near the processor


@register
class WeakGaussNewton(NetHamiltonian):
    """The net of fshnn, fitted by Gauss-Newton steps to Hamilton's equations in weak form.

    The residuals are those of weak_form, over whole trajectories: right grad H(yhat) - left (- J yhat). A problem of
    nonlinear least squares with 1,100 parameters, so that the second-order method pays that fits of small nets have
    used since Hagan and Menhaj (IEEE Trans. Neural Networks 5, 1994, 989-993). Every step sees trajectories of its
    own, first few and at last many: far from the minimum a few tell where to go, near it only many average the noise.
    """

    fits = True
    net: ScalarMLP

    def fit(self, data: TrainingData) -> None:
        y = segments(data.observed).to(next(self.parameters()))
        form = weak_form(y.shape[1] - 1, data.dt).like(y)
        method = LevenbergMarquardt(
            list(self.parameters()), partial(self.residuals, form), partial(self.rows, form)
        )
        count, equations = sum(p.numel() for p in self.parameters()), len(form.left) * self.dim
        part = max(1, BLOCK // (count * equations))
        for share, steps in STAGES:
            for _ in range(steps):
                chosen = torch.randperm(len(y), generator=data.generator)[: 1 + share * count // equations]
                method.step(list(y[chosen].split(part)))

    def residuals(self, form: WeakForm, y: Float[Tensor, "pieces times dim"]) -> Float[Tensor, " equations"]:
        return (form.right @ self.gradient(y) + apply_j(form.left @ y)).flatten()

    def rows(self, form: WeakForm, y: Float[Tensor, "pieces times dim"]) -> Float[Tensor, "equations parameters"]:
        """Their derivatives in the parameters, in the order of `parameters()`."""
        return LinearisedMLP(self.net, y.flatten(0, 1)).pull_sums(form.right).flatten(0, 2)
