"""Bad input: the file, the key and the reason, or the valid names and the nearest one."""

from pathlib import Path

import pytest

from bench.declarations import BadInput
from bench.expand import expand
from bench.grid import Filters, check_filters, load_grid
from bench.protocol import load_protocol
from bench.recipe import load_recipe
from bench.run import parse_seeds

GRID = """
[[cells]]
system = "double_well"
model = "fshnn"
seq_len = 4
seed = 0
protocol = "smoke"
recipe = "paper"
"""


def complaint(folder: Path, text: str) -> str:
    """What is said about a grid file with this text."""
    path = folder / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        list(expand(load_grid(str(path)), Filters(), folder))
    assert "mine" in str(caught.value)
    return str(caught.value)


def test_the_grid_that_the_others_are_broken_from_is_good(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(GRID)
    assert len(list(expand(load_grid(str(tmp_path / "mine.toml")), Filters(), tmp_path))) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            '"double_well"',
            '"doublewell"',
            ("cells.0", "unknown system 'doublewell'", "'double_well'", "henon_heiles"),
        ),
        ('"fshnn"', '"fshn"', ("unknown model 'fshn'", "Did you mean 'fshnn'?", "true_h")),
        ("seed = 0", 'seed = 0\ngradient_mode = "discret"', ("unknown gradient mode", "'discrete'", "backprop")),
        ("seed = 0", 'seed = 0\nintegrator = "rk5"', ("unknown integrator 'rk5'", "'rk4'")),
        ('"smoke"', '"smok"', ("unknown protocol 'smok'", "Did you mean 'smoke'?", "paper")),
        ('recipe = "paper"', 'recipe = "papr"', ("unknown recipe 'papr'", "Did you mean 'paper'?", "one_cycle")),
        ("seed = 0", "seed = 0\nsedd = 1", ("key 'cells.0'", "unknown key 'sedd'")),
        ("[[cells]]", "descripton = ''\n[[cells]]", ("descripton", "Did you mean 'description'?")),
        ("seq_len = 4", "", ("cells.0.seq_len", "required")),
        ("seq_len = 4", "seq_len = 4.0", ("cells.0.seq_len", "integer")),
        ("seq_len = 4", 'seq_len = "4"', ("cells.0.seq_len", "integer")),
        ("seq_len = 4", "seq_len = true", ("cells.0.seq_len", "integer")),
        ("seq_len = 4", "seq_len = [4, 0]", ("cells.0.seq_len.1", "greater than 0")),
        ("seq_len = 4", "seq_len = -4", ("cells.0.seq_len", "greater than 0")),
        ("seed = 0", "seed = -1", ("cells.0.seed", "greater than or equal to 0")),
        ("seed = 0", "seed = []", ("cells.0.seed", "at least 1")),
        ('"fshnn"', "[]", ("cells.0.model", "at least 1")),
        ('"fshnn"', "3", ("cells.0.model", "string")),
        ("seed = 0", 'seed = 0\nkind = "tran"', ("cells.0.kind", "'train' or 'profile'")),
        ("seq_len = 4", "seq_len = 41", ("cells[1]", "'seq_len'", "41 steps", "40 steps", "'smoke'")),
        (GRID, "cells = []", ("'cells'", "at least 1")),
        (GRID, "", ("'cells'", "required")),
        (GRID, "cells = 3", ("'cells'", "list")),
        (GRID, "cells = [", ("not valid TOML",)),
        ('"smoke"', '"absent.toml"', ("no protocol file", "absent.toml")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_grid_file(tmp_path: Path, old: str, new: str, said: tuple[str, ...]):
    # A name of a protocol or recipe that is not there is looked up, so it does not name the grid's file.
    if "unknown protocol" in said[0] or "unknown recipe" in said[0] or "no protocol file" in said[0]:
        (tmp_path / "mine.toml").write_text(GRID.replace(old, new))
        with pytest.raises(BadInput) as caught:
            list(expand(load_grid(str(tmp_path / "mine.toml")), Filters(), tmp_path))
        text = str(caught.value)
    else:
        text = complaint(tmp_path, GRID.replace(old, new))
    assert [part for part in said if part not in text] == []


def test_every_bad_key_is_named_at_once(tmp_path: Path):
    text = complaint(tmp_path, GRID.replace("seed = 0", "seed = -1").replace("seq_len = 4", "seq_len = 0"))
    assert "cells.0.seed" in text
    assert "cells.0.seq_len" in text


def test_a_file_that_is_not_text(tmp_path: Path):
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"mine\.toml: not valid TOML"):
        load_grid(str(tmp_path / "mine.toml"))


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(BadInput, match=r"no grid file .*absent\.toml"):
        load_grid(str(tmp_path / "absent.toml"))


def test_an_unknown_grid_name():
    with pytest.raises(
        BadInput, match=r"unknown grid 'smok'\. Did you mean 'smoke'\? Valid names: claims, data_size, flows, full, "
    ):
        load_grid("smok")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dt = 0.02", "dt = 0", "key 'dt'.*greater than 0"),
        ("dt = 0.02", "dt = nan", "key 'dt'"),
        ("dt = 0.02", "dt = inf", "key 'dt'"),
        ("noise = 0.01", "noise = inf", r"key 'noise\b"),
        ("steps = 8", "steps = 8.5", "key 'steps'.*integer"),
        ("steps = 8", "steps = 100_000_000", "horizon"),
        ("noise = 0.01", "noise = -1.0", r"key 'noise\b"),
        ("noise = 0.01", "nois = 0.01", "key 'nois'.*Did you mean 'noise'"),
        ("train_starts = 64", "train_starts = 0", "key 'train_starts'"),
        ("grid_per_axis = 5", "grid_per_axis = 1", "key 'grid_per_axis'"),
        ("steps = 8", "steps = 8\nstarts = 'somewhere'", "key 'starts'"),
    ],
)
def test_a_bad_protocol_file(tiny: Path, old: str, new: str, said: str):
    path = tiny / "protocol.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=rf"(?s)protocol\.toml: .*{said}"):
        load_protocol(str(path))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("epochs = 2", "epochs = 0", "key 'epochs'"),
        ('"adam"', '"sgd"', "key 'optimizer'.*'adam'"),
        ("learning_rate = 1e-3", "learning_rate = inf", "key 'learning_rate'"),
        ('kind = "one_cycle"', 'kind = "two_cycles"', "key 'schedule'.*'one_cycle'"),
        ("warm_up = 0.3", "warm_up = 1.0", "warm_up'.*less than 1"),
        ("warm_up = 0.3", "", "warm_up'.*required"),
        ("warm_up = 0.3", "patience = 3", "key 'schedule.*unknown key 'patience'. Valid names: kind, peak, warm_up"),
    ],
)
def test_a_bad_recipe_file(tiny: Path, old: str, new: str, said: str):
    path = tiny / "recipe.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput, match=rf"(?s)recipe\.toml: .*{said}"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (Filters(system=("henon",)), "unknown system 'henon'. Did you mean 'henon_heiles'"),
        (Filters(model=("true",)), "unknown model 'true'. Did you mean 'true_h'"),
        (Filters(gradient_mode=("continous",)), "unknown gradient mode 'continous'. Did you mean 'continuous'"),
    ],
)
def test_filters_name_what_exists(filters: Filters, said: str):
    with pytest.raises(BadInput) as caught:
        check_filters(filters)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "a", "-1", "1.5", "0,,1", "0-3", "1,", "³"])
def test_seeds_are_whole_numbers(text: str):
    with pytest.raises(BadInput, match="whole numbers"):
        parse_seeds(text)


def test_seeds_may_stand_apart():
    assert parse_seeds("0, 1,2") == (0, 1, 2)
    assert parse_seeds(None) == ()
