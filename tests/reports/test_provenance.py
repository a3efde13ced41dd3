"""What a store lacks of what its runs planned."""

import json

import pandas as pd
import pytest
from synthetic_rows import train_row, write_store

from reports import saving
from reports.build import build
from reports.provenance import unfinished


def attempts(*cells: tuple[str, str]) -> pd.DataFrame:
    """Rows of fshnn on the double well, given as (run, cell)."""
    rows = pd.DataFrame(cells, columns=["run_id", "cell_id"])
    return rows.assign(kind="train", system="double_well", model="fshnn")


def record(*words: str, planned: int = 3, **more: object) -> dict:
    return {"command_line": ["python", "-m", "bench.run", *words], "planned": planned, **more}


def test_a_run_that_left_rows_of_all_its_cells_lacks_none_though_others_ran_some_again():
    rows = attempts(("a", "1"), ("a", "2"), ("a", "2"), ("a", "3"), ("b", "2"))
    assert unfinished(rows, {"a": record("--grid", "g"), "b": record("--grid", "g", "--cell", "2", planned=1)}) == []


def test_a_run_that_ended_early_is_told_with_what_it_lacks():
    parts = [
        {"kind": "train", "system": "double_well", "model": "fshnn", "cells": 2},
        {"kind": "train", "system": "henon_heiles", "model": "shnn", "cells": 5},
        {"kind": "profile", "system": "double_well", "model": "fshnn", "cells": 4},
    ]
    (told,) = unfinished(attempts(("a", "1"), ("a", "2")), {"a": record(planned=11, planned_of=parts)})
    assert told == (
        "run a planned 11 cells and left rows of 2 (shnn on henon_heiles 0 of 5, fshnn on double_well 0 of 4 "
        "profiles): the others are not in the store, unless another run made them"
    )


@pytest.mark.parametrize(
    ("later", "told"),
    [(["--grid", "g", "--workers", "2"], False), (["--grid=g", "--out", "x"], False), (["--grid", "h"], True),
     (["--grid", "g", "--seeds", "0"], True), (["--grid", "g", "--cell", "1"], True)],
)  # fmt: skip
def test_what_a_later_run_of_the_same_choice_took_up_is_left_to_that_run(later: list[str], told: bool):
    rows = attempts(("a", "1"), ("b", "2"), ("b", "3"))
    found = unfinished(rows, {"a": record("--grid", "g"), "b": record(*later, planned=2)})
    assert bool(found) is told


def test_records_of_no_plan_are_told_nothing_of_and_runs_without_rows_are():
    assert unfinished(attempts(), {"a": {}, "b": {"planned": None}}) == []
    (told,) = unfinished(attempts(), {"a": record()})
    assert told.startswith("run a planned 3 cells and left rows of 0: ")


def test_both_pages_say_it(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "DPI", 50)
    store = write_store(tmp_path / "store", [train_row("double_well", "constant", 0, 0.66)])
    (store / "runs").mkdir()
    (store / "runs" / "run-1.json").write_text(json.dumps(record("--grid", "paper", planned=7)))
    page, index, *_ = build(store, tmp_path / "out")
    for path in (page, index):
        assert "run run-1 planned 7 cells and left rows of 1: the others are not in the store" in path.read_text()
