import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, cube, register


@register
class DampedOscillator(System):
    """Damping made Hamiltonian by doubling the variables: a damped oscillator and one that gains what it loses.

    y = (x1, x2, p1, p2), mass and spring one. The damped motion is x = (x1 + x2)/2 with x' = (p1 - p2)/2, for every
    start; on the physical plane x1 = x2, p2 = -p1 the other oscillator, x1 - x2, is at rest. H is 0 on that plane, so
    its drift says nothing there: look at the error of rollouts.
    """

    damping = 0.1

    dof = 2
    separable = False
    box = cube(1.0, 4)
    card = Card(
        formula="H = (p1^2 - p2^2)/2 + g (x1 - x2)(p1 - p2)/2 + (x1^2 - x2^2)/2, g = 0.1",
        facts=(
            "s = x1 + x2 obeys s'' = -s - g s', d = x1 - x2 obeys d'' = -d + g d'",
            "the plane x1 = x2, p2 = -p1 is invariant, and H = 0 on it",
            "equilibrium at the origin with exponents +-g/2 +- i sqrt(1 - g^2/4)",
        ),
        source="Canizares et al., arXiv 2412.16787, section 5 (g = 0.01 there); Bateman 1931",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        s, d, p_s, p_d = sums_and_differences(y)
        return (p_s * p_d + self.damping * d * p_d + s * d) / 2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        x1, x2, p1, p2 = y.unbind(-1)
        drag, force = self.damping / 2 * (x1 - x2), self.damping / 2 * (p1 - p2)
        return torch.stack((p1 + drag, -p2 - drag, -x1 - force, x2 + force), dim=-1)

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        s, d, p_s, p_d = sums_and_differences(y0)
        t = t.reshape(-1, *[1] * s.ndim)
        g = self.damping
        moved_s, moved_p_d = displacement(s, p_d, 1.0, -g, t)
        moved_d, moved_rate = displacement(d, p_s + g * d, 1.0, g, t)
        return y0 + from_sums_and_differences(moved_s, moved_d, moved_rate - g * moved_d, moved_p_d)


def sums_and_differences(y: Float[Tensor, "*batch 4"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x1 + x2, x1 - x2, p1 + p2, p1 - p2."""
    x1, x2, p1, p2 = y.unbind(-1)
    return x1 + x2, x1 - x2, p1 + p2, p1 - p2


def from_sums_and_differences(s: Tensor, d: Tensor, p_s: Tensor, p_d: Tensor) -> Float[Tensor, "*batch 4"]:
    return torch.stack((s + d, s - d, p_s + p_d, p_s - p_d), dim=-1) / 2


def displacement(
    u: Tensor, rate: Tensor, k: float | Tensor, gamma: float | Tensor, t: Float[Tensor, "times *batch"]
) -> tuple[Tensor, Tensor]:
    """u(t) - u(0) and u'(t) - u'(0) of u'' = -k u + gamma u', underdamped: k > gamma^2/4; both exactly 0 at t = 0."""
    omega, growth = frequency(k, gamma), torch.exp(gamma * t / 2)
    cos, sin = torch.cos(omega * t), torch.sin(omega * t)
    quadrature, rate_quadrature = (rate - gamma / 2 * u) / omega, (gamma / 2 * rate - k * u) / omega
    return growth * (u * cos + quadrature * sin) - u, growth * (rate * cos + rate_quadrature * sin) - rate


def frequency(k: float | Tensor, gamma: float | Tensor) -> float | Tensor:
    """That of u'' = -k u + gamma u'; NaN where it does not oscillate and k, gamma are tensors."""
    return (k - gamma**2 / 4) ** 0.5
