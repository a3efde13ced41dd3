"""Own data from the files to the report: what is planned, what is refused, whether the numbers are to be believed."""

import re
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pytest
import torch
from recorded import recording, write
from typer.testing import CliRunner, Result

import bench.run
import models
import systems
from bench.attempt import run_cell
from bench.backends import inline
from bench.data import make_dataset, observe
from bench.declarations import BadInput
from bench.expand import Planned, expand
from bench.grid import Block, Filters, Grid
from bench.judges.held_out import held_out_columns
from bench.own_data import OwnData, own_data
from bench.own_grid import own_grid
from bench.recording import read_recording
from bench.store import read
from systems import integrators

RECIPE = """
optimizer = "adam"
learning_rate = 1e-3
epochs = 2
batch_size = 8
schedule.kind = "constant"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(recording(count=20), tmp_path / "runs.csv")


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(RECIPE)
    return path


def run(*words: object, out: Path) -> Result:
    command = [*map(str, words), "--out", str(out), "--backend", "inline"]
    return CliRunner().invoke(bench.run.app, command, env={"COLUMNS": "200"})


def planned(data: OwnData, **wanted) -> list[Planned]:
    return list(expand(own_grid(data, Filters(**wanted)), Filters(), own=data))


def test_every_trajectory_is_in_one_part(file: Path):
    data = own_data([file])
    parts = [part.states for part in data.parts().values()]
    assert [len(part) for part in parts] == [14, 3, 3] == list(data.split.values())
    everything = read_recording([file]).states
    assert sorted(map(bytes, np.concatenate(parts))) == sorted(map(bytes, everything))


def test_the_split_is_that_of_the_numbers(file: Path, tmp_path: Path):
    moved = write(pd.read_csv(file), tmp_path / "elsewhere.parquet")
    for name, part in own_data([file]).parts().items():
        np.testing.assert_array_equal(part.states, own_data([moved]).parts()[name].states)


def test_a_cell_is_that_of_the_content_and_not_of_the_place(file: Path, tmp_path: Path):
    (tmp_path / "moved").mkdir()
    moved = write(pd.read_csv(file), tmp_path / "moved" / "runs.csv")
    ids = {item.task.cell_id for item in planned(own_data([file]))}
    assert ids == {item.task.cell_id for item in planned(own_data([moved]))}
    write(pd.read_csv(file) * 1.000001, moved)
    assert not ids & {item.task.cell_id for item in planned(own_data([moved]))}


def test_the_default_grid_suits_the_data(file: Path):
    cells = [item.task.cell for item in planned(own_data([file]))]
    assert [cell.model for cell in cells] == ["constant", "fshnn", "neural_ode", "sampled_hnn"]
    assert {cell.system for cell in cells} == {"runs.csv"}
    assert {cell.seq_len for cell in cells if cell.model != "constant"} == {16}
    short = write(recording(times=5), file.with_name("short.csv"))
    assert {item.task.cell.seq_len for item in planned(own_data([short]))} == {None, 4}


def test_options_replace_the_axes_of_the_grid(file: Path):
    wanted = {"model": ("sampled_hnn", "hnn"), "seed": (3, 4), "seq_len": (7,), "recipe": ("paper",)}
    cells = [item.task.cell for item in planned(own_data([file]), **wanted)]
    assert sorted((cell.model, cell.preset, cell.seed) for cell in cells) == [
        ("hnn", "paper", 3), ("hnn", "paper", 4), ("sampled_hnn", "weak", 3), ("sampled_hnn", "weak", 4)
    ]  # fmt: skip
    assert {(cell.seq_len, cell.recipe) for cell in cells if cell.model == "hnn"} == {(7, "paper")}


@pytest.mark.parametrize(
    ("model", "preset", "reason"),
    [
        ("true_h", "paper", "the true H is not known"),
        ("sampled_hnn", "paper", "needs derivatives: protocol 'own_data' has none"),
        ("pinn", "paper", "needs equations: protocol 'own_data' has none"),
    ],
)
def test_what_own_data_cannot_give_is_a_reason(file: Path, model: str, preset: str, reason: str):
    block = Block(
        system="own_data", model=model, preset=preset, seq_len=4, seed=0, protocol="own_data", recipe="paper"
    )  # fmt: skip
    (item,) = expand(Grid(name="g", cells=[block]), Filters(), own=own_data([file]))
    assert item.skipped == reason


def test_irregular_times_skip_what_needs_a_fixed_step_and_the_rest_runs(tmp_path: Path, quick: Path):
    data = own_data([write(recording(jitter=0.8), tmp_path / "runs.csv")])
    assert "what needs a fixed step is skipped" in data.notes[0]
    wanted = ("constant", "neural_ode", "fshnn", "hnn", "sampled_hnn", "weak_form", "sympnet")
    plan = planned(data, model=wanted, recipe=(str(quick),), seq_len=(4,))
    assert {item.task.cell.model: item.skipped for item in plan if item.skipped} == dict.fromkeys(
        ("sampled_hnn", "weak_form", "sympnet"), "needs a fixed step: protocol 'own_data' has none"
    )
    assert {item.task.cell.gradient_mode for item in plan} == {None, "backprop"}
    rows = {row["model"]: row for (row,) in inline.run([item.task for item in plan if not item.skipped], Event())}
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(
        ("constant", "neural_ode", "fshnn", "hnn"), "ok"
    )
    assert all(0 < row["rollout_error"] < 3 for row in rows.values())


def test_observations_keep_the_times_of_the_file(tmp_path: Path):
    data = own_data([write(recording(jitter=0.8), tmp_path / "runs.csv")])
    dataset, recorded = make_dataset(data.label, data), data.parts()["train"]
    observed = observe(dataset.train, data, "train", data.label, 0, torch.float64, dataset.times["train"])
    window = observed.window(torch.tensor([2, 5]), torch.tensor([0, 3]), 4)
    np.testing.assert_array_equal(window.observed.numpy()[:, 1], recorded.states[5, 3:8])
    np.testing.assert_allclose(window.times.numpy()[:, 1], recorded.times[5, 3:8] - recorded.times[5, 3])


def test_times_that_are_rounded_are_regular(tmp_path: Path):
    frame = recording(times=41, dt=1 / 3)
    assert not own_data([write(frame.assign(time=frame["time"].round(4)), tmp_path / "runs.csv")]).irregular
    assert own_data([write(frame.assign(time=frame["time"].round(2)), tmp_path / "runs.csv")]).irregular


def test_own_data_go_with_themselves_only(file: Path):
    usual = {"model": ["fshnn"], "seq_len": [4], "seed": [0], "recipe": ["paper"]}
    for system, protocol in (("own_data", "paper"), ("double_well", "own_data")):
        with pytest.raises(ValueError, match="both the system and the protocol"):
            Block(system=[system], protocol=protocol, **usual)
    block = Block(system=["own_data"], protocol="own_data", kind="profile", **usual)
    (item,) = expand(Grid(name="g", cells=[block]), Filters(), own=own_data([file]))
    assert item.skipped == "iterations are measured on systems that are simulated"


def test_files_become_rows_and_a_report_and_a_second_run_does_nothing(file: Path, quick: Path, tmp_path: Path):
    out = tmp_path / "out"
    words = ("--data", file, "--model", "constant", "--model", "fshnn", "--model", "polynomial", "--recipe", quick)
    first = run(*words, "--model", "true_h", "--seq-len", 4, out=out)
    assert first.exit_code == 0, first.output
    assert "Data runs.csv: 20 trajectories of 21 times 0.1 apart" in first.output
    rows = read(out).set_index("model")
    assert rows["status"].to_dict() == {
        "constant": "ok", "fshnn": "ok", "polynomial": "ok", "true_h": "skipped"
    }  # fmt: skip
    assert set(rows["data"]) == {own_data([file]).content}
    judged = rows.drop("true_h")
    assert judged["rollout_error"].between(0, 2).all()
    assert judged[["h_mae_ru", "loss_floor", "reference_error"]].isna().all(axis=None)
    assert {"polynomial", "escapes"} <= set(re.findall(r"\w+", (out / "report" / "held_out.md").read_text()))
    assert not (out / "report" / "error_table.md").exists()
    assert "Nothing to do: all 4 cells are finished" in run(
        *words, "--model", "true_h", "--seq-len", 4, out=out
    ).output  # fmt: skip


def test_a_learned_polynomial_predicts_as_well_as_the_true_h(tmp_path: Path):
    """The oscillator's H is among the polynomials: what is left is the noise of starts and observations.

    The step is so long that implicit midpoint would add as much again.
    """
    data = own_data([write(recording(count=200, times=41, dt=0.25), tmp_path / "runs.parquet")])
    (item,) = planned(data, model=("polynomial",))
    ((row,),) = inline.run([item.task], Event())
    assert row["rollout_error"] == pytest.approx(true_error(data, "gauss_legendre6"), rel=0.05)
    assert row["rollout_error"] < 0.7 * true_error(data, "implicit_midpoint")


def true_error(data: OwnData, integrator: str) -> float:
    """Of the true H, rolled out by an integrator."""
    truth = models.get("true_h")(
        systems.get("harmonic_oscillator")(), torch.Generator(), integrators.get(integrator)()
    )
    return held_out_columns(truth, data.parts()["held_out"].states, None, data)["rollout_error"]


def test_data_that_change_after_planning_are_an_error_of_the_cell(file: Path):
    task = planned(own_data([file]), model=("constant",))[0].task
    write(pd.read_csv(file) * 2, file)
    ((row,),) = inline.run([task], Event())
    assert (row["status"], row["phase"], row["exception"]) == ("error", "data", "DataChanged")
    assert "runs.csv: not what it was" in row["reason"]
    file.unlink()
    assert "cannot be read" in run_cell(task, lambda: task.protocol.parts())["reason"]


def test_coordinates_far_from_one_are_noted_and_left_alone(file: Path):
    assert own_data([file]).notes == ()
    write(pd.read_csv(file).assign(spare=1, p0=lambda f: 1e4 * f["p0"]), file)
    columns, scale = own_data([file]).notes
    assert columns == "columns that play no part: spare"
    assert "nothing is rescaled here" in scale
    assert np.abs(own_data([file]).parts()["train"].states).max() > 1e3


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ((), ["--grid", "--data"]),
        (("--grid", "own_data"), ["cells[1]", "--data FILE"]),
        (("--grid", "smoke", "--data", "{file}"), ["grid 'smoke' has no cells of system 'own_data'"]),
        (("--data", "{file}", "--system", "henon_heiles"), ["--system does not go with --data"]),
        (("--data", "{file}", "--model", "fshn"), ["unknown model 'fshn'", "Did you mean 'fshnn'?"]),
        (("--data", "{file}", "--recipe", "papr"), ["unknown recipe 'papr'", "Did you mean 'paper'?"]),
        (("--data", "{file}", "--seq-len", "21"), ["a window of 21 steps does not fit the 20 steps"]),
        (("--data", "nowhere.csv"), ["nowhere.csv: cannot be read: No such file"]),
        (("--data", "{two}"), ["2 of at least 3 trajectories"]),
    ],
)
def test_wrong_usage_is_said_and_writes_nothing(file: Path, tmp_path: Path, words: tuple, parts: list[str]):
    two = write(recording(count=2), tmp_path / "two.csv")
    done = run(*(word.format(file=file, two=two) for word in words), out=tmp_path / "out")
    assert done.exit_code == 2
    assert [part for part in parts if part not in done.stderr] == []
    assert not (tmp_path / "out").exists()


def test_too_few_trajectories_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match=r"runs\.csv: 1 of at least 3 trajectories"):
        own_data([write(recording(count=1), tmp_path / "runs.csv")])
