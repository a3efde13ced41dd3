"""The gallery: which figures hang in it, and that every picture of the page is there."""

import json
import re

import pytest
from matplotlib.image import imread
from synthetic_rows import full_rows, profile_row, write_store
from typer import Typer
from typer.testing import CliRunner

from bench.store import Store
from bench.studies import collocation
from reports import gallery, saving, theme


def run(*arguments):
    application = Typer()
    application.command()(gallery.main)
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch):
    monkeypatch.setattr(gallery, "DPI", 40)


def test_every_store_has_a_room_and_every_picture_is_there(tmp_path):
    pairs = [(mode, steps) for mode in ("backprop", "discrete") for steps in (4, 8)]
    costs = [profile_row(mode, steps, 1e-3 * steps, 2**20 * steps) for mode, steps in pairs]
    stores = [write_store(tmp_path / "one", full_rows(("double_well",))[:4]), write_store(tmp_path / "two", costs)]
    (tmp_path / "one" / "runs").mkdir()
    (tmp_path / "one" / "runs" / "run-1.json").write_text(json.dumps({"command_line": ["python", "-m", "bench.run"]}))
    (tmp_path / "docs" / "gallery").mkdir(parents=True)
    (tmp_path / "docs" / "gallery" / "old.png").write_text("")
    done = run("--results", stores[0], "--results", stores[1], "--out", tmp_path / "docs")
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "docs" / "gallery.md").read_text()
    shown = re.findall(r"!\[[^\]]*\]\((gallery/[^)]+)\)", page)
    assert {f"gallery/{path.name}" for path in (tmp_path / "docs" / "gallery").iterdir()} == set(shown)
    assert {"gallery/one_field_double_well.png", "gallery/two_scaling_coupled_oscillator.png"} <= set(shown)
    assert [line for line in page.splitlines() if line.startswith("## ")] == ["## one", "## two"]
    assert "Made by `python -m bench.run`." in page


def test_a_study_hangs_there_with_its_command(tmp_path, monkeypatch):
    footers = []
    monkeypatch.setattr(saving, "_write", lambda figure, paths, footer, dpi: footers.append(footer) or [
        path.write_bytes(b"") for path in paths])  # fmt: skip
    with Store(tmp_path / "store", "study-run") as store:
        store.write_provenance({"command_line": ["python", "-m", "bench.studies"], "cpu": "a processor"})
        store.write_study("collocation", collocation.rows(iterations=20))
    gallery.build([tmp_path / "store"], tmp_path / "docs")
    assert "Made by `python -m bench.studies`." in (tmp_path / "docs" / "gallery.md").read_text()
    assert footers == ["hamiltonian-bench, study collocation · run study-run · a processor"]


def test_a_folder_that_is_no_store_is_refused_and_nothing_is_changed(tmp_path):
    done = run("--results", tmp_path, "--out", tmp_path / "docs")
    assert (done.exit_code, "nothing was ever stored there" in done.stderr) == (2, True)
    assert not (tmp_path / "docs").exists()


def test_pictures_are_as_coarse_as_asked(tmp_path):
    with saving.edition(saving.Edition(("png",), dpi=50)):
        figure, _ = theme.panels(1, 1, height=2)
        saving.save(figure, tmp_path, "coarse")
    assert imread(tmp_path / "coarse.png").shape[:2] == (100, 350)
