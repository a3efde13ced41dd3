"""Surfaces of section: which points, which curve, and which rows a figure shows."""

import math

import numpy as np
from synthetic_rows import frame, full_rows, train_row

from reports import poincare
from reports.material import Material

ANGLES = np.linspace(0, 2 * np.pi, 50)


def section_row(model: str, radius: float, **changes: object) -> dict:
    """Circles of points of the radius at energy 0.1, and of twice the radius at 0.2, within circles of 1 and 2."""
    circle = np.stack((np.cos(ANGLES), np.sin(ANGLES)))
    both, edges = np.hstack((radius * circle, 2 * radius * circle)), np.hstack((circle, 2 * circle))
    return train_row(
        "henon_heiles", model, 0, 0.1, section_energies=[0.1, 0.2], section_first=both[0].tolist(),
        section_second=both[1].tolist(), section_number=[0.0] * 50 + [1.0] * 50, edge_first=edges[0].tolist(),
        edge_second=edges[1].tolist(), section_distance=[0.25, 0.5], section_outside=[0.0, 1.0],
        chaotic_share=[0.0, 0.75], chaotic_exponent=[float("nan"), 0.125], long_escape_share=0.0, **changes,
    )  # fmt: skip


ROWS = [section_row("pinn", 1.1), section_row("true_h", 0.5), section_row("fshnn", 0.6)]


def found(rows: list[dict]) -> list[poincare.Sections]:
    return list(poincare.sections(Material(frame(rows))))


def test_each_energy_has_its_points_and_its_boundary():
    low, high = found(ROWS)
    assert (low.energy, high.energy) == (0.1, 0.2)
    assert [row["model"] for row in low.rows] == ["true_h", "fshnn", "pinn"], "the true one first"
    for one, radius in ((low, 0.5), (high, 1.0)):
        first, second = poincare.points(one.rows[0], one.number)
        np.testing.assert_allclose(np.hypot(first, second), radius)
        np.testing.assert_allclose(np.hypot(*poincare.edge(one.rows[0], one.number)), 2 * radius)


def test_every_panel_has_the_points_and_the_curve_and_names_its_model():
    figure = poincare.draw(found(ROWS)[0])
    assert [axis.get_title() for axis in figure.axes] == ["true", "fshnn", "pinn"]
    for axis, radius in zip(figure.axes, (0.5, 0.6, 1.1), strict=True):
        points, curve = axis.lines
        np.testing.assert_allclose(np.hypot(*points.get_data()), radius)
        np.testing.assert_allclose(np.hypot(*curve.get_data()), 1)
        assert axis.get_xlim()[1] >= 1
    assert figure.axes[0].get_ylabel() == "p_y (momentum)"


def test_a_system_without_names_has_units_too_and_long_labels_are_broken():
    long = {"recipe": "a_recipe_with_a_long_name", "cell_id": "another"}
    rows = [row | {"system": "kepler"} for row in (*ROWS, section_row("pinn", 1.2, **long))]
    axes = poincare.draw(found(rows)[0]).axes
    assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("first coordinate (state)", "second coordinate (state)")
    assert max(len(line) for axis in axes for line in axis.get_title().split("\n")) <= 26


def test_lines_that_a_page_has_no_room_for_stand_on_another(tmp_path):
    rows = [section_row("pinn", 1.1, recipe=f"recipe_{number}", cell_id=str(number)) for number in range(21)]
    made = poincare.chapter(Material(frame(rows)), tmp_path).exhibits
    assert [exhibit.name for exhibit in made[:2]] == [
        "poincare_henon_heiles_E=0.1", "poincare_henon_heiles_E=0.1_sheet2"
    ]  # fmt: skip
    assert [len(exhibit.cells) for exhibit in made[:2]] == [21, 9]
    assert made[0].body.count("| pinn (") == 21


def test_the_table_has_the_entries_of_its_energy():
    measures = ["line", "section_distance", "section_outside", "chaotic_share", "chaotic_exponent"]
    last, first = (poincare.table(found(ROWS)[number]).iloc[0][measures].tolist() for number in (1, 0))
    assert last == ["true_h", 0.5, 1, 0.75, 0.125]
    assert first[:-1] == ["true_h", 0.25, 0, 0]
    assert math.isnan(first[-1])


def test_rows_without_a_section_make_no_figure_and_a_missing_truth_is_said(tmp_path):
    none = poincare.chapter(Material(frame(full_rows())), tmp_path)
    assert (none.exhibits, none.missing) == ((), ("no ok row with a surface of section: none drawn",))
    made = poincare.chapter(Material(frame(ROWS[:1])), tmp_path)
    assert [exhibit.picture.name for exhibit in made.exhibits] == [
        "poincare_henon_heiles_E=0.1.png", "poincare_henon_heiles_E=0.2.png"
    ]  # fmt: skip
    assert all("| pinn (one_cycle) |" in exhibit.body for exhibit in made.exhibits)
    assert (tmp_path / "poincare_henon_heiles_E=0.1.tex").read_text().count(r"\bottomrule") == 1
    assert made.missing == (
        "no row of true_h with a section of henon_heiles, protocol paper: the true section is not drawn",
    )
