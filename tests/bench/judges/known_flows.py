"""Flows of the harmonic oscillator whose faults are known exactly."""

from math import cos, sin

import torch

from models.base import FlowModel
from systems.harmonic_oscillator import HarmonicOscillator

SYSTEM = "harmonic_oscillator"


class Rotation(FlowModel):
    """The true flow, `fast` times as fast, with radii that grow by `growth` a unit of time."""

    fast, growth = 1.0, 0.0

    def flow(self, y, h):
        q, p = y.chunk(2, dim=-1)
        c, s = cos(self.fast * h), sin(self.fast * h)
        return (1 + self.growth * h) * torch.cat((c * q + s * p, c * p - s * q), dim=-1)


def rotation(**changes: float) -> Rotation:
    model = Rotation(HarmonicOscillator(), torch.Generator())
    for name, value in changes.items():
        setattr(model, name, value)
    return model
