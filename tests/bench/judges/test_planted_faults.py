"""Each judge passes its check, and the same with a fault planted does not: the check must notice it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from known_judgements import (
    check_accuracy,
    check_chaos,
    check_crossings,
    check_energy,
    check_errors_of_h,
    check_errors_of_the_field,
    check_escapes,
    check_exponents,
    check_field_map,
    check_field_map_of_a_section,
    check_periods,
    check_populations,
    check_reversal,
    check_samples,
    check_section,
    check_separatrix,
    check_signal,
    check_structure,
    check_symplectic_step,
)
from known_rollouts import (
    check_agreement,
    check_energy_slope,
    check_held_out_escapes,
    check_held_out_noise,
    check_held_out_rollouts,
    check_held_out_spread,
    check_parts_of_long_rollouts,
    check_truth_ends_where_it_is_not_known,
    check_truth_of_what_can_be_followed,
)

from bench.judges import (
    chaos,
    energy,
    errors,
    field_map,
    free_rollouts,
    held_out,
    long_rollouts,
    points,
    rolling,
    sections,
    signal,
    step_structure,
    truth,
)
from bench.protocol import Protocol
from systems import sections as surfaces
from systems.double_well import DoubleWell
from systems.harmonic_oscillator import HarmonicOscillator
from systems.separatrix import Separatrix

pytestmark = pytest.mark.usefixtures("without_type_checks")


class Fault(NamedTuple):
    """What replaces `place`.`name`, given the original."""

    check: Callable[[], None]
    what: str
    place: object
    name: str
    planted: Callable[[Any], Any]


def box_of(factor: float) -> Callable[[Callable], Callable]:
    return lambda original: lambda *a: tuple((factor * low, factor * high) for low, high in original(*a))


def negated(original: Callable) -> Callable:
    return lambda *arguments: -original(*arguments)


FAULTS = [
    Fault(check_errors_of_h, "no gauge", errors, "h_difference", lambda f: lambda *a: 0 * f(*a)),
    Fault(check_errors_of_h, "gauge of the wrong sign", errors, "h_difference", negated),
    Fault(check_errors_of_h, "wrong box", Protocol, "box", box_of(1.2)),
    Fault(check_errors_of_the_field, "wrong sign", errors, "ratio", lambda f: lambda d, t: f(d + 2 * t, t)),
    Fault(check_errors_of_the_field, "q and p swapped", errors, "ratio",
          lambda f: lambda d, t: f(d + t - t.flip(-1), t)),
    Fault(check_populations, "wrong box", points, "cartesian_grid", lambda f: lambda box, *a: 1.5 * f(box, *a)),
    Fault(check_populations, "wrong sigma", Protocol, "sigma", lambda f: lambda *a: 1.3 * f(*a)),
    Fault(check_populations, "shell of all box", points, "shell", lambda f: lambda *a: (-9.0, 9.0)),
    Fault(check_field_map, "grid transposed", torch, "cartesian_prod", lambda f: lambda *a: f(*a).flip(-1)),
    Fault(check_field_map, "wrong box", Protocol, "box", box_of(1.2)),
    Fault(check_field_map_of_a_section, "another plane", field_map, "plane_of", lambda f: lambda s: (0, 2)),
    Fault(check_samples, "q of x and its momentum", field_map, "plane_of", lambda f: lambda s: (0, 2)),
    Fault(check_accuracy, "time backwards", HarmonicOscillator, "field", lambda f: lambda self, y: -f(self, y)),
    Fault(check_accuracy, "one step late", free_rollouts, "valid_times", lambda f: lambda r: f(r) + 1),
    Fault(check_periods, "one passage too many", torch, "bincount", lambda f: lambda *a, **k: f(*a, **k) + 1),
    Fault(check_reversal, "momenta not flipped", free_rollouts, "flip", lambda f: lambda y: y),
    Fault(check_structure, "transpose", step_structure, "step_jacobian", lambda f: lambda *a: f(*a).mT),
    Fault(check_symplectic_step, "J symmetric", step_structure, "apply_j", lambda f: lambda g: f(g).abs()),
    Fault(check_symplectic_step, "other order", step_structure, "apply_j", lambda f: lambda g: f(g)[[1, 0, 3, 2]]),
    Fault(check_energy, "steps in place of time", energy, "drift_and_amplitude", lambda f: lambda e, t: f(e, 10 * t)),
    Fault(check_energy, "half of H", HarmonicOscillator, "hamiltonian", lambda f: lambda self, y: f(self, y) / 2),
    Fault(check_crossings, "falling", surfaces, "interpolate", negated),
    Fault(check_crossings, "straight line", surfaces, "interpolate", lambda f: lambda n, s: line(n, s)),
    Fault(check_section, "energy twice", surfaces.Section, "states", lambda f: lambda s, p, e: f(s, p, 2 * e)),
    Fault(check_section, "room of the wrong sign", sections, "OUTSIDE", lambda f: -2.0),
    Fault(check_section, "counts, not shares", sections, "histogram", lambda f: lambda p, s: len(p) * f(p, s)),
    Fault(check_exponents, "time backwards", torch.Tensor, "log", lambda f: lambda x: -f(x)),
    Fault(check_chaos, "threshold", chaos, "CHAOTIC", lambda f: 0.15),
    Fault(check_separatrix, "the other side", Separatrix, "passed", lambda f: lambda *a: ~f(*a)),
    Fault(check_separatrix, "wrong level", DoubleWell, "separatrix", lambda _: Separatrix(0.02, (0.0,))),
    Fault(check_separatrix, "wrong top", DoubleWell, "separatrix", lambda _: Separatrix(0.0, (0.7,))),
    Fault(check_signal, "start without noise", signal, "integrate", lambda f: lambda *a: 0 * f(*a)),
    Fault(check_escapes, "held at the bound", rolling, "advance_all", lambda f: lambda *a: f(*a).clamp(-10, 10)),
    Fault(check_held_out_rollouts, "at regular times", held_out, "rollouts_along",
          lambda f: lambda model, observed, h, clock: f(model, observed, h, None)),
    Fault(check_held_out_rollouts, "time backwards", HarmonicOscillator, "field", negated),
    Fault(check_held_out_escapes, "narrower bound", held_out, "BOUND", lambda f: f / 2),
    Fault(check_held_out_spread, "of all trajectories together", torch.Tensor, "var", lambda f: lambda x, *a: f(x)),
    Fault(check_held_out_spread, "each p with its q", torch, "randperm", lambda f: lambda n, **k: torch.arange(n)),
    Fault(check_held_out_noise, "of one coordinate", held_out, "noise_variance", lambda f: lambda y: f(y)[:1]),
    Fault(check_parts_of_long_rollouts, "other order", long_rollouts, "places_of",
          lambda f: lambda parts: f(dict(reversed(parts.items())))),
    Fault(check_parts_of_long_rollouts, "energy of all parts", rolling.Rollouts, "of", lambda f: lambda s, rows: s),
    Fault(check_energy_slope, "change, not slope", energy, "drift_and_amplitude",
          lambda f: lambda e, t: (float((e[-1] - e[0]).abs().median()), 0.0)),
    Fault(check_energy_slope, "in steps", energy, "drift_and_amplitude", lambda f: lambda e, t: f(e, t / t[1])),
    Fault(check_truth_of_what_can_be_followed, "fast clock", truth, "integrate",
          lambda f: lambda system, y, dt, *a, **k: f(system, y, 1.01 * dt, *a, **k)),
    Fault(check_truth_ends_where_it_is_not_known, "never", truth, "agreement", lambda f: lambda fine, _: fine.steps),
    Fault(check_truth_ends_where_it_is_not_known, "late", truth, "TOLERANCE", lambda f: 1.0),
    Fault(check_agreement, "every other step", truth, "lcm", lambda f: lambda *a: 2 * f(*a)),
    Fault(check_agreement, "what agrees again", torch.Tensor, "cumprod", lambda f: lambda x, _: x),
]  # fmt: skip


def line(nodes, place):
    before = place.floor().long().clamp(0, nodes.shape[1] - 2)
    rows, share = torch.arange(len(nodes)), (place - before)[:, None]
    return (1 - share) * nodes[rows, before] + share * nodes[rows, before + 1]


@pytest.mark.parametrize("check", dict.fromkeys(fault.check for fault in FAULTS), ids=lambda check: check.__name__)
def test_the_judge_finds_what_is_known(check):
    check()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check.__name__[6:]}: {fault.what}")
def test_the_fault_is_noticed(fault: Fault, monkeypatch):
    monkeypatch.setattr(fault.place, fault.name, fault.planted(getattr(fault.place, fault.name)))
    with pytest.raises(AssertionError):
        fault.check()
