from dataclasses import dataclass
from math import cos, sin

import torch
from jaxtyping import Float
from torch import Tensor

from systems.integrators.base import Integrator, VectorField, register
from systems.integrators.solver import Step

Pair = tuple[Tensor, Tensor]


@register
@dataclass
class Tao(Integrator):
    """Explicit for every H, by a second copy (x, y) of (q, p): a step from x = q, y = p, of which (q, p) is read off.

    The extended H(q, y) + H(x, p) + omega/2 (|q - x|^2 + |p - y|^2) is split into its three terms, whose flows over
    h/2, h/2, h, h/2, h/2 are all explicit (Tao, Phys. Rev. E 94, 043303; four evaluations a step). That map is
    symplectic and symmetric in (q, p, x, y); with the copy made afresh at every step, it is neither in (q, p).

    Halfway through a step the copies differ by O(h^2), and the binding term turns this by 2 omega h, which leaves a
    local error O(omega h^3): order 2 shows from about omega h < 0.2 on. A large omega is for copies that are kept
    from step to step. The 20 of Xiong et al., arXiv 2010.12636, suits their h = 0.01.
    """

    omega: float = 1.0

    order = 2
    symplectic = False
    symmetric = False

    def step(self, field: VectorField, y: Float[Tensor, "*batch dim"], h: Step) -> Float[Tensor, "*batch dim"]:
        return self.extended_rollout(field, torch.cat((y, y), dim=-1), h, 1)[1, ..., : y.shape[-1]]

    def extended_rollout(
        self, field: VectorField, z0: Float[Tensor, "*batch two_dim"], h: Step, steps: int
    ) -> Float[Tensor, "times *batch two_dim"]:
        """State and copy, z = (q, p, x, y), at 0, h, ..., steps h; the copy is kept.

        What a step evaluates last is what the next one needs first: three evaluations a step, and one.
        """
        z = z0.chunk(4, dim=-1)
        states, slopes = [z0], slopes_at(field, z[0], z[3])
        for _ in range(steps):
            z, slopes = self._advance(field, z, slopes, h)
            states.append(torch.cat(z, dim=-1))
        return torch.stack(states)

    def _advance(
        self, field: VectorField, z: tuple[Tensor, ...], slopes: Pair, h: Step
    ) -> tuple[tuple[Tensor, ...], Pair]:
        """One step, given the slopes at (q, y); the new state and copy, and the slopes there."""
        q, p, x, y = z
        velocity, force = slopes
        p, x = p + h / 2 * force, x + h / 2 * velocity
        velocity, force = slopes_at(field, x, p)
        q, y = q + h / 2 * velocity, y + h / 2 * force
        q, p, x, y = self._bind(q, p, x, y, h)
        velocity, force = slopes_at(field, x, p)
        q, y = q + h / 2 * velocity, y + h / 2 * force
        velocity, force = slopes_at(field, q, y)
        return (q, p + h / 2 * force, x + h / 2 * velocity, y), (velocity, force)

    def _bind(self, q: Tensor, p: Tensor, x: Tensor, y: Tensor, h: Step) -> tuple[Tensor, ...]:
        """The flow of the third term: the copies' difference (q - x, p - y) turns by 2 omega h, their sum stays."""
        angle = 2 * self.omega * h
        c, s = (angle.cos(), angle.sin()) if isinstance(angle, Tensor) else (cos(angle), sin(angle))
        u, v = q - x, p - y
        du, dv = ((c - 1) * u + s * v) / 2, ((c - 1) * v - s * u) / 2
        return q + du, p + dv, x - du, y - dv


def slopes_at(field: VectorField, position: Tensor, momentum: Tensor) -> Pair:
    """(H_p, -H_q) where position and momentum are taken from different copies."""
    velocity, force = field(torch.cat((position, momentum), dim=-1)).chunk(2, dim=-1)
    return velocity, force
