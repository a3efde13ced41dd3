"""What reference trajectories promise: of every system to the paper's horizon, and of what else a grid names."""

from collections.abc import Callable
from functools import cache

import dop853
import pytest
import torch
from torch import Tensor

import systems
from bench.declarations import names
from bench.grid import load_grid
from bench.own_data import NAME as OWN
from bench.protocol import load_protocol
from systems.base import System
from systems.trajectories import draw_starts, reference_trajectories

pytestmark = pytest.mark.usefixtures("without_type_checks")

STARTS = 8
LONG = ("long", "flows")  # protocols
COSTLY = ("spring_chain_20",)  # spring_chain_10 is the same system at an eighth of the cost


def taylor(system: System, starts: Tensor, times: Tensor) -> Tensor:
    pytest.importorskip("heyoka", reason="heyoka has wheels for Linux alone")
    from heyoka_peer import follow

    return follow(system, starts, times)


def pairs() -> list:
    """(system, protocol), one of those that have the same reference."""
    blocks = [block for name in names("grids") for block in load_grid(name).cells if block.protocol != OWN]
    named = [(system, "paper") for system in systems.names()]
    named += sorted({(system, block.protocol) for block in blocks for system in block.system})
    found = {}
    for name, protocol_name in named:
        protocol = load_protocol(protocol_name)
        box = protocol.box(name, systems.get(name)())
        key = name, box, protocol.dt, protocol.steps, protocol.reference_tolerance
        found.setdefault(key, (name, protocol_name))
    return [
        pytest.param(pair, marks=pytest.mark.slow if pair[0] in COSTLY or pair[1] in LONG else ())
        for pair in found.values()
    ]


@pytest.fixture(params=pairs(), ids="-".join)
def pair(request) -> tuple[str, str]:
    return request.param


@cache
def reference(system_name: str, protocol_name: str) -> tuple[System, Tensor, Tensor]:
    """System, times, and states [times, starts, 2n] from starts of the protocol that the system accepts."""
    system, protocol = systems.get(system_name)(), load_protocol(protocol_name)
    stream = torch.Generator().manual_seed(0)
    starts = draw_starts(system, protocol.box(system_name, system), STARTS, stream, accepted_only=True)
    states, _ = reference_trajectories(
        system, starts, protocol.dt, protocol.steps, tolerance=protocol.reference_tolerance
    )
    return system, protocol.dt * torch.arange(protocol.steps + 1, dtype=torch.float64), states.transpose(0, 1)


@pytest.mark.parametrize("peer", [dop853.follow, taylor], ids=["dop853", "heyoka"])
def test_it_agrees_with_integrators_that_are_not_ours(pair: tuple[str, str], peer: Callable):
    system, times, ours = reference(*pair)
    torch.testing.assert_close(ours, peer(system, ours[0], times), rtol=0, atol=1e-9)


def test_it_agrees_with_the_exact_solution(pair: tuple[str, str]):
    system, times, ours = reference(*pair)
    exact = system.exact(ours[0], times)
    if exact is None:
        pytest.skip("no closed form")
    torch.testing.assert_close(ours, exact, rtol=0, atol=1e-10)


def test_energy_and_invariants_are_constant_along_it(pair: tuple[str, str]):
    """Energy relative to that of the trajectory itself; an invariant may be 0 where its terms are not."""
    system, _, ours = reference(*pair)
    energy = system.hamiltonian(ours)
    assert ((energy / energy[0] - 1).abs() <= 1e-12).all()
    for name, value in system.invariants(ours).items():
        assert ((value - value[0]).abs() <= 1e-12 * (1 + value.abs())).all(), name
