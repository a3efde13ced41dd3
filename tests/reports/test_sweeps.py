"""Errors against noise and number of trajectories: what belongs to a sweep, and the numbers behind it."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from synthetic_rows import frame, train_row

from reports import sweeps, theme
from reports.frames import distinct_pairs
from reports.material import Material

NOISE, COUNT = sweeps.SWEEPS


def rows(**changes: object) -> list[dict]:
    """Errors of ten times the noise; the protocol itself is that of noise 0.01."""
    made = []
    for noise in (0.0, 0.01, 0.03):
        name = "paper" if noise == 0.01 else f"paper_noise_{noise:g}"
        for seed in range(3):
            error = 10 * noise + 0.01 * (seed + 1)
            made.append(train_row("double_well", "fshnn", seed, error, protocol=name, noise=noise, **changes))
        made.append(train_row("double_well", "constant", 0, 0.66, protocol=name, noise=noise, **changes))
    return made


def test_variations_of_a_protocol_are_one_sweep_and_others_are_none():
    other = train_row("double_well", "fshnn", 0, 9.0, protocol="smoke", noise=0.02)
    twice = train_row("double_well", "fshnn", 0, 9.0, protocol="paper_noise_0.2_jitter_0.5", noise=0.2)
    found = sweeps.families(Material(frame([*rows(), other, twice])), NOISE)
    assert list(found) == ["paper"]
    assert set(found["paper"][0]["noise"]) == {0.0, 0.01, 0.03}
    assert sweeps.families(Material(frame(rows())), COUNT) == {}
    assert sweeps.families(Material(frame([other])), NOISE) == {}


def test_points_are_means_over_seeds_with_their_cells():
    lined, _ = sweeps.families(Material(frame(rows())), NOISE)["paper"]
    points = sweeps.points(lined, NOISE)
    own = points[(points["line"] == "fshnn (one_cycle)") & (points["test_set"] == "gaussian")].set_index("noise")
    assert own["mean"].to_dict() == pytest.approx({0.0: 0.02, 0.01: 0.12, 0.03: 0.32})
    assert (own["high"] - own["mean"]).to_list() == pytest.approx([4.302652729911275 * 0.01 / 3**0.5] * 3)
    assert own.loc[0.01, "cell_ids"].count(";") == 2


def test_figure_and_table(tmp_path):
    made = [row | {"train_starts": 1024} for row in rows()]
    made += [row | {"train_starts": 4096, "protocol": "paper_train_starts_4096", "cell_id": f"more-{number}"}
             for number, row in enumerate(rows()[4:8])]  # fmt: skip
    chapter = sweeps.chapter(Material(frame(made)), tmp_path)
    assert [exhibit.name for exhibit in chapter.exhibits] == ["noise_paper", "train_starts_paper"]
    assert chapter.missing == ()
    (missing,) = sweeps.chapter(Material(frame(rows())), tmp_path).missing
    assert missing == "no protocol with ok rows of several values of train_starts: errors against it not drawn"
    assert "| double well | fshnn (one_cycle) | 0.03 | (3.20 ± 0.25)e-1 |" in chapter.exhibits[0].body
    assert {path.suffix for path in chapter.exhibits[1].files} == {".png", ".pdf", ".md", ".tex", ".csv"}
    figure = drawn(made, COUNT)
    assert {axis.get_xscale() for axis in figure.axes} == {"log"}
    assert [axis.get_xlabel() for axis in figure.axes] == ["", "trajectories that\nwere learned from"]


def drawn(made, sweep):
    found = sweeps.points(sweeps.families(Material(frame(made)), sweep)["paper"][0], sweep)
    return sweeps.draw(found, sweep, theme.line_looks(sorted(distinct_pairs(found, "model", "line"))))


def test_nothing_stands_on_the_legend():
    """The label that the panels shared was on its second row."""
    made = rows()
    for model in ("hnn", "srnn", "pinn", "shnn", "weak_form"):
        made += [row | {"model": model, "cell_id": f"{model} {row['cell_id']}"} for row in rows()[:4]]
    figure = drawn(made, NOISE)
    FigureCanvasAgg(figure).draw()
    (legend,) = figure.legends
    lowest = min(axis.xaxis.label.get_window_extent().y0 for axis in figure.axes if axis.get_xlabel())
    assert legend.get_window_extent().y1 < lowest


def test_of_many_systems_three_stand_in_a_row_and_each_says_what_is_varied():
    made = [row | {"system": system, "cell_id": f"{system} {row['cell_id']}"}
            for system in ("double_well", "henon_heiles", "kepler", "toda") for row in rows()]  # fmt: skip
    labels = [(axis.get_title(), bool(axis.get_xlabel())) for axis in drawn(made, NOISE).axes]
    assert labels == [
        ("double well, RU", False), ("henon heiles, RU", False), ("kepler, RU", False),
        ("double well, Gaussian", True), ("henon heiles, Gaussian", True), ("kepler, Gaussian", True),
        ("toda, RU", False), ("toda, Gaussian", True),
    ]  # fmt: skip


def test_seeds_of_equal_error_have_a_mean_a_little_beyond_them(tmp_path):
    """0.1 three times is 0.1 + 1e-17 in the mean: matplotlib refused the bar from there to the largest."""
    made = [train_row("double_well", "hnn", seed, 0.1, noise=noise, protocol=protocol)
            for noise, protocol in ((0.01, "paper"), (0.0, "paper_noise_0.0")) for seed in range(3)]  # fmt: skip
    (exhibit,) = sweeps.chapter(Material(frame(made)), tmp_path).exhibits
    assert exhibit.name == "noise_paper"
