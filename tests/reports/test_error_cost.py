"""Error against training time: means over seeds, what is not finite is no rival, and which line is beaten by none."""

import numpy as np
import pytest
from synthetic_rows import frame, train_row

from reports import error_cost
from reports import rows as select
from reports.material import Material
from reports.pareto import unbeaten

REFERENCES = [train_row("double_well", "constant", 0, 0.66), train_row("double_well", "true_h", 0, 1e-9)]


def line(model, seconds, errors, rollouts=(0.1, 0.1, 0.1), **changes):
    return [
        train_row("double_well", model, seed, error, train_s=seconds + seed, rollout_error=rollout, **changes)
        for seed, (error, rollout) in enumerate(zip(errors, rollouts, strict=True))
    ]


ROWS = [
    *REFERENCES,
    *line("hnn", 1.0, (0.2, 0.3, 0.4)),
    *line("fshnn", 10.0, (0.01, 0.02, 0.03), (0.1, np.inf, 0.1)),
    *line("srnn", 20.0, (0.02, 0.02, 0.02), (0.01, 0.01, 0.01)),
]


@pytest.fixture
def found():
    return error_cost.points(select.with_lines(select.of_kind(frame(ROWS), "train"))).set_index(["model", "measure"])


def test_time_is_the_median_and_error_the_mean_over_seeds(found):
    point = found.loc["fshnn", "h_mae_ru"]
    assert point[["train_s", "mean", "least", "largest", "seeds"]].tolist() == pytest.approx(
        [11, 0.02, 0.01, 0.03, 3]
    )
    assert point["cell_ids"].count(";") == 2


def test_references_and_lines_that_escape_are_no_rivals(found):
    assert set(found.index.get_level_values("model")) == {"hnn", "fshnn", "srnn"}
    assert found.loc["fshnn", "rollout_error"]["mean"] == np.inf


def test_the_line_that_another_beats_in_time_at_equal_error_is_not_optimal(found):
    assert found["optimal"].to_dict() == {
        ("fshnn", "h_mae_ru"): True,
        ("fshnn", "rollout_error"): False,
        ("hnn", "h_mae_ru"): True,
        ("srnn", "h_mae_ru"): False,
        ("hnn", "rollout_error"): True,
        ("srnn", "rollout_error"): True,
    }


def test_equal_points_do_not_beat_each_other():
    assert unbeaten(np.array([[1.0, 2.0], [1.0, 2.0], [2.0, 2.0], [0.5, 3.0]])).tolist() == [True, True, False, True]


def test_figure_and_table(tmp_path):
    (exhibit,) = error_cost.chapter(Material(frame(ROWS)), tmp_path).exhibits
    assert {path.name for path in exhibit.files} == {f"error_cost_paper.{kind}" for kind in
                                                     ("png", "pdf", "md", "tex", "csv")}  # fmt: skip
    table = (tmp_path / "error_cost_paper.md").read_text()
    assert "| double well | srnn (one_cycle) | 21 | (2.00 ± 0)e-2 | (1.00 ± 0)e-2 | 3 | rollout error |" in table
    assert "| double well | fshnn (one_cycle) | 11 | (2.00 ± 2.48)e-2 | ∞ | 3 | error of H, RU |" in table
    assert len(exhibit.cells) == 9


def test_without_two_trained_models_it_says_so(tmp_path):
    for rows in (REFERENCES, [], line("hnn", 1.0, (0.2, 0.3, 0.4))):
        chapter = error_cost.chapter(Material(frame(rows) if rows else frame(ROWS).iloc[:0]), tmp_path)
        assert not chapter.exhibits
        assert "not drawn" in chapter.missing[0]


def test_times_of_a_compiled_gradient_mode_are_a_line_of_their_own():
    rows = line("fshnn", 10.0, (0.1,) * 3, compiled=False) + [
        row | {"cell_id": f"{row['cell_id']}-compiled"} for row in line("fshnn", 2.0, (0.1,) * 3, compiled=True)
    ]
    found = error_cost.points(select.with_lines(select.of_kind(frame(rows), "train")))
    times = dict(zip(found["line"], found["train_s"], strict=True))
    assert times == {"fshnn (one_cycle)": 11, "fshnn (one_cycle, compiled)": 3}
