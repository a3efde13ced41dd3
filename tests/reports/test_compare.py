"""Two stores side by side."""

import math

import pytest
from synthetic_rows import frame, train_row, write_store
from typer import Typer
from typer.testing import CliRunner

from reports import build, compare
from reports.frames import records, where

SCATTER = (1.0, 1.1, 0.9, 1.05, 0.95)


def store(**models):
    return [
        train_row("double_well", model, seed, error * own, h_mae_sg=None, h_mae_gaussian=None)
        for model, error in models.items()
        for seed, own in enumerate(SCATTER)
    ]


def verdicts(old, new):
    found = compare.changes(frame(old), frame(new))
    return {row["model"]: row["verdict"] for row in records(where(found, metric="Error of H, RU"))}


def test_better_worse_alike_and_alone():
    noisy = [row | {"h_mae_ru": row["h_mae_ru"] * (1 + 0.2 * (-1) ** row["seed"])} for row in store(srnn=0.1)]
    old = [*store(fshnn=0.1, hnn=0.1, shnn=0.1), *noisy]
    better = [row | {"h_mae_ru": row["h_mae_ru"] / (3 + row["seed"])} for row in store(fshnn=0.1)]
    new = [*store(hnn=0.2, srnn=0.1, nssnn=0.1), *better]
    assert verdicts(old, new) == {
        "fshnn": "better", "hnn": "worse", "srnn": "not to be told apart",
        "shnn": "only in the old", "nssnn": "only in the new",
    }  # fmt: skip


@pytest.mark.parametrize(("escaping", "verdict"), [(5, "worse"), (2, "not to be told apart")])
def test_seeds_that_escape_are_not_left_to_the_others(escaping, verdict):
    old = [row | {"rollout_error": row["h_mae_ru"]} for row in store(fshnn=0.1)]
    new = [row | {"rollout_error": math.inf if row["seed"] < escaping else 1e-6} for row in old]
    found = compare.changes(frame(old), frame(new))
    (row,) = records(where(found, metric="Error of free rollouts"))
    assert (row["verdict"], row["new_mean"], row["pairs"]) == (verdict, math.inf, 5)
    back = records(where(compare.changes(frame(new), frame(old)), metric="Error of free rollouts"))
    assert back[0]["verdict"] == {"worse": "better"}.get(verdict, verdict)


def test_one_seed_is_not_enough_unless_it_is_the_same_number():
    one, other = store(fshnn=0.1)[:1], store(fshnn=0.2)[:1]
    assert verdicts(one, other) == {"fshnn": "not enough seeds to say"}
    assert verdicts(one, one) == {"fshnn": "not to be told apart"}


def test_stores_with_nothing_in_common_are_refused():
    with pytest.raises(ValueError, match="no entry in common"):
        compare.changes(frame(store(fshnn=0.1)), frame(store(hnn=0.1)))


def test_numbers_and_their_cells():
    (row,) = records(
        where(compare.changes(frame(store(fshnn=0.1)), frame(store(fshnn=0.2))), metric="Error of H, RU")
    )
    assert row["ratio"] == pytest.approx(2)
    assert math.isclose(row["new_mean"], 0.2)
    assert row["old_cells"].count(";") == 4


def test_the_command_writes_three_files_and_refuses_what_is_no_store(tmp_path):
    application = Typer()
    application.command()(build.main)
    folders = [write_store(tmp_path / name, store(fshnn=error)) for name, error in (("old", 0.2), ("new", 0.1))]
    out = tmp_path / "out"
    done = CliRunner().invoke(application, ["--compare", str(folders[0]), str(folders[1]), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == ["compare.csv", "compare.md", "compare.tex"]
    assert "1 better" in (out / "compare.md").read_text()
    bad = CliRunner().invoke(
        application, ["--compare", str(folders[0]), str(tmp_path), "--out", str(tmp_path / "no")]
    )
    assert (bad.exit_code, (tmp_path / "no").exists()) == (2, False)
    neither = CliRunner().invoke(application, ["--out", str(tmp_path / "no")])
    assert (neither.exit_code, "--results" in neither.stderr) == (2, True)
