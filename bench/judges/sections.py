"""Surfaces of section: how far a learned one is from the true one, by the points that equal starts leave on both."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

import systems
from bench.data import judging_key
from bench.judges.errors import Columns
from bench.judges.rolling import Rollouts
from bench.protocol import Protocol
from bench.seeds import generator
from systems.base import System
from systems.sections import Section, crossings
from systems.trajectories import integrate

BINS = 12  # an axis of the histograms
OUTSIDE = 1e-3  # of the largest room at an energy: what lies further beyond the boundary is outside
DIGITS = 4  # after the decimal point, of the points that a row keeps: for pictures


def section_starts(system_name: str, system: System, protocol: Protocol) -> Float[Tensor, "starts dim"]:
    """`section_orbits` starts for each of the protocol's energies of a system, one energy after the other."""
    assert system.section is not None
    stream = generator("section", judging_key(system_name, protocol))
    energies = protocol.section_energies[system_name]
    return torch.cat([system.section.draw(energy, protocol.section_orbits, stream) for energy in energies])


def section_columns(rollouts: Rollouts, system_name: str, system: System, protocol: Protocol) -> Columns:
    """One entry an energy, and the points for pictures."""
    section, energies, count = system.section, protocol.section_energies[system_name], protocol.section_orbits
    assert section is not None
    points, which = plane_points(rollouts.states, section, count)
    truth, of_truth = true_points(system_name, protocol)
    distances, outside = [], []
    for number, energy in enumerate(energies):
        own, true = points[which == number], truth[of_truth == number]
        distances.append(histogram_distance(own, true, section))
        outside.append(share_outside(own, section, energy))
    columns: Columns = {"section_energies": energies, "section_distance": distances, "section_outside": outside}
    kept = torch.round(points, decimals=DIGITS)
    columns |= {"section_first": kept[:, 0].tolist(), "section_second": kept[:, 1].tolist()}
    edges = torch.stack([section.boundary(energy) for energy in energies])
    columns |= {"edge_first": edges[..., 0].flatten().tolist(), "edge_second": edges[..., 1].flatten().tolist()}
    columns["section_number"] = which.double().tolist()
    return columns


def plane_points(
    states: Float[Tensor, "times starts dim"], section: Section, orbits: int
) -> tuple[Float[Tensor, "points 2"], Int[Tensor, " points"]]:
    """The points of all rollouts in the plane of the section, and the number of the energy that each belongs to."""
    found = crossings(states, section.coordinate)
    return found.states[:, list(section.plane)], found.orbits // orbits


_made: dict[str, tuple[Tensor, Tensor]] = {}


def true_points(system_name: str, protocol: Protocol) -> tuple[Float[Tensor, "points 2"], Int[Tensor, " points"]]:
    """The same of the reference trajectories: on chaotic motion not the true points, but of the true distribution.

    Made once a process.
    """
    energies = protocol.section_energies[system_name]
    key = f"{judging_key(system_name, protocol)} {protocol.long_horizon} {energies} {protocol.section_orbits}"
    if key not in _made:
        system = systems.get(system_name)()
        assert system.section is not None
        starts = section_starts(system_name, system, protocol)
        states = integrate(system, starts, protocol.dt, round(protocol.long_horizon / protocol.dt)).transpose(0, 1)
        _made[key] = plane_points(states, system.section, protocol.section_orbits)
    return _made[key]


def histogram_distance(own: Float[Tensor, "own 2"], true: Float[Tensor, "true 2"], section: Section) -> float:
    """Half the sum of |difference| of two histograms over the section's window, each of sum 1: from 0 to 1.

    What lies outside the window is in a bin of its own. 1 without any points.
    """
    if not len(own) or not len(true):
        return 1.0
    return float((histogram(own, section) - histogram(true, section)).abs().sum()) / 2


def histogram(points: Float[Tensor, "points 2"], section: Section) -> Float[Tensor, " bins"]:
    low, high = torch.tensor(section.window, dtype=points.dtype).T
    place = ((points - low) / (high - low) * BINS).floor().long()
    inside = ((place >= 0) & (place < BINS)).all(-1)
    bins = torch.where(inside, place[:, 0] * BINS + place[:, 1], BINS**2)
    return torch.bincount(bins, minlength=BINS**2 + 1).to(points) / len(points)


def share_outside(points: Float[Tensor, "points 2"], section: Section, energy: float) -> float:
    """The share of points that the true energy forbids; NaN without any points."""
    axes = [torch.linspace(low, high, 101, dtype=points.dtype) for low, high in section.window]
    widest = float(section.room(torch.cartesian_prod(*axes), energy).max())
    return float((section.room(points, energy) < -OUTSIDE * widest).double().mean())
