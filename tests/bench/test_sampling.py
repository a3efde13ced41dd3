"""Protocols whose samples are irregular in time or noisy in some coordinates only, and grids that vary a protocol."""

from pathlib import Path

import pytest
import torch

from bench.data import data_key, make_dataset, observe
from bench.declarations import BadInput
from bench.expand import expand
from bench.grid import Block, Filters, Grid, load_grid
from bench.protocol import Protocol, load_protocol, varied
from systems import names


def tiny(**changes) -> Protocol:
    few = {"train_starts": 64, "validation_starts": 32, "steps": 10}
    (protocol,) = varied(load_protocol("smoke"), {key: [value] for key, value in (few | changes).items()})
    return protocol


def seen(protocol: Protocol, system: str = "henon_heiles"):
    data = make_dataset(system, protocol)
    return data, observe(data.train, protocol, "train", system, 0, torch.float64)


def noise_of(protocol: Protocol) -> torch.Tensor:
    data, observations = seen(protocol)
    return (observations.observed - torch.from_numpy(data.train)).std((0, 1))


def test_noise_may_be_on_the_positions_only():
    found = noise_of(tiny(noise=[0.1, 0.0]))
    assert found[:2].tolist() == pytest.approx([0.1, 0.1], rel=0.1)
    assert found[2:].tolist() == [0, 0]


def test_noise_may_differ_from_coordinate_to_coordinate():
    found = noise_of(tiny(noise=[0.1, 0.0, 0.2, 0.3]))
    assert found.tolist() == pytest.approx([0.1, 0, 0.2, 0.3], rel=0.1)


def test_one_number_is_the_same_as_that_number_for_every_coordinate():
    one, each = (seen(tiny(noise=noise))[1].observed for noise in (0.05, [0.05, 0.05]))
    assert one.std() == pytest.approx(float(each.std()), rel=0.05)


@pytest.mark.parametrize(("noise", "offered"), [(0.0, True), ([0.0, 0.0], True), ([0.0, 0.1], False), (0.1, False)])
def test_only_noise_of_zero_everywhere_is_none(noise, offered):
    assert ("noise-free data" in tiny(noise=noise).offers) == offered


def test_windows_of_irregular_samples_know_when_each_was_taken():
    _, observations = seen(tiny(jitter=0.9, noise=0.0), "harmonic_oscillator")
    rows, first = torch.tensor([5, 9]), torch.tensor([0, 3])
    window = observations.window(rows, first, 4)
    assert window.times is not None
    assert window.times[0].tolist() == [0, 0]
    angle = window.times[..., None]
    q, p = window.start.chunk(2, -1)
    turned = torch.cat((angle.cos() * q + angle.sin() * p, angle.cos() * p - angle.sin() * q), -1)
    torch.testing.assert_close(window.observed, turned, rtol=0, atol=1e-10)


def test_regular_data_do_not_depend_on_there_being_irregular_ones():
    assert "jitter" not in data_key("double_well", tiny())
    assert "jitter" in data_key("double_well", tiny(jitter=0.5))


def block(**changes) -> Block:
    usual = {"system": "henon_heiles", "model": "fshnn", "seq_len": 4, "seed": 0, "protocol": "smoke"}
    return Block(**(usual | {"recipe": "one_cycle"} | changes))


def planned(**changes):
    return list(expand(Grid(name="g", cells=[block(**changes)]), Filters()))


@pytest.mark.parametrize(
    ("model", "mode", "reason"),
    [
        ("fshnn", "backprop", None),
        ("fshnn", "discrete", "gradient mode 'discrete' needs a fixed step: protocol 'smoke_jitter_0.5' has none"),
        ("nssnn", "backprop", "needs a fixed step: protocol 'smoke_jitter_0.5' has none"),
        ("hnn", "backprop", None),
        ("true_h", "backprop", None),
    ],
)
def test_what_needs_a_fixed_step_is_skipped_where_there_is_none(model, mode, reason):
    (item,) = planned(model=model, gradient_mode=mode, vary={"jitter": 0.5})
    assert item.skipped == reason


def test_a_measured_iteration_has_a_fixed_step_whatever_the_protocol():
    (item,) = planned(kind="profile", vary={"jitter": 0.5})
    assert item.skipped is None


def test_noise_that_does_not_fit_a_system_is_the_reason_why_it_is_skipped():
    (item,) = planned(vary={"noise": [[0.1, 0.2, 0.3]]})
    assert "3 entries, the system 4 coordinates" in item.skipped
    assert "[positions, momenta]" in item.skipped


def test_varied_protocols_are_distinguished_by_name_and_the_protocol_itself_keeps_its_own():
    items = planned(vary={"noise": [0.0, 0.01, [0.02, 0.0]], "train_starts": [1024, 2048]})
    assert [item.task.cell.protocol for item in items] == [
        "smoke_noise_0.0",
        "smoke_noise_0.0_train_starts_2048",
        "smoke",
        "smoke_train_starts_2048",
        "smoke_noise_0.02_0.0",
        "smoke_noise_0.02_0.0_train_starts_2048",
    ]
    assert [item.task.protocol.noise for item in items[::2]] == [0.0, 0.01, [0.02, 0.0]]
    assert len({item.task.cell_id for item in items}) == 6
    (plain,) = planned()
    assert plain.task.cell_id == items[2].task.cell_id


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"noize": 0.1}, ("protocol 'smoke', varied", "noize", "Did you mean 'noise'?")),
        ({"noise": -0.1}, ("noise", "greater than or equal to 0")),
        ({"noise": [[0.1, -0.2]]}, ("noise", "greater than or equal to 0")),
        ({"noise": "loud"}, ("noise", "number")),
        ({"jitter": 1.0}, ("jitter", "less than 1")),
        ({"train_starts": 0}, ("train_starts", "greater than 0")),
        ({"steps": [10, 3]}, ("seq_len", "3 steps", "smoke_steps_3")),
    ],
)
def test_a_variation_that_is_none_says_what_and_where(changes, said):
    with pytest.raises(BadInput) as caught:
        planned(vary=changes)
    assert all(part in str(caught.value) for part in ("cells[1]", *said))


def test_all_systems_are_every_one():
    assert {item.task.cell.system for item in planned(system="all", model="constant")} == set(names())


@pytest.mark.parametrize(("grid", "key", "count"), [("noise", "noise", 7), ("data_size", "train_starts", 7)])
def test_the_sweeps_vary_what_they_say(grid, key, count):
    found = {str(getattr(item.task.protocol, key)) for item in expand(load_grid(grid), Filters())}
    assert len(found) == count


def test_a_grid_file_may_vary_a_protocol(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        '[[cells]]\nsystem = "toda"\nmodel = "constant"\nseq_len = 4\nseed = 0\nprotocol = "smoke"\n'
        'recipe = "paper"\n\n[cells.vary]\nnoise = [0.0, 0.5]\n'
    )
    items = list(expand(load_grid(str(tmp_path / "mine.toml")), Filters(), tmp_path))
    assert [item.task.protocol.noise for item in items] == [0.0, 0.5]
