"""The learned field on a small grid in a plane of phase space, and training states beside it: for pictures."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench.data import Observations
from bench.judges.errors import Columns
from bench.protocol import Protocol
from models.base import Model
from systems.base import System

DIGITS = 4  # significant ones that a row keeps
SAMPLES = 250  # training states


def map_columns(model: Model, system_name: str, system: System, protocol: Protocol) -> Columns:
    """The learned field's two components in the plane at `field_map` x `field_map` points over the box.

    The other coordinates are in the middle of their sides. The first coordinate of the plane varies slowest.
    """
    plane = list(plane_of(system))
    box = torch.tensor(protocol.box(system_name, system), dtype=torch.float64)
    axes = [torch.linspace(low, high, protocol.field_map, dtype=torch.float64) for low, high in box[plane].tolist()]
    points = box.mean(-1).repeat(protocol.field_map**2, 1)
    points[:, plane] = torch.cartesian_prod(*axes)
    with torch.no_grad():
        field = model.field(points)[:, plane]
    return {
        "map_plane": [float(coordinate) for coordinate in plane],
        "map_box": box[plane].flatten().tolist(),
        "map_first": rounded(field[:, 0]),
        "map_second": rounded(field[:, 1]),
    }


def sample_columns(seen: Observations, system: System) -> Columns:
    """States that a model learned from, in the plane: of trajectories and times evenly spaced among all there are."""
    states = seen.observed[:, :, list(plane_of(system))].double()
    count, times, _ = states.shape
    trajectory = torch.linspace(0, count - 1, SAMPLES, dtype=torch.float64).long()
    time = torch.arange(SAMPLES) * max(1, times // 7) % times  # no two neighbours at one time
    first, second = states[trajectory, time].T
    return {"seen_first": rounded(first), "seen_second": rounded(second)}


def plane_of(system: System) -> tuple[int, int]:
    """Two coordinates: those of the surface of section, or the first position and its momentum."""
    return system.section.plane if system.section else (0, system.dof)


def rounded(values: Float[Tensor, " points"]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values.tolist()]
