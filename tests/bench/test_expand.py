"""From a grid to tasks, and from tasks and stored rows to a plan."""

import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
import torch

from bench.attempt import opening
from bench.cell import Task, cell_id
from bench.declarations import BadInput, names
from bench.expand import Planned, expand
from bench.grid import DEFAULT_TIMEOUT_S, Block, Filters, Grid, load_grid, with_timeout
from bench.plan import Plan, make_plan
from bench.run import parse_rerun
from bench.schema import SCHEMA
from bench.status import FAILED, Status
from models.base import Model
from models.base import _registry as registry
from models.gradients.backprop import Backprop

NO_ROWS = SCHEMA.empty_table().to_pandas()


def block(**changes) -> Block:
    usual = {
        "system": ["double_well", "henon_heiles"],
        "model": ["fshnn"],
        "seq_len": [4, 6],
        "seed": [0, 1],
        "protocol": "smoke",
        "recipe": ["paper"],
    }
    return Block(**(usual | changes))


def cells(*blocks: Block, **filters) -> list[Planned]:
    return list(expand(Grid(name="g", cells=list(blocks)), Filters(**filters)))


def plan_of(*blocks: Block, rows: pd.DataFrame = NO_ROWS, rerun: frozenset[Status] = FAILED) -> Plan:
    return make_plan(expand(Grid(name="g", cells=list(blocks)), Filters()), rows, rerun)


def stored(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame([*rows]).reindex(columns=list(SCHEMA.names)) if rows else NO_ROWS


def row(task: Task, status: str = "ok", **changes) -> dict:
    return opening(task) | {"status": status, "wall_s": 2.0} | changes


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


def test_finished_cells_are_not_run_again():
    planned = cells(block())
    plan = plan_of(block(), rows=stored(row(planned[0].task), row(planned[1].task, "diverged")))
    assert (plan.finished, len(plan.run), plan.cells) == (2, 6, 8)


@pytest.mark.parametrize("status", ["error", "lost", "oom", "timeout"])
def test_cells_that_failed_are_tried_again(status: str):
    first = cells(block())[0].task
    plan = plan_of(block(), rows=stored(row(first, status, attempt=2)))
    again = next(task for task in plan.run if task.cell_id == first.cell_id)
    assert (len(plan.run), again.attempt) == (8, 3)


@pytest.mark.parametrize(
    ("words", "runs", "failed"),
    [
        (["failed"], {"timeout", "error"}, 0),
        (["none"], set(), 2),
        (["timeout"], {"timeout"}, 1),
        (["timeout", "ok"], {"timeout", "ok"}, 1),
        (["none", "diverged"], {"diverged"}, 2),
    ],
)
def test_which_rows_run_again_can_be_chosen(words: list[str], runs: set[str], failed: int):
    statuses = ("ok", "diverged", "timeout", "error")
    planned = cells(block(system="double_well"))
    rows = stored(*(row(item.task, status) for item, status in zip(planned, statuses, strict=True)))
    plan = plan_of(block(system="double_well"), rows=rows, rerun=parse_rerun(words))
    of = {item.task.cell_id: status for item, status in zip(planned, statuses, strict=True)}
    assert {of[task.cell_id] for task in plan.run} == runs
    assert (plan.failed_before, plan.cells) == (failed, 4)


def test_an_outcome_that_is_none_is_wrong_usage():
    with pytest.raises(BadInput, match=r"unknown outcome 'timeouts'\. Did you mean 'timeout'"):
        parse_rerun(["timeouts"])


def test_a_cell_whose_code_changed_is_run_again():
    rows = stored(row(replace(cells(block())[0].task, fingerprint="old")))
    assert len(plan_of(block(), rows=rows).run) == 8


def test_skipped_cells_are_written_down_once():
    constant = block(kind="profile", model="constant", seed=0)
    plan = plan_of(constant)
    assert (len(plan.run), len(plan.skip), plan.reasons.total()) == (0, 2, 2)
    assert plan.skip.reason(0) in plan.reasons
    again = plan_of(constant, rows=stored(*(row(task, "skipped", wall_s=None) for task in plan.skip)))
    assert (len(again.skip), again.skipped_before, again.cells) == (0, 2, 2)


def test_timed_cells_come_last_and_long_ones_first():
    plan = plan_of(block(kind="profile", seed=0), block(seed=0))
    assert [task.cell.exclusive for task in plan.run] == [False] * 4 + [True] * 4
    assert [task.cell.seq_len for task in plan.run][:4] == [6, 6, 4, 4]


def test_cells_that_took_long_come_first():
    planned = cells(block())
    took = {("henon_heiles", 4): 9.0, ("double_well", 6): 5.0}
    rows = stored(
        *(
            row(replace(item.task, fingerprint="old"), wall_s=took.get((cell.system, cell.seq_len), 1.0))
            for item in planned
            for cell in [item.task.cell]
        )
    )
    order = [(task.cell.system, task.cell.seq_len) for task in plan_of(block(), rows=rows).run]
    assert order[:4] == [("henon_heiles", 4)] * 2 + [("double_well", 6)] * 2


def test_a_plan_holds_the_cells_of_its_grid_in_any_order_of_asking():
    blocks = block(model=["fshnn", "constant", "hnn"]), block(kind="profile", seed=[0, 5])
    plan, planned = plan_of(*blocks), {item.task.cell_id: item.task for item in cells(*blocks)}
    assert len(plan.run) == len(planned)
    for index in reversed(range(len(plan.run))):
        assert plan.run[index] == planned[plan.run[index].cell_id]
    assert all(task.cell_id == cell_id(task.cell, task.protocol, task.recipe) for task in plan.run)


def test_the_estimate_divides_what_can_share_the_machine():
    blocks = block(), block(kind="profile")
    rows = stored(*(row(replace(item.task, fingerprint="old")) for item in cells(*blocks)))
    assert plan_of(*blocks, rows=rows).total_s(workers=2) == pytest.approx(8 * 2.0 / 2 + 8 * 2.0)


def test_there_is_no_estimate_without_earlier_rows():
    assert plan_of(block()).total_s(workers=2) is None


def test_a_time_limit_is_the_grids_or_the_commands():
    grid = Grid(name="g", cells=[block(timeout_s=7.0)])
    assert {item.task.timeout_s for item in expand(grid, Filters())} == {7.0}
    assert {item.task.timeout_s for item in expand(with_timeout(grid, 5.0), Filters())} == {5.0}
    assert cells(block())[0].task.timeout_s == DEFAULT_TIMEOUT_S
    assert cells(block())[0].task.cell_id == next(iter(expand(grid, Filters()))).task.cell_id, "no part of identity"


@pytest.mark.slow
def test_a_million_cells_are_planned_in_ten_seconds_and_500_mb():
    program = """
import resource, time
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.plan import Plan, make_plan
from bench.run import parse_rerun
from bench.schema import SCHEMA

block = Block(
    system=["double_well", "coupled_oscillator", "henon_heiles", "harmonic_oscillator", "pendulum"],
    model=["fshnn", "weak_form", "hnn", "srnn", "shnn"],
    gradient_mode=["backprop", "discrete", "continuous", "reversible"],
    integrator=["implicit_midpoint", "gauss_legendre4", "stormer_verlet"],
    seq_len=list(range(2, 52)), seed=list(range(%d)), protocol="paper", recipe=["one_cycle", "paper"],
)
start = time.process_time()
plan = make_plan(expand(Grid(name="g", cells=[block]), Filters()), SCHEMA.empty_table().to_pandas())
print(plan.cells, time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    done = subprocess.run([sys.executable, "-c", program % 63], capture_output=True, text=True, check=True)
    cells, seconds, megabytes = map(float, done.stdout.split())
    assert cells > 1e6
    assert (seconds < 10, megabytes < 500) == (True, True), done.stdout
