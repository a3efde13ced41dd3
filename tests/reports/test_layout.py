"""What fits: figures no higher than a page, and legends no wider."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D

from reports import theme
from reports.layout import PAGE, legend_below, sheets


@pytest.mark.parametrize(("count", "height", "columns"), [(20, 2.5, 3), (20, 3.0, 2), (9, 2.5, 3), (1, 30.0, 2)])
def test_sheets_hold_everything_once_and_fit_a_page(count, height, columns):
    found = sheets(range(count), height, columns)
    assert [entry for sheet in found for entry in sheet.entries] == list(range(count))
    rows = [-(-len(sheet.entries) // columns) for sheet in found]
    assert max(rows) * height <= max(PAGE, height)
    assert max(rows) - min(rows) <= 1
    assert all(len(sheet.entries) % columns == 0 for sheet in found[:-1]), "only the last row has gaps"


def test_a_single_sheet_says_no_number_and_several_do():
    (single,), several = sheets("abc", 2.0), sheets("abc", 8.0)
    assert (single.suffix, single.words) == ("", "")
    assert [sheet.suffix for sheet in several] == ["", "sheet2", "sheet3"]
    assert several[1].words == " (2 of 3)"


def legend_of(labels):
    with theme.style():
        figure, _ = theme.panels(1, 1, height=2)
        legend_below(figure, [Line2D([], [], label=label) for label in labels])
        FigureCanvasAgg(figure).draw()
        (legend,) = figure.legends
        return figure, legend


@pytest.mark.parametrize("length", [5, 20, 40, 60, 160])
def test_no_legend_is_wider_than_its_figure(length):
    figure, legend = legend_of([f"model_{number} " + "recipe_w, " * (length // 10) for number in range(14)])
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.height < 0.45 * figure.bbox.height


def test_short_labels_stand_beside_one_another_and_one_long_one_does_not_cost_all_columns():
    assert legend_of(["fshnn", "hnn", "shnn", "srnn", "pinn"])[1]._ncols == 4
    assert legend_of(["fshnn", "hnn", "shnn", "an entry of thirty characters " * 2])[1]._ncols == 4
    assert legend_of(["an entry of thirty characters " * 3] * 4)[1]._ncols == 1
