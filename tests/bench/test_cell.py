"""A cell's id: what it depends on, and what it does not."""

from dataclasses import replace

import pytest

from bench.cell import Cell, cell_id
from bench.protocol import Protocol, Region, load_protocol
from bench.recipe import Plateau, Recipe, load_recipe

CELL = Cell(
    kind="train",
    system="double_well",
    model="fshnn",
    gradient_mode="discrete",
    integrator="implicit_midpoint",
    start_guess="extrapolation",
    seq_len=6,
    seed=0,
    protocol="paper",
    recipe="paper",
)
OTHERS = {
    "kind": "profile",
    "system": "henon_heiles",
    "model": "constant",
    "gradient_mode": "backprop",
    "integrator": "gauss_legendre4",
    "start_guess": "state",
    "seq_len": 7,
    "seed": 1,
    "protocol": "other",
    "recipe": "other",
    "device": "cuda",
    "dtype": "float64",
    "net": "fitted",
    "step_size": 0.5,
    "preset": "matched",
    "compiled": True,
}


def identify(cell: Cell = CELL, protocol: Protocol | None = None, recipe: Recipe | None = None) -> str:
    return cell_id(cell, protocol or load_protocol("paper"), recipe or load_recipe("paper"))


def test_the_id_of_a_known_cell_never_changes():
    # A change here orphans every stored row: raise the schema version and say so in CHANGELOG.
    assert identify() == "63ebca351f97a43f"


@pytest.mark.parametrize("name", vars(CELL))
def test_every_identity_field_counts(name: str):
    assert identify(replace(CELL, **{name: OTHERS[name]})) != identify()


@pytest.mark.parametrize(
    "change",
    [{"dt": 0.02}, {"noise": 0.0}, {"test_points": 10}, {"systems": {"double_well": Region(box=1.0, sigma=1.0)}}],
    ids=str,
)
def test_the_content_of_the_protocol_counts(change: dict):
    assert identify(protocol=load_protocol("paper").model_copy(update=change)) != identify()


@pytest.mark.parametrize(
    "change", [{"epochs": 11}, {"schedule": Plateau(kind="plateau", factor=0.5, patience=10)}], ids=str
)
def test_the_content_of_the_recipe_counts(change: dict):
    assert identify(recipe=load_recipe("paper").model_copy(update=change)) != identify()


def test_descriptions_do_not_count():
    prose = {"description": "said otherwise"}
    same = identify(
        protocol=load_protocol("paper").model_copy(update=prose), recipe=load_recipe("paper").model_copy(update=prose)
    )
    assert same == identify()


def test_comments_and_the_order_of_keys_do_not_count(tiny):
    path = tiny / "protocol.toml"
    before = identify(protocol=load_protocol(str(path)))
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line}  # a remark" for line in reversed(lines)))
    assert identify(protocol=load_protocol(str(path))) == before


def test_a_cell_without_recipe_has_an_id_too():
    cell = replace(CELL, model="constant", recipe=None)
    assert cell_id(cell, load_protocol("paper"), None) != identify(cell)
