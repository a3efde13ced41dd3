"""The error of the gradient against N and h: panels, orders, and what is drawn where."""

import pytest
from matplotlib.image import imread
from synthetic_rows import frame, profile_row

from reports import facets, gradient_errors, saving
from reports import rows as select
from reports.frames import where
from reports.layout import PAGE
from reports.scaling_points import scalings

APART = ("system", "net", "step_size")


def family(rows):
    (found,) = facets.families(scalings(select.of_kind(frame(rows), "profile")), APART)
    return found


def drawn(draw, grid, rows):
    found = family(rows)
    return draw(grid(found), found.title)


def sweep_rows(net="fitted", system="double_well", lengths=(16,)):
    errors = {"continuous": lambda h: 0.3 * h**2, "discrete": lambda h: 2e-7, "paper_adjoint": lambda h: 0.4}
    return [
        profile_row(mode, n, 1e-3, 2**20, net=net, system=system, step_size=h, gradient_rel_error=error(h))
        for mode, error in errors.items()
        for h in (0.025, 0.05, 0.1)
        for n in lengths
    ]


def test_order_is_recovered_from_inexact_points_only():
    rows = sweep_rows()
    rows.append(profile_row("continuous", 16, 1e-3, 1, net="fitted", system="double_well", step_size=1e-4))
    own = where(gradient_errors.step_sweep(family(rows).members), gradient_mode="continuous")
    assert list(own["step_size"]) == [1e-4, 0.025, 0.05, 0.1]
    order = gradient_errors.order(own, 1e-5)
    assert order is not None
    assert (order.slope, order.points) == (pytest.approx(2), 3)


def test_legend_says_the_order_of_inexact_modes():
    figure = drawn(gradient_errors.draw_against_h, gradient_errors.grid_against_h, sweep_rows())
    legend = figure.axes[0].get_legend()
    assert legend is not None
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["discrete", "continuous: p = 2.00 ± <0.01", "paper_adjoint: p = 0.00 ± <0.01"]
    assert figure.axes[0].get_xlabel() == "h at N = 16 (units of time)"


def test_n_with_most_measurements_is_shown():
    rows = [*sweep_rows(lengths=(16, 32)), profile_row("augmented", 64, 1, 1, net="fitted", system="double_well")]
    assert set(gradient_errors.step_sweep(family(rows).members)["seq_len"]) == {32}


def test_single_step_size_is_no_sweep():
    rows = [profile_row("discrete", n, 1e-3, 1) for n in (4, 8)]
    assert gradient_errors.step_sweep(family(rows).members).empty


def test_every_system_net_and_step_has_a_panel():
    rows = [
        profile_row("discrete", n, 1e-3, 1, net=net, system=system, step_size=h)
        for n in (4, 8)
        for net in ("fitted", "untrained")
        for h in (0.01, 0.1)
        for system in ("double_well", "henon_heiles")
        if (net, system) != ("untrained", "henon_heiles")
    ]
    figure = drawn(gradient_errors.draw_against_n, gradient_errors.grid_against_n, rows)
    assert [axis.get_title().replace("\n", ", ") for axis in figure.axes] == [
        "double well, fitted net, h = 0.01",
        "henon heiles, fitted net, h = 0.01",
        "double well, fitted net, h = 0.1",
        "henon heiles, fitted net, h = 0.1",
        "double well, untrained net, h = 0.01",
        "double well, untrained net, h = 0.1",
    ]
    assert all(len(axis.get_lines()) == 2 for axis in figure.axes)  # the mode, and the limit of exactness
    assert len({axis.get_ylim() for axis in figure.axes}) == 1


def test_zero_errors_have_no_place_on_a_logarithmic_axis():
    rows = [
        profile_row("backprop", n, 1e-3, 1, gradient_rel_error=error)
        for n, error in ((4, 0.0), (8, 1e-7), (16, 1e-7))
    ]
    (line, _) = drawn(gradient_errors.draw_against_n, gradient_errors.grid_against_n, rows).axes[0].get_lines()
    assert list(line.get_xdata()) == [8, 16]


@pytest.mark.slow  # many panels; tests/reports/test_layout.py has sheets in themselves
def test_many_systems_have_several_sheets_each_with_its_own_cells(tmp_path):
    rows = [row for number in range(14) for row in sweep_rows(system=f"system_{number:02}", lengths=(8, 16))]
    exhibits = gradient_errors.chapter(scalings(select.of_kind(frame(rows), "profile")), tmp_path).exhibits
    names = [exhibit.name for exhibit in exhibits]
    assert [name for name in names if name.startswith("gradient_error_h")] == [
        "gradient_error_h", "gradient_error_h_sheet2"
    ]  # fmt: skip
    assert names[0] == "gradient_error_n"
    assert all(imread(exhibit.picture).shape[0] <= PAGE * saving.DPI for exhibit in exhibits)
    against_h = exhibits[-2:]
    assert sorted(cell for exhibit in against_h for cell in exhibit.cells) == sorted(row["cell_id"] for row in rows)
