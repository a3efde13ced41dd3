"""Free rollouts: which rows a figure shows, what its panels hold, and the table's means."""

import math

import numpy as np
import pytest
from synthetic_rows import frame, full_rows, train_row

from reports import rollouts
from reports.material import Material

TIMES, KNOWN = np.linspace(0, 20, 101), np.linspace(0, 20, 21)


def shown_row(model: str, seed: int, speed: float, until: int = 101, **changes: object) -> dict:
    """A cosine at `speed` beside one at 1."""
    return train_row(
        "harmonic_oscillator", model, seed, 0.1, protocol="flows", shown_times=TIMES[:until].tolist(),
        shown_first=np.cos(speed * TIMES[:until]).tolist(), shown_true_times=KNOWN.tolist(),
        shown_true_first=np.cos(KNOWN).tolist(), valid_time=10.0 * speed, error_at_horizon=0.25, escape_share=0.0,
        **changes,
    )  # fmt: skip


ROWS = [
    shown_row("pinn", 1, 1.5, rollout_error=0.3), shown_row("pinn", 0, 1.25, until=60, rollout_error=0.1),
    shown_row("true_h", 0, 1.0, rollout_error=0.0), train_row("harmonic_oscillator", "fshnn", 0, 0.1),
]  # fmt: skip


def found(rows: list[dict]) -> rollouts.Rollouts:
    (one,) = rollouts.rollouts(Material(frame(rows)))
    return one


def test_each_line_has_a_panel_with_the_rollout_of_its_first_seed_and_the_true_motion():
    figure = rollouts.draw(found(ROWS))
    true, pinn = figure.axes
    assert [true.get_title(), pinn.get_title()[:4]] == ["true_h", "pinn"]
    for axis, speed, until in ((true, 1.0, 101), (pinn, 1.25, 60)):
        motion, rollout = axis.lines
        np.testing.assert_allclose(motion.get_data(), (KNOWN, np.cos(KNOWN)))
        np.testing.assert_allclose(rollout.get_data(), (TIMES[:until], np.cos(speed * TIMES[:until])))
        low, high = axis.get_ylim()
        assert low < -1
        assert high > 1


def test_the_table_has_means_over_seeds_with_their_intervals_and_cells():
    entry = rollouts.table(found(ROWS)).set_index("line").filter(like="pinn", axis=0).iloc[0]
    half = 12.706 * 0.1  # t of one degree of freedom, standard error 0.1
    assert (entry["rollout_error"], entry["seeds"]) == (pytest.approx(0.2), 2)
    assert entry["rollout_error_half"] == pytest.approx(half, rel=1e-3)
    assert entry["valid_time"] == pytest.approx(13.75)
    assert len(entry["cell_ids"].split(";")) == 2
    assert math.isnan(entry["error_at_ten_horizons"])


def test_an_escape_is_no_small_error():
    rows = [shown_row("pinn", 0, 1.0, rollout_error=0.1), shown_row("pinn", 1, 1.0, until=3, rollout_error=math.inf)]
    entry = rollouts.table(found(rows)).iloc[0]
    assert math.isinf(entry["rollout_error"])


def test_the_chapter_names_its_files_and_cells(tmp_path):
    made = rollouts.chapter(Material(frame(ROWS)), tmp_path)
    (exhibit,) = made.exhibits
    assert {path.name for path in exhibit.files} == {
        f"rollouts_harmonic_oscillator.{kind}" for kind in ("png", "pdf", "md", "tex", "csv")
    }
    assert len(exhibit.cells) == 3


def test_rows_without_one_give_no_exhibit(tmp_path):
    assert rollouts.chapter(Material(frame(full_rows())), tmp_path).exhibits == ()
