from math import pi

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from systems.base import Card, System, around, register


@register
class Kepler(System):
    """A planet about a fixed sun in the plane, mass and attraction one: the two-body problem, reduced.

    The box lies about a circular orbit at (1, 0), away from the sun, so that every start in it is bound and the
    singularity is not met within a revolution's first part.
    """

    dof = 2
    separable = True
    box = around((1.0, 0.0, 0.0, 1.0), 0.2)
    card = Card(
        formula="H = |p|^2/2 - 1/|q|",
        facts=(
            "angular momentum L = q1 p2 - q2 p1 and eccentricity vector p x L - q/|q| are conserved",
            "below H = 0 the orbit is an ellipse with half axis a = -1/(2H) and period 2 pi a^(3/2)",
            "its eccentricity is sqrt(1 + 2 H L^2)",
            "all of the box is bound, with eccentricity below 0.8",
        ),
        source="Hairer, Lubich, Wanner, Geometric Numerical Integration, section I.2; exact: Bate et al. 1971",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        q, p = y.chunk(2, dim=-1)
        return 0.5 * p.square().sum(-1) - 1 / q.norm(dim=-1)

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        q, p = y.chunk(2, dim=-1)
        return torch.cat((p, -q / q.norm(dim=-1, keepdim=True) ** 3), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Bool[Tensor, "*batch"]:
        """Bound, and with so much angular momentum (0.4) that the sun is passed at 0.08 or more."""
        return (self.hamiltonian(y) < 0) & (self.invariants(y)["angular momentum"].abs() >= 0.4)

    def invariants(self, y: Float[Tensor, "*batch dim"]) -> dict[str, Float[Tensor, "*batch"]]:
        q1, q2, p1, p2 = y.unbind(-1)
        angular = q1 * p2 - q2 * p1
        r = (q1**2 + q2**2).sqrt()
        return {
            "angular momentum": angular,
            "eccentricity along q1": p2 * angular - q1 / r,
            "eccentricity along q2": -p1 * angular - q2 / r,
        }

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        """By Kepler's equation, for bound orbits; NaN for others."""
        return y0 + torch.cat(displacement(y0[..., :2], y0[..., 2:], 1.0, t), dim=-1)


def displacement(
    r0: Float[Tensor, "*batch 2"], v0: Float[Tensor, "*batch 2"], mu: float, t: Float[Tensor, " times"]
) -> tuple[Float[Tensor, "times *batch 2"], Float[Tensor, "times *batch 2"]]:
    """r(t) - r0 and v(t) - v0 of r'' = -mu r/|r|^3 on a bound orbit, both exactly 0 at t = 0.

    Lagrange's coefficients in the change x of the eccentric anomaly (Bate, Mueller, White, section 4.5).
    """
    distance = r0.norm(dim=-1)
    axis = 1 / (2 / distance - v0.square().sum(-1) / mu)
    e_cos, e_sin = 1 - distance / axis, (r0 * v0).sum(-1) / (mu * axis).sqrt()
    t = t.reshape(-1, *[1] * distance.ndim)
    motion = (mu / axis**3).sqrt()
    x = anomaly_change(e_cos, e_sin, motion * t)
    ratio = 1 - e_cos * x.cos() + e_sin * x.sin()  # |r|/axis
    f_1 = (x.cos() - 1) * axis / distance
    g = t - (x - x.sin()) / motion
    f_rate, g_rate_1 = -motion * x.sin() * axis / (ratio * distance), (x.cos() - 1) / ratio
    moved = f_1[..., None] * r0 + g[..., None] * v0, f_rate[..., None] * r0 + g_rate_1[..., None] * v0
    return moved


def anomaly_change(
    e_cos: Float[Tensor, "*batch"], e_sin: Float[Tensor, "*batch"], mean: Float[Tensor, "times *batch"]
) -> Float[Tensor, "times *batch"]:
    """x with x - e_cos sin x + e_sin (1 - cos x) = mean, to rounding and differentiable in `mean`.

    Newton's method for E - e sin E = M, |M| <= pi, falls monotonically from |E| = pi to the solution; one more step
    on the equation for x itself carries the derivative and is exact at 0.
    """
    with torch.no_grad():
        eccentricity, start = torch.hypot(e_cos, e_sin), torch.atan2(e_sin, e_cos)
        total = mean + start - e_sin
        turns = (total / (2 * pi)).round()
        m = total - 2 * pi * turns
        anomaly = pi * m.sign()
        for _ in range(20):
            change = anomaly - eccentricity * anomaly.sin() - m
            anomaly = anomaly - change / (1 - eccentricity * anomaly.cos())
        x = anomaly + 2 * pi * turns - start
    excess = x - e_cos * x.sin() + 2 * e_sin * (x / 2).sin() ** 2 - mean
    return x - excess / (1 - e_cos * x.cos() + e_sin * x.sin())
