"""Nonlinear least squares by the method of Levenberg and Marquardt: Gauss-Newton steps, damped as far as they fail."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

Residuals = Callable[[Tensor], Float[Tensor, " equations"]]  # of a part of the data
Rows = Callable[[Tensor], Float[Tensor, "equations parameters"]]  # their derivatives in theta
TRIALS = 20  # of a step, each with four times the damping: then rounding is all that is left to gain


@dataclass(frozen=True)
class Products:
    """J^T J, J^T r and r^T r of residuals r with derivatives J."""

    gram: Float[Tensor, "parameters parameters"]
    slope: Float[Tensor, " parameters"]
    square: float

    @classmethod
    def of(cls, parts: list[Tensor], residuals: Residuals, rows: Rows) -> "Products":
        """Summed over parts of the data. In float64, whatever the type of the rows."""
        total = None
        for part in parts:
            extended = torch.cat((rows(part), residuals(part)[:, None]), dim=1)
            product = (extended.T @ extended).double()
            total = product if total is None else total.add_(product)
        assert total is not None
        return cls(total[:-1, :-1], total[:-1, -1], float(total[-1, -1]))


@dataclass
class LevenbergMarquardt:
    """Improves parameters theta in place, a step a call, by steps (J^T J + damping mean(diag) I) step = - J^T r.

    The damping is divided by 4 where the step gained what the linearised residuals promised (a ratio above 3/4),
    doubled where it gained little (below 1/4), and multiplied by 4 until a step gains anything (Madsen, Nielsen and
    Tingleff, Methods for non-linear least squares problems, 2004, section 3.2).
    """

    parameters: list[Tensor]
    residuals: Residuals
    rows: Rows
    damping: float = 1e-2

    @torch.no_grad()
    def step(self, parts: list[Tensor]) -> None:
        """One step down the sum of squares over the parts of some data; none where no step goes down."""
        products = Products.of(parts, self.residuals, self.rows)
        before = parameters_to_vector(self.parameters)
        for _ in range(TRIALS):
            step, promised = self.damped(products)
            vector_to_parameters(before + step.to(before), self.parameters)
            gained = products.square - self.sum_of_squares(parts)
            if gained > 0:
                self.damping *= 0.25 if gained > 0.75 * promised else 2.0 if gained < 0.25 * promised else 1.0
                return
            self.damping *= 4
        vector_to_parameters(before, self.parameters)

    def damped(self, products: Products) -> tuple[Float[Tensor, " parameters"], float]:
        """The step, and how much the linearised residuals would lose of their sum of squares by it."""
        shift = self.damping * products.gram.diagonal().mean()
        factor = torch.linalg.cholesky(products.gram + shift * torch.eye(len(products.gram)).to(products.gram))
        step = -torch.cholesky_solve(products.slope[:, None], factor)[:, 0]
        return step, float(shift * (step @ step) - products.slope @ step)

    def sum_of_squares(self, parts: list[Tensor]) -> float:
        return float(sum(self.residuals(part).double().square().sum() for part in parts))
