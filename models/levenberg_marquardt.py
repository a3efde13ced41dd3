"""Nonlinear least squares by the method of Levenberg and Marquardt: Gauss-Newton steps, damped where they fail."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

TRIALS = 30  # of a step, each with four times the damping: after that, rounding is all that is left to gain
LEAST = 1e-15  # damping: less is lost in rounding


@dataclass(frozen=True)
class Products:
    """J^T J, J^T r and r^T r of residuals r with the derivatives J, in float64."""

    gram: Float[Tensor, "parameters parameters"]
    slope: Float[Tensor, " parameters"]
    square: float

    def step(self, damping: float) -> tuple[Float[Tensor, " parameters"], float] | None:
        """The damped step, and what the linearised residuals lose of r^T r by it; None where rounding forbids one."""
        shift = damping * self.gram.diagonal().mean()
        factor, failed = torch.linalg.cholesky_ex(self.gram + shift * torch.eye(len(self.gram)).to(self.gram))
        if failed:
            return None
        step = -torch.cholesky_solve(self.slope[:, None], factor)[:, 0]
        return step, float(shift * (step @ step) - self.slope @ step)


@dataclass
class LevenbergMarquardt:
    """Improves parameters theta in place, a step a call: (J^T J + damping mean(diag J^T J)) step = - J^T r.

    `residuals` and `rows`, J, are those of a part of the data; the rows may be of a shorter type. The damping is
    divided by 4 where a step gains what the linearised residuals promise (a ratio above 3/4), doubled where it gains
    little of it (below 1/4), and multiplied by 4 until it gains anything (after Madsen, Nielsen and Tingleff, Methods
    for non-linear least squares problems, 2004, section 3.2).
    """

    parameters: Sequence[Tensor]
    residuals: Callable[[Tensor], Float[Tensor, " equations"]]
    rows: Callable[[Tensor], Float[Tensor, "equations parameters"]]
    damping: float = 1e-2

    @torch.no_grad()
    def step(self, parts: list[Tensor]) -> None:
        """One step down r^T r, summed over the parts of some data; none where there is no way down.

        Raises ArithmeticError if r^T r is not finite.
        """
        products, before = self.products(parts), parameters_to_vector(self.parameters)
        for _ in range(TRIALS):
            if found := products.step(self.damping):
                step, promised = found
                vector_to_parameters(before + step.to(before), self.parameters)
                gained = products.square - self.sum_of_squares(parts)
                if gained > 0:
                    factor = 0.25 if gained > 0.75 * promised else 2.0 if gained < 0.25 * promised else 1.0
                    self.damping = max(LEAST, factor * self.damping)
                    return
            self.damping *= 4
        vector_to_parameters(before, self.parameters)

    def products(self, parts: list[Tensor]) -> Products:
        gram, slope = torch.zeros(2, dtype=torch.float64, device=self.parameters[0].device)
        for part in parts:
            rows = self.rows(part)
            gram = gram + (rows.T @ rows).double()
            slope = slope + (rows.T @ self.residuals(part).to(rows)).double()
        square = self.sum_of_squares(parts)
        if not isfinite(square):
            raise ArithmeticError(f"the sum of squares of the residuals is {square}")
        return Products(gram, slope, square)

    def sum_of_squares(self, parts: list[Tensor]) -> float:
        return float(sum(self.residuals(part).double().square().sum() for part in parts))
