import torch
from jaxtyping import Float
from torch import Tensor

from systems.base import Card, System, register
from systems.damped_oscillator import displacement, frequency, from_sums_and_differences, sums_and_differences


@register
class ParametricOscillator(System):
    """u'' = -k u + gamma u' with k and gamma as inputs: a whole family of oscillators to be learned at once.

    y = (x1, x2, k, gamma, p1, p2, p_k, p_gamma). The inputs are coordinates that stay constant, and their conjugate
    momenta coordinates that nothing depends on; (x1, x2, p1, p2) are the doubled variables of the damped oscillator,
    damping being -gamma. So the phase space is symplectic, and a model sees the inputs as part of the state
    (docs/decisions/013). The motion is u = (x1 + x2)/2 with u' = (p1 - p2)/2; gamma > 0 makes it grow.
    """

    dof = 4
    separable = False
    box = ((-1.0, 1.0), (-1.0, 1.0), (0.5, 1.5), (-0.5, 0.5), *((-1.0, 1.0),) * 4)
    card = Card(
        formula="H = (p1^2 - p2^2)/2 - gamma (x1 - x2)(p1 - p2)/2 + k (x1^2 - x2^2)/2",
        facts=(
            "u = (x1 + x2)/2 obeys u'' = -k u + gamma u', with u' = (p1 - p2)/2",
            "k and gamma are constant, and p_k and p_gamma have no influence",
            "on the plane x1 = x2, p2 = -p1, which is invariant, p_k and p_gamma are constant too, and H = 0",
            "in the box every motion oscillates: k > gamma^2/4",
        ),
        source="Murari, lecture slides 2025 (u'' = -k u + gamma u'); doubling: Canizares et al., arXiv 2412.16787",
    )

    def hamiltonian(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch"]:
        (s, d, p_s, p_d), k, gamma = parts(y)
        return (p_s * p_d - gamma * d * p_d + k * s * d) / 2

    def field(self, y: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
        x1, x2, k, gamma, p1, p2, *_ = y.unbind(-1)
        d, p_d, zero = x1 - x2, p1 - p2, torch.zeros_like(k)
        drag, force = gamma / 2 * d, gamma / 2 * p_d
        moved = (p1 - drag, drag - p2, zero, zero, force - k * x1, k * x2 - force)
        return torch.stack((*moved, -(x1 + x2) * d / 2, d * p_d / 2), dim=-1)

    def accepts(self, y: Float[Tensor, "*batch dim"]) -> Tensor:
        """Oscillations: k > gamma^2/4."""
        k, gamma = y[..., 2], y[..., 3]
        return k > gamma**2 / 4

    def exact(self, y0: Float[Tensor, "*batch dim"], t: Float[Tensor, " times"]) -> Float[Tensor, "times *batch dim"]:
        """Where the motion oscillates; NaN elsewhere."""
        (s, d, p_s, p_d), k, gamma = parts(y0)
        t = t.reshape(-1, *[1] * k.ndim)
        moved_s, moved_p_d = displacement(s, p_d, k, gamma, t)
        d_rate = p_s - gamma * d
        moved_d, moved_rate = displacement(d, d_rate, k, -gamma, t)
        x1, x2, p1, p2 = from_sums_and_differences(moved_s, moved_d, moved_rate + gamma * moved_d, moved_p_d).unbind(
            -1
        )
        # along a motion s and p_d grow as d falls: their products oscillate with twice the frequency
        omega = frequency(k, gamma)
        grows, falls = (
            ((p_d - gamma / 2 * s) / omega, (gamma / 2 * p_d - k * s) / omega),
            (d_rate + gamma / 2 * d) / omega,
        )
        p_k = -product_integral((s, grows[0]), (d, falls), omega, t) / 2
        p_gamma = product_integral((p_d, grows[1]), (d, falls), omega, t) / 2
        zero = torch.zeros_like(x1)
        return y0 + torch.stack((x1, x2, zero, zero, p1, p2, p_k, p_gamma), dim=-1)


def parts(y: Float[Tensor, "*batch 8"]) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor, Tensor]:
    """Sums and differences of the doubled variables, k and gamma."""
    return sums_and_differences(y[..., [0, 1, 4, 5]]), y[..., 2], y[..., 3]


def product_integral(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], omega, t: Tensor) -> Tensor:
    """The integral from 0 to t of (a cos + b sin)(c cos + e sin), all of omega t, for (a, b) and (c, e)."""
    (a, b), (c, e) = one, other
    wave = torch.sin(2 * omega * t) / (4 * omega)
    return a * c * (t / 2 + wave) + b * e * (t / 2 - wave) + (a * e + b * c) * torch.sin(omega * t) ** 2 / (2 * omega)
