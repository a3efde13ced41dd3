from functools import partial
from itertools import combinations_with_replacement
from math import comb
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.base import HamiltonianModel, register
from models.least_squares import solve_normal
from models.weak import WeakProducts, noise_variance, segments, weak_products
from systems.base import System
from systems.integrators import Integrator
from systems.trajectories import TrainingData

MOST_TERMS = 4000  # whose normal equations take 128 MB


@register
class Polynomial(HamiltonianModel):
    """H = sum_e c_e y^e over all monomials of total degree 1 to `degree`, fitted by least squares on the weak form.

    Hamilton's equations are linear in c, and so is their weak form. The powers of the noisy y are replaced by
    Hermite polynomials, whose mean over the noise is the power of the true y; otherwise the bias of c would be
    sigma^2 times the second derivative of the field. The variance of the noise is estimated from the data.
    """

    fits = True
    terms: Tensor
    lower: Tensor
    raised: Tensor
    factors: Tensor
    presets: ClassVar = {"paper": {"degree": 4}, "cubic": {"degree": 3}, "quadratic": {"degree": 2}}

    def __init__(
        self,
        system: System,
        generator: torch.Generator,
        integrator: Integrator | None = None,
        degree: int = 4,
    ):
        super().__init__(system, generator, integrator)
        self.degree = degree
        terms = exponents(system.dim, degree)[1:]
        lower = exponents(system.dim, degree - 1)
        place = {e: number for number, e in enumerate(terms)}
        raised = [[place[plus_one(e, d)] for e in lower] for d in range(system.dim)]
        self.register_buffer("terms", torch.tensor(terms), persistent=False)
        self.register_buffer("lower", torch.tensor(lower), persistent=False)
        self.register_buffer("raised", torch.tensor(raised), persistent=False)  # the term that d/dy_d lowers
        factors = (self.lower.T + 1).to(
            torch.get_default_dtype()
        )  # what differentiating by y_d multiplies a term with
        self.register_buffer("factors", factors, persistent=False)
        self.coefficients = nn.Parameter(torch.zeros(len(terms)))

    @classmethod
    def inapplicable(cls, system: System, preset: str = "paper") -> str | None:
        degree = cls.presets[preset]["degree"]
        count = comb(system.dim + degree, degree) - 1
        if count <= MOST_TERMS:
            return None
        return f"{count} monomials of degree {degree} in {system.dim} coordinates: more than {MOST_TERMS}"

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        return monomials(y, self.terms, self.degree) @ self.coefficients

    def gradient(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        return monomials(y, self.lower, self.degree - 1) @ (self.factors * self.coefficients[self.raised]).T

    def fit(self, data: TrainingData) -> None:
        y = segments(data.observed.double())
        corrected = partial(monomials, powers=self.lower, degree=self.degree - 1, variance=noise_variance(y))
        products = weak_products(y, data.dt, len(self.lower), corrected)
        with torch.no_grad():
            self.coefficients.copy_(solve_normal(*self.normal_equations(products)))

    def normal_equations(self, x: WeakProducts) -> tuple[Float[Tensor, "terms terms"], Float[Tensor, " terms"]]:
        """Those of the coefficients: grad H along d has the rows X diag(factors[d]) at the columns raised[d]."""
        count = len(self.terms)
        matrix, right = x.gram.new_zeros(count, count), x.gram.new_zeros(count)
        for columns, factors, shown in zip(self.raised, self.factors.to(x.gram), x.cross.T, strict=True):
            matrix[columns[:, None], columns] += factors[:, None] * x.gram * factors
            right[columns] += factors * shown
        return matrix, right


def exponents(dim: int, degree: int) -> list[tuple[int, ...]]:
    """Of all monomials up to a total degree, the constant first."""
    factors = (f for total in range(degree + 1) for f in combinations_with_replacement(range(dim), total))
    return sorted((tuple(f.count(d) for d in range(dim)) for f in factors), key=lambda e: (sum(e), e))


def plus_one(e: tuple[int, ...], d: int) -> tuple[int, ...]:
    return (*e[:d], e[d] + 1, *e[d + 1 :])


def monomials(
    y: Float[Tensor, "*batch dim"], powers: Tensor, degree: int, variance: Float[Tensor, " dim"] | None = None
) -> Float[Tensor, "*batch terms"]:
    """y^e for every row e of `powers`, of which none is above `degree`.

    For noise of a variance on y, what has the y^e of the true y as its mean: sigma^k He_k(y / sigma) in place of y^k,
    by the recurrence of the Hermite polynomials.
    """
    table = [torch.ones_like(y), y]
    for k in range(1, degree):
        table.append(y * table[k] if variance is None else y * table[k] - k * variance * table[k - 1])
    columns = torch.stack(table).movedim(-1, 0)  # [dim, power, *batch]
    factors = [column[power] for column, power in zip(columns, powers.T, strict=True)]
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result.movedim(0, -1)
