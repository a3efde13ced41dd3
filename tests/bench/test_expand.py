"""From a grid to its cells: the product of its axes, filters, and the reasons why a cell is skipped."""

import pytest
import torch
from planned_cells import block, cells

from bench.cell import Task
from bench.declarations import names
from bench.expand import expand
from bench.grid import DEFAULT_TIMEOUT_S, Filters, Grid, load_grid, with_timeout
from models.base import Model
from models.base import _registry as registry
from models.gradients.backprop import Backprop


def test_a_block_is_the_product_of_its_axes():
    assert len(cells(block())) == 8


def test_a_cell_that_two_blocks_name_runs_once():
    assert len(cells(block(), block(seed=[1, 2]))) == 12


def test_one_value_stands_for_a_list_of_one():
    assert cells(block(system="double_well", seed=1)) == cells(block(system=["double_well"], seed=[1]))


def test_a_cell_can_be_asked_for_by_its_id():
    wanted = cells(block())[3]
    assert cells(block(), cell_id=(wanted.task.cell_id,)) == [wanted]
    assert cells(block(), cell_id=(wanted.task.cell_id,), seed=(1 - wanted.task.cell.seed,)) == []


class StandIn(Model):
    """A model that learns by a loss of its own, or by a fit; a plug-in for one test."""

    def field(self, y):
        return torch.zeros_like(y)


@pytest.fixture
def stand_in(monkeypatch) -> type[StandIn]:
    """The class of the model "stand_in", to be changed at will."""
    fresh = type("StandIn", (StandIn,), {})
    monkeypatch.setitem(registry._classes, "stand_in", fresh)
    return fresh


def needing(*needs: str):
    return classmethod(lambda cls, preset: frozenset(needs))


def test_presets_are_an_axis(stand_in):
    stand_in.presets = {"paper": {}, "matched": {}}
    planned = cells(block(system="double_well", model="stand_in", seq_len=4, seed=0, preset=["paper", "matched"]))
    assert [item.task.cell.preset for item in planned] == ["paper", "matched"]
    assert len({item.task.cell_id for item in planned}) == 2
    assert {item.skipped for item in planned} == {None}


def test_a_preset_that_a_model_does_not_have_is_skipped_with_those_that_it_has():
    planned = cells(block(model=["fshnn", "constant"], system="double_well", seq_len=4, seed=0, preset="huge"))
    assert [(item.task.cell.preset, item.skipped) for item in planned] == [
        ("huge", "model 'fshnn' has no preset 'huge'; it has: matched, paper"),
        (None, None),
    ]


def test_a_fit_has_a_length_and_a_seed_but_no_recipe_and_no_integrator(stand_in):
    stand_in.fits = True
    planned = cells(
        block(system="double_well", model="stand_in", recipe=["paper", "one_cycle"], seq_len=[4, 6], seed=2)
    )
    found = [item.task.cell for item in planned]
    assert [(cell.seq_len, cell.seed, cell.preset) for cell in found] == [(4, 2, "paper"), (6, 2, "paper")]
    for cell in found:
        assert (cell.recipe, cell.gradient_mode, cell.integrator, cell.start_guess) == (None,) * 4
        assert cell.dtype == "float64"


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        (("derivatives",), "needs derivatives: protocol 'smoke' has none"),
        (("equations", "derivatives"), "needs derivatives and equations: protocol 'smoke' has none"),
        (("noise-free data",), "needs noise-free data: protocol 'smoke' has none"),
        ((), None),
    ],
)
def test_what_a_model_needs_and_the_protocol_has_not_is_the_reason(stand_in, needs, reason):
    stand_in.needs = needing(*needs)
    (planned,) = cells(block(system="double_well", model="stand_in", seq_len=4, seed=0))
    assert planned.skipped == reason


@pytest.mark.parametrize(
    ("line", "need"),
    [('derivatives = "exact"', "derivatives"), ("equations = true", "equations"), ("noise = 0.0", "noise-free data")],
)
def test_a_protocol_says_what_it_offers(stand_in, tiny, line, need):
    stand_in.needs = needing(need)
    path = tiny / "protocol.toml"
    content = [kept for kept in path.read_text().splitlines() if not kept.startswith(line.split(" ")[0])]
    path.write_text("\n".join([line, *content]))
    (planned,) = cells(block(system="double_well", model="stand_in", seq_len=4, seed=0, protocol=str(path)))
    assert planned.skipped is None
    (measured,) = cells(
        block(kind="profile", system="double_well", model="stand_in", seq_len=4, seed=0, protocol=str(path))
    )
    in_window = need == "noise-free data"
    assert measured.skipped == (None if in_window else f"needs {need}: the window of a measured iteration has none")


def test_a_recipe_that_optimises_starts_is_for_models_whose_loss_has_one(stand_in):
    axes = {"system": "double_well", "seq_len": 4, "seed": 0, "recipe": ["optimised_start", "one_cycle"]}
    planned = cells(block(model=["fshnn", "stand_in"], **axes))
    reasons = [item.skipped for item in planned]
    assert reasons[:2] == [None, None]
    assert reasons[2] == "recipe 'optimised_start' optimises start states, and the model's loss has none"
    assert reasons[3] is None


def test_profiling_a_fit_is_skipped(stand_in):
    stand_in.fits = True
    (planned,) = cells(block(kind="profile", system="double_well", model="stand_in", seq_len=4, seed=0))
    assert planned.skipped == "the model is fitted at once, so there is no iteration to measure"


def test_what_needs_no_training_has_no_axes_of_training():
    (planned,) = cells(block(system="double_well", model="constant", recipe=["paper", "one_cycle"]))
    cell = planned.task.cell
    assert (cell.gradient_mode, cell.integrator, cell.seq_len, cell.recipe, cell.seed) == (None, None, None, None, 0)
    assert cell.preset is None
    assert planned.task.recipe is None


def test_a_combination_that_cannot_run_is_planned_with_its_reason(monkeypatch):
    def refuse_gauss(_: type, integrator: type) -> str | None:
        return "not by Gauss" if "Gauss" in integrator.__name__ else None

    monkeypatch.setattr(Backprop, "inapplicable", refuse_gauss)
    axes = {"gradient_mode": ["backprop", "discrete"], "integrator": ["implicit_midpoint", "gauss_legendre4"]}
    planned = cells(block(system="double_well", seq_len=4, seed=0, **axes))
    reasons = {(item.task.cell.gradient_mode, item.task.cell.integrator): item.skipped for item in planned}
    assert len(reasons) == 4
    assert {key: reason for key, reason in reasons.items() if reason} == {
        ("backprop", "gauss_legendre4"): "not by Gauss"
    }


def test_where_a_grid_names_no_integrator_each_model_takes_its_own():
    axes = {"system": "double_well", "model": ["fshnn", "srnn", "shnn"], "seq_len": 4, "seed": 0}
    chosen = {item.task.cell.model: item.task.cell.integrator for item in cells(block(**axes))}
    assert chosen == {"fshnn": "implicit_midpoint", "srnn": "stormer_verlet", "shnn": None}
    named = {item.task.cell.model: item.task.cell.integrator for item in cells(block(**axes, integrator="rk4"))}
    assert named == {"fshnn": "rk4", "srnn": "rk4", "shnn": None}


def test_profiling_what_needs_no_training_is_skipped():
    (planned,) = cells(block(kind="profile", system="double_well", model="constant"))
    assert planned.skipped is not None
    assert "no iteration to measure" in planned.skipped


def test_a_recipe_in_a_file_is_known_by_the_name_of_the_file(tasks: list[Task]):
    assert {task.cell.recipe for task in tasks} == {None, "recipe"}
    assert {task.cell.protocol for task in tasks} == {"protocol"}


def test_a_profile_may_be_longer_than_the_trajectories():
    assert len(cells(block(kind="profile", seq_len=128))) == 4


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"system": ("henon_heiles",)}, 4),
        ({"seq_len": (6,), "seed": (1,)}, 2),
        ({"seed": (9,)}, 0),
        ({"preset": ("matched",)}, 0),
        ({"preset": ("paper",)}, 8),
        ({"gradient_mode": ("backprop",)}, 0),
        ({"model": ("constant",)}, 0),
    ],
)
def test_filters_choose(filters: dict, count: int):
    assert len(cells(block(), **filters)) == count


def test_filters_on_axes_that_do_not_apply_let_a_cell_pass():
    assert len(cells(block(model=["constant"]), gradient_mode=("backprop",), seq_len=(99,))) == 2


NAMED = sorted(set(names("grids")) - {"own_data"})  # which waits for data


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "full" else name for name in NAMED]
)
def test_every_named_grid_expands(name: str):
    assert list(expand(load_grid(name), Filters()))


def test_a_time_limit_is_the_grids_or_the_commands():
    grid = Grid(name="g", cells=[block(timeout_s=7.0)])
    assert {item.task.timeout_s for item in expand(grid, Filters())} == {7.0}
    assert {item.task.timeout_s for item in expand(with_timeout(grid, 5.0), Filters())} == {5.0}
    assert cells(block())[0].task.timeout_s == DEFAULT_TIMEOUT_S
    assert cells(block())[0].task.cell_id == next(iter(expand(grid, Filters()))).task.cell_id, "no part of identity"
