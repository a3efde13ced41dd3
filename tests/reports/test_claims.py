"""The ledger: verdicts follow the rows, and nothing else."""

import math
import shlex
from functools import cache

import numpy as np
import pytest
from synthetic_rows import frame, full_rows, profile_row, train_row
from typer.testing import CliRunner

import bench.run
from bench.cell import Task
from bench.declarations import names
from bench.schema import IDENTITY_COLUMNS, TEST_SETS
from reports import claims, evidence
from reports.chapters import CHAPTERS
from reports.material import Material
from reports.verdicts import Verdict

LENGTHS = (4, 8, 16, 32, 64)


def material(rows):
    return Material(frame(rows))


def memory(power, noise=0.0):
    rows = [
        profile_row("backprop", n, 1e-3, 2.0**20 * n**power * (1 + noise * (-1) ** n.bit_length())) for n in LENGTHS
    ]
    return material([*rows, *(profile_row("discrete", n, 1e-3, 2.0**20) for n in LENGTHS)])


@pytest.mark.parametrize(("power", "verdict"), [(1.0, Verdict.HOLDS), (0.5, Verdict.FAILS)])
def test_an_exponent_inside_or_outside(power, verdict):
    found = evidence.memory_exponent(memory(power), "backprop", 0.9, 1.1)
    assert found.verdict == verdict
    assert f"k = {power:.2f}" in found.finding
    assert len(found.cells) == 5


@pytest.mark.parametrize("held", [4.0, 0.0])
def test_memory_that_is_held_at_every_length_hides_no_growth(held):
    lengths = (*LENGTHS, 128, 256)
    rows = [profile_row("backprop", n, 1e-3, 2.0**20 * (held + 0.5 * n)) for n in lengths]
    found = evidence.memory_exponent(material(rows), "backprop", 0.9, 1.1)
    assert found.verdict == Verdict.HOLDS
    assert ("above 4 MiB" in found.finding) == (held > 0)
    assert len(found.cells) == (len(lengths) if held else 5)


@pytest.mark.parametrize(("slope", "verdict"), [(1e-3, Verdict.HOLDS), (1.0, Verdict.FAILS)])
def test_what_is_claimed_to_be_constant_may_grow_by_little_of_the_whole(slope, verdict):
    rows = [profile_row("continuous", n, 1e-3, 2.0**20 * (100 + slope * n)) for n in (*LENGTHS, 128, 256)]
    assert evidence.memory_exponent(material(rows), "continuous", -0.05, 0.05).verdict == verdict


def test_an_exponent_that_scatters_is_left_open():
    assert evidence.memory_exponent(memory(1.0, noise=0.4), "backprop", 0.9, 1.1).verdict == Verdict.OPEN


def test_no_cell_no_verdict():
    empty = material([train_row("double_well", "constant", 0, 0.6)])
    found = claims.judged(empty)
    assert set(found["verdict"]) == {Verdict.UNTESTED}
    assert len(found) == len(claims.ledger())


def test_faster_at_one_end_and_slower_at_the_other():
    times = {"backprop": lambda n: 1e-3 * n, "paper_adjoint": lambda n: 4e-3 * n**0.5}
    rows = [profile_row(mode, n, time(n), 1e6) for mode, time in times.items() for n in LENGTHS]
    at = {"shortest": Verdict.FAILS, "longest": Verdict.HOLDS}
    for end, verdict in at.items():
        assert evidence.faster(material(rows), "paper_adjoint", "backprop", end).verdict == verdict
    same = [profile_row(mode, n, 1e-3, 1e6) for mode in times for n in LENGTHS]
    assert evidence.faster(material(same), "paper_adjoint", "backprop", "longest").verdict == Verdict.OPEN


@pytest.mark.parametrize(
    ("seconds", "verdict", "finding"),
    [
        (lambda n: 4e-3 * n**0.5, Verdict.FAILS, "2 of the time at N = 4 and 0.5 of the time at N = 64"),
        (lambda n: 1e-4 * n**1.8, Verdict.HOLDS, "(cpu): N* between 16 and 32"),
        (lambda n: 1e-3 * n, Verdict.OPEN, "1 of the time at N = 4"),
    ],
)
def test_a_crossover_lies_between_the_last_length_that_is_faster_and_the_first_that_is_slower(
    seconds, verdict, finding
):
    times = {"paper_adjoint": seconds, "backprop": lambda n: 1e-3 * n}
    rows = [profile_row(mode, n, time(n), 1e6) for mode, time in times.items() for n in LENGTHS]
    found = evidence.crossover(material(rows), "paper_adjoint", "backprop")
    assert found.verdict == verdict
    assert finding in found.finding
    assert len(found.cells) == 2 * len(LENGTHS)


def test_few_iterations_are_those_of_the_worst_length_from_the_guess_that_is_asked_for():
    rows = [profile_row("discrete", n, 1, 1, start_guess="rk2", solver_iterations=2 + n / 32) for n in LENGTHS]
    rows += [profile_row("discrete", n, 1, 1, start_guess="observation", solver_iterations=40) for n in LENGTHS]
    assert evidence.few_iterations(material(rows), "rk2", 4).verdict == Verdict.HOLDS
    assert evidence.few_iterations(material(rows), "rk2", 3).verdict == Verdict.OPEN


@pytest.mark.parametrize(
    ("error", "rounding", "verdict"),
    [(1e-7, 1e-7, Verdict.HOLDS), (1e-3, 1e-7, Verdict.FAILS), (5e-5, 1e-5, Verdict.HOLDS)],
)
def test_a_gradient_is_exact_to_the_rounding_of_backpropagation(error, rounding, verdict):
    rows = [profile_row("discrete", n, 1, 1, gradient_rel_error=error) for n in LENGTHS]
    rows += [profile_row("backprop", n, 1, 1, gradient_rel_error=rounding) for n in LENGTHS]
    assert evidence.exact_gradient(material(rows), "discrete").verdict == verdict


def errors(model, factor, seeds=5, **changes):
    scatter = [1.0, 1.1, 0.95, 1.05, 0.9][:seeds]
    return [train_row("double_well", model, seed, factor * own, **changes) for seed, own in enumerate(scatter)]


def lower(rows):
    return evidence.lower_error(material(rows), "fshnn", "shnn", "gaussian", "paper")


def test_lower_error_holds_fails_or_is_left_open():
    rival = [train_row("double_well", "shnn", seed, 0.1 * own) for seed, own in enumerate((1, 0.9, 1.1, 1.02, 1))]
    assert lower([*errors("fshnn", 0.01), *rival]).verdict == Verdict.HOLDS
    assert lower([*errors("fshnn", 1.0), *rival]).verdict == Verdict.FAILS
    assert lower([*errors("fshnn", 0.1), *rival]).verdict == Verdict.OPEN
    few = lower([*errors("fshnn", 0.01, seeds=2), *rival])
    assert (few.verdict, "2 common seeds" in few.finding) == (Verdict.OPEN, True)
    assert lower(rival).verdict == Verdict.UNTESTED


def test_the_line_of_a_model_is_chosen_by_validation_loss_not_by_its_error():
    lines = [*errors("fshnn", 0.001, recipe="paper", validation_loss=2.0), *errors("fshnn", 0.5, validation_loss=1.0)]
    assert "fshnn (one_cycle)" in lower([*lines, *errors("shnn", 0.1)]).finding


def energies(power, seeds=4, size=1e-3, model="sympflow", **changes):
    """Rows of a model, and the constant predictor's, whose error of H is 1."""
    times = np.geomspace(1, 1000, 40)
    return [
        train_row("henon_heiles", "constant", 0, 1.0, protocol=changes.get("protocol", "paper")),
        *(
            train_row(
                "henon_heiles", model, seed, 0.1, energy_times=times.tolist(), long_escape_share=0.0,
                energy_error_curve=(size * (1 + 0.1 * seed) * times ** (power + 0.002 * seed)).tolist(), **changes,
            )
            for seed in range(seeds)
        ),
    ]  # fmt: skip


def bounded(rows):
    return evidence.bounded_energy(material(rows), "sympflow")


def test_energy_that_is_kept_drifts_or_has_too_few_seeds():
    assert bounded(energies(0.0)).verdict == Verdict.HOLDS
    assert bounded(energies(1.0, size=1e-6)).verdict == Verdict.FAILS
    assert bounded(energies(0.0, seeds=2)).verdict == Verdict.OPEN
    assert bounded(energies(1.0, seeds=2)).verdict == Verdict.OPEN
    short = [row | {"energy_times": [1.0, 2.0], "energy_error_curve": [0.1, 0.1]} for row in energies(0.0)]
    assert bounded(short).verdict == Verdict.UNTESTED


def test_an_error_that_stays_large_is_no_kept_energy():
    assert bounded(energies(0.0, size=0.5)).verdict == Verdict.FAILS
    unknown = bounded(energies(0.0)[1:])
    assert unknown.verdict == Verdict.OPEN, "nothing to measure it by"


def test_a_seed_that_escapes_counts_against_the_model_however_its_row_says_it():
    rows = energies(0.0)
    infinite = {"energy_error_curve": [1e-3] * 20 + [math.inf] * 20, "long_escape_share": 0.6}
    cut = {"energy_times": [1.0, 2.0], "energy_error_curve": [1e-3] * 2, "long_escape_share": 0.6}
    for escape in (infinite, cut):
        assert bounded([*rows[:-1], rows[-1] | escape]).verdict == Verdict.FAILS
        pinn = [row | escape for row in energies(0.0, model="pinn", size=1e-6)[1:]]
        found = evidence.smaller_energy_error(material([*rows, *pinn]), "sympflow", "pinn")
        assert (found.verdict, "ratio 0 " in found.finding) == (Verdict.HOLDS, True)


def test_energy_is_judged_by_the_line_of_least_validation_loss_under_each_protocol():
    chosen = energies(0.0, validation_loss=1.0)
    rows = [*chosen, *energies(1.0, recipe="paper", validation_loss=2.0)[1:]]
    found = bounded(rows)
    assert (found.verdict, "sympflow (one_cycle)" in found.finding) == (Verdict.HOLDS, True)
    other = energies(1.0, protocol="longer", validation_loss=1.0)
    found = bounded([*chosen, *other])
    assert found.verdict == Verdict.FAILS
    assert found.finding.count("4 seeds") == 2, "of equal labels, and yet apart"


def sections(model, distance):
    lists = [[distance * (1 + 0.02 * seed), distance * 1.1] for seed in range(4)]
    return [train_row("henon_heiles", model, seed, 1, section_distance=own) for seed, own in enumerate(lists)]


def test_sections_are_kept_or_not_and_compared():
    near, far = sections("sympflow", 0.1), sections("pinn", 0.8)
    assert evidence.kept_section(material(near), "sympflow").verdict == Verdict.HOLDS
    assert evidence.kept_section(material(near[:2]), "sympflow").verdict == Verdict.OPEN
    assert evidence.kept_section(material(far), "pinn").verdict == Verdict.FAILS
    assert evidence.smaller_section_error(material([*near, *far]), "sympflow", "pinn").verdict == Verdict.HOLDS
    assert evidence.smaller_section_error(material([*near, *far]), "pinn", "sympflow").verdict == Verdict.FAILS


def test_every_claim_names_what_there_is_and_no_verdict():
    for claim in claims.ledger():
        assert bool(claim.test) != bool(claim.needs), claim.claim
        if claim.test:
            assert claim.test in evidence.TESTS
            assert claim.grid in names("grids")
            assert claim.figure in CHAPTERS


def planned(command) -> list[Task]:
    """What the command would run."""
    plans = []
    python, m, module, *options = shlex.split(command)
    assert (python, m, module) == ("python", "-m", "bench.run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.run, "execute", lambda plan, *_: plans.append(plan) or 0)
        done = CliRunner().invoke(bench.run.app, [*options, "--out", "there/is/none", "--backend", "inline"])
    assert done.exit_code == 0, done.output
    return list(plans[0].run)


def measured(task: Task) -> dict:
    """A row of the cell, with numbers that decide whatever they can: models and modes differ, seeds hardly."""
    cell, own = task.cell, {name: getattr(task.cell, name) for name in IDENTITY_COLUMNS} | {"cell_id": task.cell_id}
    if cell.kind == "profile":
        steps, growth = cell.seq_len, 1.5 if cell.gradient_mode == "backprop" else 1.0
        return profile_row(
            cell.gradient_mode, steps, 1e-3 * steps**growth, 2.0**20 * steps, solver_iterations=3.0, **own
        )
    size = len(cell.model) + len(cell.gradient_mode or "") + 0.1 * (cell.seq_len or 0) + 0.01 * cell.seed
    found = {"rollout_error": size, **{f"h_mae_{name}": size for name in TEST_SETS}}
    if task.protocol.long_horizon:
        times = [1.0, 10.0, 100.0, task.protocol.long_horizon]
        found |= {"energy_times": times, "long_escape_share": 0.0}
        found["energy_error_curve"] = [1e-3 * size * time ** (1e-3 * cell.seed) for time in times]
        if cell.system in task.protocol.section_energies:
            found["section_distance"] = [0.01 * size for _ in task.protocol.section_energies[cell.system]]
    return train_row(cell.system, cell.model, cell.seed, size) | own | found


@cache
def of_command(command) -> Material:
    return material([measured(task) for task in planned(command)])


@pytest.mark.parametrize("claim", [claim for claim in claims.ledger() if claim.test], ids=lambda claim: claim.claim)
def test_the_command_of_a_claim_makes_the_cells_that_decide_it(claim):
    found = claim.judge(of_command(claim.command))
    assert found.verdict in (Verdict.HOLDS, Verdict.FAILS), found.finding


def test_the_ledger_is_written_three_times(tmp_path):
    chapter = claims.chapter(material(full_rows()), tmp_path)
    assert [path.name for path in chapter.files] == ["claims.md", "claims.tex", "claims.csv"]
    command = "python -m bench.run --grid claims --model sympflow,pinn --recipe long"
    assert command in (tmp_path / "claims.md").read_text()
    assert chapter.exhibits[0].cells
