"""The whole report: complete, partial and useless stores."""

import json

import pytest
from synthetic_rows import SYSTEMS, field_map, frame, full_rows, profile_row, train_row, write_store
from typer import Typer
from typer.testing import CliRunner

from reports import build as build_module
from reports import saving
from reports.build import build, compose
from reports.material import Material
from reports.rows import numbers

EVIL = r"$\foo$"


def run(*arguments):
    application = Typer()
    application.command()(build_module.main)
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


@pytest.fixture(scope="module", autouse=True)
def coarse_pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "DPI", 50)
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = write_store(tmp_path_factory.mktemp("results"), full_rows(SYSTEMS[:1]))
    (folder / "runs").mkdir()
    record = {"git_sha": "35580e7abcdef01", "git_dirty": True, "packages": {"torch": "2.13.0"}, "cpu": "A | B"}
    (folder / "runs" / "run-1.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(scope="module")
def files(store, tmp_path_factory):
    return build(store, tmp_path_factory.mktemp("report"))


def text_of(files):
    (page,) = [path for path in files if path.name == "report.md"]
    return page.read_text()


def test_complete_store_makes_everything(files):
    assert [path.name for path in files[:3]] == ["report.html", "report.md", "cells.csv"]
    assert len(files) == len(set(files)) == 40
    page = files[1].read_text()
    assert all(path.name in page for path in files[3:])
    assert "35580e7abcde, with uncommitted changes" in page
    assert "| A / B |" in page
    assert "- protocol paper, 1 trained models on 1 systems with 5 common blocks: not enough data sets to say" in page
    assert (
        "- no protocol with ok rows of several values of noise or train_starts: errors against it not drawn" in page
    )
    assert "- no ok row with a long rollout: energy against time not drawn" in page
    assert "- no ok row with a surface of section: none drawn" in page
    assert page.partition("## What is missing")[2].partition("##")[0].count("\n- ") == 6
    assert "| train | diverged | 1 |" in page


def test_store_without_profile_rows_says_so(tmp_path):
    page = text_of(compose(Material(frame([train_row("double_well", "constant", 0, 0.66)])), tmp_path))
    assert "- no profile rows: Figure VIII not drawn" in page
    assert "no learning curve in the train rows of protocol paper" in page
    assert "true_h: no rows in the store" in page


def test_store_without_train_rows_says_so(tmp_path):
    page = text_of(compose(Material(frame([profile_row("discrete", 4, 1e-3, 2**20)])), tmp_path))
    assert "- no train rows: the error table was not made" in page
    assert "- no train rows: learning curves not drawn" in page
    assert "- no train rows: distributions of the errors of H not drawn" in page
    assert "- no setting was profiled at two lengths: Figure VIII not drawn, no exponents" in page
    assert "- no setting was profiled at two lengths: gradient error against N not drawn" in page
    assert "- no mode was profiled at two step sizes and one N: gradient error against h not drawn" in page
    assert "- no setting with two lengths has time, peak memory and gradient error: Pareto plot not drawn" in page
    assert "- no setting has time, memory and gradient error of two modes at one N: no recommendation" in page


def test_store_in_which_everything_failed_makes_a_report(tmp_path):
    rows = [
        train_row("double_well", "fshnn", 0, 1, status="error", reason="boom", gradient_mode=None),
        profile_row("discrete", 4, 1, 1, status="oom", reason="too big", batch_size=None),
    ]
    page = text_of(compose(Material(frame(rows)), tmp_path))
    assert "no profile row is ok" in page
    assert "boom" in page
    assert "no ok row of double_well with quantiles" in page


def test_names_with_latex_html_and_markdown_in_them_are_drawn_and_shown_as_they_are(tmp_path):
    """matplotlib takes what stands between two dollar signs for mathematics, and stops at what it does not know."""
    curve = {"energy_times": [1.0, 20.0, 30.0, 40.0], "energy_error_curve": [0.1, 0.1, 0.2, 0.3]}
    rows = [
        train_row(system, model, seed, 0.1 + 0.01 * seed, protocol="<b>*p*", **field_map(0.1), **curve)
        for system in (EVIL, "a|b")
        for model in (EVIL, "[x](y)", "$_$", "true_h")
        for seed in range(5)
    ]
    rows += [profile_row(mode, steps, 1e-3 * steps, 2**20 * steps, system=EVIL, integrator=r"\$\bar$")
             for mode in (EVIL, "discrete") for steps in (4, 8, 16)]  # fmt: skip
    page, index, *files = compose(Material(frame(rows)), tmp_path)
    assert {"learning_curves.png", "ranks.png", "energy.png"} <= {path.name for path in files}
    assert sum(path.suffix == ".png" for path in files) > 8
    assert "under protocol \\<b>\\*p\\*" in index.read_text()
    assert "<b>" not in page.read_text()
    assert "[x](y)" not in index.read_text().replace("\\[x\\](y)", "")
    assert r"\$\textbackslash{}foo\$" in (tmp_path / "error_table.tex").read_text()


def test_no_figure_shows_the_code_of_a_formula(store, tmp_path):
    """Names are never taken for mathematics, so what matplotlib writes as such would be seen as code."""
    pictures = [path for path in build(store, tmp_path, formats=("svg",)) if path.suffix == ".svg"]
    assert len(pictures) > 5
    assert [path.name for path in pictures if "mathdefault" in path.read_text()] == []


def test_run_without_a_record_is_named(tmp_path):
    store = write_store(tmp_path / "results", [profile_row("discrete", 4, 1e-3, 2**20)])
    page = text_of(build(store, tmp_path / "out"))
    assert "run-1: no readable record in the store" in page


def test_command_prints_the_files_and_they_are_the_same_bytes_each_time(store, files, tmp_path):
    done = run("--results", store, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [str(tmp_path / "out" / path.name) for path in files]
    for path in files:
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes(), path.name


def test_useless_folders_are_refused_in_a_sentence(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path, write_store(tmp_path / "empty", [])):
        done = run("--results", folder, "--out", tmp_path / "out")
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert str(folder) in done.stderr
        assert not (tmp_path / "out").exists()


def test_only_some_chapters_in_some_formats_and_no_page(store, tmp_path):
    done = run("--results", store, "--out", tmp_path, "--only", "pareto", "--format", "svg", "--format", "png")
    assert done.exit_code == 0
    assert {path.stem for path in tmp_path.iterdir()} == {"pareto_coupled_oscillator"}
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".png", ".svg"]
    footer = f"<!-- hamiltonian-bench, store of {len(full_rows(SYSTEMS[:1]))} cells · run run-1 · git 35580e7abcde"
    assert footer in (tmp_path / "pareto_coupled_oscillator.svg").read_text()


def test_an_unknown_chapter_is_refused_with_the_nearest_and_nothing_is_written(store, tmp_path):
    done = run("--results", store, "--out", tmp_path / "out", "--only", "paretto")
    assert done.exit_code == 2
    assert "unknown chapter 'paretto'. Did you mean 'pareto'? There are: claims, collocation, " in done.stderr
    assert not (tmp_path / "out").exists()


def test_output_that_is_a_file_is_refused(store, tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--results", store, "--out", tmp_path / "file")
    assert done.exit_code == 2
    assert "file" in done.stderr


def test_null_lists_are_empty():
    assert numbers(None).size == 0
    assert numbers(float("nan")).size == 0
