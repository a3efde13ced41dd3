"""The ledger: verdicts follow the rows, and nothing else."""

import numpy as np
import pytest
from synthetic_rows import frame, full_rows, profile_row, train_row

from bench.declarations import names
from reports import claims, evidence
from reports.chapters import CHAPTERS
from reports.evidence import Verdict
from reports.material import Material

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


def energies(power, seeds=4):
    times = np.geomspace(1, 1000, 40)
    return [
        train_row("henon_heiles", "sympflow", seed, 0.1, energy_times=times.tolist(),
                  energy_error_curve=((1e-3 + 1e-4 * seed) * times ** (power + 0.002 * seed)).tolist())
        for seed in range(seeds)
    ]  # fmt: skip


def test_energy_that_is_kept_drifts_or_has_too_few_seeds():
    assert evidence.bounded_energy(material(energies(0.0)), "sympflow").verdict == Verdict.HOLDS
    assert evidence.bounded_energy(material(energies(1.0)), "sympflow").verdict == Verdict.FAILS
    assert evidence.bounded_energy(material(energies(0.0, seeds=1)), "sympflow").verdict == Verdict.OPEN
    short = [row | {"energy_times": [1.0, 2.0], "energy_error_curve": [0.1, 0.1]} for row in energies(0.0)]
    assert evidence.bounded_energy(material(short), "sympflow").verdict == Verdict.UNTESTED


def test_every_claim_names_what_there_is_and_no_verdict():
    for claim in claims.ledger():
        assert bool(claim.test) != bool(claim.needs), claim.claim
        if claim.test:
            assert claim.test in evidence.TESTS
            assert claim.grid in names("grids")
            assert claim.figure in CHAPTERS


def test_the_ledger_is_written_three_times(tmp_path):
    chapter = claims.chapter(material(full_rows()), tmp_path)
    assert [path.name for path in chapter.files] == ["claims.md", "claims.tex", "claims.csv"]
    assert "python -m bench.run --grid gradients" in (tmp_path / "claims.md").read_text()
    assert chapter.exhibits[0].cells
