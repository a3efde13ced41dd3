"""The rule of the recommendation, and the Pareto set, on points made by hand."""

import pandas as pd
import pytest
from synthetic_rows import frame, profile_row

from reports import pareto, recommendation
from reports import rows as select
from reports.frames import records
from reports.scaling_points import scalings

MIB = 2**20


def points(*modes):
    columns = ("gradient_mode", "iteration_ms", "peak_mib", "gradient_rel_error")
    return pd.DataFrame([dict(zip(columns, mode, strict=True)) for mode in modes])


def chosen(*modes):
    return recommendation.choose(points(*modes), 1e-5)


def measured(rows):
    return scalings(select.of_kind(frame(rows), "profile"))


def test_fastest_of_the_lean_exact_modes_is_recommended():
    row = chosen(("backprop", 10, 50.0, 1e-7), ("discrete", 20, 9.0, 1e-6), ("reversible", 30, 5.0, 1e-6))
    assert row["mode"] == "discrete"  # backprop is faster but fat, reversible leaner but slower
    assert (row["modes"], row["exact_modes"], row["lean_modes"]) == (3, 3, 2)
    assert (row["least_peak_mib"], row["fastest_lean_ms"]) == (5.0, 20)
    assert (row["runner_up"], row["runner_up_time"], row["runner_up_peak"]) == ("reversible", 1.5, 5 / 9)


def test_wrong_gradient_is_never_recommended_nor_sets_the_limits():
    row = chosen(("paper_adjoint", 1, 1.0, 0.9), ("continuous", 2, 1.0, 1.1e-5), ("discrete", 50, 9.0, 1e-5))
    assert row["mode"] == "discrete"
    assert row["exact_modes"] == 1
    assert row["least_peak_mib"] == 9
    assert "runner_up" not in row


@pytest.mark.parametrize(("time", "mode"), [(10.49, "reversible"), (10.51, "discrete")])
def test_tie_goes_to_the_one_with_less_memory(time, mode):
    assert chosen(("discrete", 10.0, 8.0, 1e-6), ("reversible", time, 5.0, 1e-6))["mode"] == mode


def test_limit_of_memory_includes_twice_the_least():
    assert chosen(("discrete", 10, 10.0, 1e-6), ("reversible", 30, 5.0, 1e-6))["mode"] == "discrete"
    assert chosen(("discrete", 10, 10.1, 1e-6), ("reversible", 30, 5.0, 1e-6))["mode"] == "reversible"


def test_where_nothing_is_exact_nothing_is_recommended(tmp_path):
    rows = [profile_row(mode, 4, 1e-3, MIB, gradient_rel_error=0.5) for mode in ("continuous", "paper_adjoint")]
    (row,) = records(recommendation.recommendations(measured(rows)))
    assert row["mode"] is None
    assert row["gradient_rel_error"] == 0.5
    body = recommendation.chapter(measured(rows), tmp_path).exhibits[0].body
    assert "| coupled oscillator | untrained | 4 | none is exact | – | – | 0.5 | 0 of 2 |" in body


def test_one_line_a_system_net_step_and_length(tmp_path):
    rows = [
        profile_row(mode, n, seconds * n, 4 * MIB, net=net, step_size=h, system=system)
        for mode, seconds in (("backprop", 2e-3), ("discrete", 1e-3))
        for n in (4, 8)
        for net in ("untrained", "fitted")
        for h in (0.01, 0.1)
        for system in ("double_well", "henon_heiles")
    ]
    table = recommendation.recommendations(measured(rows))
    assert len(table) == len(table.drop_duplicates(["system", "net", "step_size", "seq_len"])) == 16
    assert set(table["mode"]) == {"discrete"}
    chapter = recommendation.chapter(measured(rows), tmp_path)
    line = (
        "| double well | fitted | 0.01 | 4 | discrete | 4 | 4 | 1e-06 | 2 of 2 | 4 | 2 | 4 | backprop (2.00, 1.00) |"
    )
    assert line in chapter.exhibits[0].body
    assert "at most 1e-5 in float32" in chapter.exhibits[0].caption
    assert "within 5 % of its time" in chapter.exhibits[0].caption
    latex = (tmp_path / "recommendation.tex").read_text()
    assert r"double well & fitted & 0.01 & 4 & discrete & 4 & 4 & 1e-06 & backprop (2.00, 1.00) \\" in latex
    table = pd.read_csv(tmp_path / "recommendation.csv")
    assert len(table) == 16
    assert sorted(cell for joined in table["cell_ids"] for cell in joined.split(";")) == sorted(
        row["cell_id"] for row in rows
    )
    assert "`recommendation.csv` names the cells behind each line" in (tmp_path / "recommendation.md").read_text()


def test_double_precision_is_held_to_more():
    rows = [profile_row(mode, 4, 1e-3, MIB, dtype="float64", gradient_rel_error=error)
            for mode, error in (("discrete", 1e-12), ("continuous", 1e-8))]  # fmt: skip
    (row,) = records(recommendation.recommendations(measured(rows)))
    assert (row["mode"], row["exact_modes"]) == ("discrete", 1)


def test_modes_without_all_three_numbers_do_not_take_part():
    rows = [profile_row("discrete", 4, 1e-3, MIB), profile_row("backprop", 4, 1e-4, MIB, gradient_rel_error=None)]
    assert recommendation.recommendations(measured(rows)).empty


def test_pareto_set_of_points_made_by_hand():
    columns = ("seq_len", "iteration_ms", "peak_mib", "gradient_rel_error")
    table = pd.DataFrame(
        [
            (4, 1.0, 9.0, 1e-7),  # fastest
            (4, 3.0, 3.0, 1e-7),  # between
            (4, 9.0, 1.0, 1e-7),  # leanest
            (4, 3.0, 4.0, 1e-7),  # as fast as the second, fatter
            (4, 9.5, 9.5, 1e-7),  # beaten in both
            (4, 0.5, 0.5, 1e-2),  # a wrong gradient is no bargain
            (8, 99.0, 99.0, 1e-7),  # alone at its N
            (16, 5.0, 5.0, 1e-7),  # twins do not beat each other
            (16, 5.0, 5.0, 1e-7),
        ],
        columns=columns,
    )
    assert list(pareto.optimal(table, 1e-5)) == [True, True, True, False, False, False, True, True, True]


def test_pareto_plot_rings_the_set_in_a_panel_a_net():
    rows = [
        profile_row(mode, n, seconds * n, peak * MIB * n, net=net, gradient_rel_error=error)
        for mode, seconds, peak, error in (("backprop", 3e-3, 2, 1e-7), ("discrete", 1e-3, 1, 2e-6))
        for n in (4, 8)
        for net in ("untrained", "fitted")
    ]
    (family,) = pareto.facets.families(measured(rows), ("net", "step_size"))
    figure = pareto.draw(family)
    panels = figure.axes[:2]
    assert [axis.get_title() for axis in panels] == ["fitted net", "untrained net"]
    assert all([text.get_text() for text in axis.texts] == ["4", "8"] for axis in panels)
    assert [len(axis.collections[-1].get_offsets()) for axis in panels] == [2, 2]
    assert figure.axes[2].get_ylabel() == "log₁₀ of the gradient error (relative)"
