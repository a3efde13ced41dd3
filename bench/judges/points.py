"""Where H and the field are judged: the RU, SG and Gaussian test sets, and the populations that they mix."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bench.data import data_key, judging_key, training_starts
from bench.protocol import Protocol
from bench.seeds import generator
from systems.base import Box, System


def test_points(
    test_set: str, role: str, system_name: str, system: System, protocol: Protocol
) -> Float[Tensor, "points dim"]:
    """Points of a test set ("ru", "sg", "gaussian") for a role ("test", "calibration")."""
    box = protocol.box(system_name, system)
    if test_set == "sg":
        return cartesian_grid(box, protocol.grid_per_axis, protocol.test_points)
    count = protocol.test_points if role == "test" else protocol.calibration_points
    stream = generator(f"{role} {test_set}", judging_key(system_name, protocol))
    if test_set == "gaussian":
        return protocol.gaussian(system_name, system, count, stream)
    low, high = torch.tensor(box, dtype=torch.float64).T
    return low + (high - low) * torch.rand(count, system.dim, dtype=torch.float64, generator=stream)


def cartesian_grid(box: Box, per_axis: int, at_most: int) -> Float[Tensor, "points dim"]:
    """A grid over the box, ends included, with fewer points an axis where there would be too many.

    Where even 2 an axis are too many, the first points of Sobol's sequence fill the box as evenly as so few can.
    """
    if 2 ** len(box) > at_most:
        low, high = torch.tensor(box, dtype=torch.float64).T
        return low + (high - low) * torch.quasirandom.SobolEngine(len(box)).draw(at_most, dtype=torch.float64)
    per_axis = min(per_axis, max(2, int(at_most ** (1 / len(box)) + 1e-9)))
    axes = [torch.linspace(low, high, per_axis, dtype=torch.float64) for low, high in box]
    return torch.cartesian_prod(*axes)


def populations(
    points: Float[Tensor, "points dim"],
    energy: Float[Tensor, " points"],
    system_name: str,
    system: System,
    protocol: Protocol,
) -> dict[str, Bool[Tensor, " points"]]:
    """Which points lie in the box, out of it, and on the energy shell: those that models learned from, roughly.

    On the shell are points that the system accepts and whose H is among those of the accepted training starts; in the
    box or not.
    """
    low, high = torch.tensor(protocol.box(system_name, system), dtype=torch.float64).T
    in_box = ((points >= low) & (points <= high)).all(-1)
    least, most = shell(system_name, system, protocol)
    on_shell = system.accepts(points) & (energy >= least) & (energy <= most)
    return {"in_box": in_box, "on_shell": on_shell, "out_of_box": ~in_box}


def shell(system_name: str, system: System, protocol: Protocol) -> tuple[float, float]:
    """The least and the largest H of the training starts that the system accepts; (inf, -inf) without any."""
    stream = generator("starts", data_key(system_name, protocol))
    starts = training_starts(system_name, system, protocol, protocol.train_starts, stream)
    energy = system.hamiltonian(starts[system.accepts(starts)])
    return (float(energy.min()), float(energy.max())) if len(energy) else (torch.inf, -torch.inf)
