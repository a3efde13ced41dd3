"""What cells ask of their nodes, and who can give it."""

import re
from threading import Event

import pytest
from planned_cells import block, cells
from pydantic import ValidationError

from bench.backends import inline
from bench.resources import GIB, Request, unmet

NODES = [{"CPU": 64.0, "memory": 200.0 * GIB}, {"CPU": 8.0, "memory": 30.0 * GIB, "GPU": 2.0}]


def requests(**declared) -> set[Request]:
    return {planned.task.request for planned in cells(block(**declared))}


def test_cells_that_are_not_timed_share():
    assert requests() == {Request(1.0, GIB)}
    assert requests(cpus=2, memory_gib=0.5) == {Request(2.0, GIB // 2)}
    assert requests(device="cuda") == {Request(gpus=0.25)}
    assert requests(device="cuda", gpu_share=0.5) == {Request(gpus=0.5)}


def test_timed_cells_have_a_whole_card_or_else_a_whole_node():
    assert requests(kind="profile") == {Request(alone=True)}
    assert requests(kind="profile", device="cuda", gpu_share=0.25) == {Request(gpus=1.0)}


def test_what_runs_on_the_cpu_alone_asks_for_no_card():
    assert requests(device="cuda", model="polynomial", protocol="paper") == {Request()}


@pytest.mark.parametrize("share", [0.3, 0, 2])
def test_a_card_is_shared_in_parts_that_tile_it(share: float):
    with pytest.raises(ValidationError, match=r"a card is shared in parts of 0\.25, 0\.5, 1, not"):
        block(device="cuda", gpu_share=share)


def test_shares_climb_to_the_whole_card():
    assert Request(gpus=0.25).larger_share() == Request(gpus=0.5)
    assert Request(gpus=0.5).larger_share() == Request(gpus=1.0)
    assert Request(gpus=1.0).larger_share() is Request().larger_share() is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"CPU": 64.0, "memory": 150.0 * GIB}, None),
        ({"CPU": 1.0, "GPU": 1.0}, None),
        ({"CPU": 65.0}, "asks for 65 CPU on one node; the most that a node of this cluster has: 64 CPU"),
        ({"CPU": 1.0, "memory": 300.0 * GIB}, "asks for 1 CPU, 300 GiB on one node; .* has: 64 CPU, 200 GiB"),
        ({"CPU": 16.0, "GPU": 1.0}, "asks for 16 CPU, 1 GPU on one node"),  # on no node together
    ],
)
def test_one_node_must_have_it_all(wanted: dict[str, float], told: str | None):
    reason = unmet(wanted, NODES)
    assert reason is None if told is None else re.search(told, reason or "")


def test_no_nodes_have_nothing():
    assert "has: 0 CPU" in (unmet({"CPU": 1.0}, []) or "")


def test_this_process_gives_a_cell_its_whole_card(monkeypatch):
    given = []
    monkeypatch.setattr(inline, "run_cell", lambda task, dataset: given.append(task.request) or {})
    list(inline.run([planned.task for planned in cells(block(device="cuda", seed=0, seq_len=4))], Event()))
    assert set(given) == {Request(gpus=1.0)}
