"""What the figures show: the numbers behind them, and that every panel is labelled."""

from typing import cast

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from synthetic_rows import frame, full_rows, profile_row, train_row

from reports import cost_tables, error_distributions, learning_curves, saving, scaling, theme
from reports import rows as select
from reports.frames import distinct_pairs
from reports.log_axes import power_ticks, readable_ticks
from reports.material import Material
from reports.scaling_points import scalings, sweeps
from reports.theory import complexity_table


def profiles(rows):
    return select.of_kind(frame(rows), "profile")


def measured(rows):
    return scalings(profiles(rows))


def test_time_that_is_linear_in_n_has_exponent_one():
    (found,) = measured([profile_row("discrete", n, 1e-3 * n, 2**20) for n in (4, 8, 16, 32)])
    runtime, memory = found.exponent("discrete", "iteration_ms"), found.exponent("discrete", "peak_mib")
    assert runtime is not None
    assert memory is not None
    assert runtime.slope == pytest.approx(1)
    assert memory.slope == 0


def test_points_have_readable_units_and_quartiles_of_the_repeats():
    (found,) = measured([profile_row("backprop", 4, 2e-3, 3 * 2**20)])
    (point,) = found.points.to_dict("records")
    assert point["iteration_ms"] == pytest.approx(2)
    assert (point["iteration_q25_ms"], point["iteration_q75_ms"]) == pytest.approx((1.9, 2.1))
    assert point["peak_mib"] == 3
    assert point["repeats"] == 21


def test_settings_are_not_mixed():
    rows = [profile_row("discrete", 4, 1e-3, 1), profile_row("discrete", 4, 2e-3, 1, batch_size=64)]
    assert [found.distinction for found in measured(rows)] == ["B=64", "B=512"]
    assert "B = 64" in measured(rows)[0].title


def test_cells_that_failed_are_named_below_the_table(tmp_path):
    exhibit = cost_tables.points(measured(full_rows()), scaling.notes(profiles(full_rows())), tmp_path)
    cell = "fshnn, backprop, implicit_midpoint, extrapolation, untrained, h=0.01, N=256"
    assert f"- {cell}: 1 oom (coupled_oscillator seed 0): needs 30 GiB" in exhibit.body


def test_missing_memory_and_times_leave_a_figure(tmp_path):
    unmeasured = {"peak_bytes": None, "iteration_samples_s": None, "iteration_s": None}
    rows = [profile_row(mode, n, 1e-3, 1, **unmeasured) for n in (4, 8, 16) for mode in ("backprop", "discrete")]
    figure = scaling.draw(measured(rows)[0])
    assert [axis.texts[0].get_text() for axis in figure.axes] == ["not measured"] * 2
    with saving.edition(saving.Edition(("png",), "small print")):
        saving.save(figure, tmp_path, "figure")


def test_curves_are_long_and_count_epochs_from_one():
    rows = [train_row("double_well", "fshnn", 0, 0.01, curve_train=[3.0, 2.0], curve_validation=[2.5])]
    losses = learning_curves.curves(select.with_lines(select.of_kind(frame(rows), "train")))
    found = [tuple(row) for row in losses[["part", "epoch", "loss"]].to_numpy()]
    assert found == [("training", 1, 3.0), ("training", 2, 2.0), ("validation", 1, 2.5)]


def test_a_training_loss_that_is_no_error_of_a_rollout_is_not_drawn():
    rows = [train_row("double_well", "hnn", 0, 0.01, gradient_mode=None, integrator=None)]
    losses = learning_curves.curves(select.with_lines(select.of_kind(frame(rows), "train")))
    assert set(losses["part"]) == {"validation"}


def test_a_preset_tells_the_lines_of_a_model_apart():
    rows = [train_row("double_well", "hnn", 0, 0.01, preset=preset) for preset in ("paper", "matched")]
    lined = select.with_lines(select.of_kind(frame(rows), "train"))
    assert set(lined["line"]) == {"hnn (one_cycle, paper)", "hnn (one_cycle, matched)"}


def test_errors_leave_out_the_true_h_zeros_and_the_extremes():
    rows = [
        train_row("double_well", "true_h", 0, 1e-9),
        train_row("double_well", "constant", 0, 1, h_quantiles_ru=[0.0, 0.0, 1.0, 2.0, 9.0], h_quantiles_sg=None),
    ]
    samples = error_distributions.errors(select.with_lines(select.of_kind(frame(rows), "train")))
    assert set(samples["model"]) == {"constant"}
    assert sorted(samples["error"][samples["test_set"] == "ru"]) == [1.0, 2.0]
    assert not (samples["test_set"] == "sg").any()


def drawn_curves(lined):
    losses = learning_curves.curves(select.ok(lined))
    looks = theme.line_looks(sorted(distinct_pairs(losses, "model", "line")))
    return learning_curves.draw(losses, learning_curves.floors(lined), looks)


def test_marks_of_many_epochs_leave_their_line_to_be_seen():
    curve = np.geomspace(1, 1e-3, 100).tolist()
    rows = [train_row("double_well", "fshnn", 0, 0.01, curve_train=None, curve_validation=curve)]
    (line, _) = drawn_curves(select.with_lines(select.of_kind(frame(rows), "train"))).axes[0].get_lines()
    assert len(line.get_xdata()) == 100
    assert line.get_markevery() == 10


def test_ticks_are_those_of_an_axis_that_reaches_to_a_floor_far_below():
    """They were chosen before the floor was drawn: nine a decade, over three decades, on top of one another."""
    curve = np.linspace(6, 5, 10).tolist()
    rows = [train_row("double_well", "fshnn", 0, 0.01, curve_train=None, curve_validation=curve, loss_floor=8e-3)]
    (axis,) = drawn_curves(select.with_lines(select.of_kind(frame(rows), "train"))).axes
    low, high = axis.get_ylim()
    assert 2 <= sum(low <= tick <= high for tick in axis.get_yticks()) <= 4


def test_a_short_axis_has_two_ticks_at_least():
    """Of 9 and 10 only one lay on this one."""
    axis = Figure().subplots()
    axis.set(yscale="log", ylim=(9.2, 10.9))
    readable_ticks(axis, "y")
    assert sum(9.2 <= tick <= 10.9 for tick in axis.get_yticks()) >= 2


@pytest.mark.parametrize(
    ("limits", "labels"),
    [((1e-4, 1e-1), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]), ((4e-3, 3e-2), ["0.005", "0.01", "0.02"]),
     ((0.12, 0.19), [f"{number / 100:g}" for number in range(12, 20)])],
)  # fmt: skip
def test_an_axis_of_powers_of_ten_with_few_of_them_has_numbers_between(limits, labels):
    """Panels of less than a decade had one number or none."""
    axis = Figure().subplots()
    axis.set(yscale="log", ylim=limits)
    power_ticks(axis)
    shown = [
        label.get_text() for label in axis.get_yticklabels() if limits[0] <= label.get_position()[1] <= limits[1]
    ]
    assert shown == labels


def test_an_axis_of_one_value_has_a_place_for_it():
    """Its limits were 1e-15 apart, and the figure was a field of stray grid lines."""
    axis = Figure().subplots()
    axis.set(xscale="log", yscale="log")
    axis.errorbar([8.156684007999504], [0.008321341212615418], yerr=[[0], [0]])
    power_ticks(axis)
    readable_ticks(axis, "x")
    for low, high in (axis.get_xlim(), axis.get_ylim()):
        assert high > 2 * low
    assert len(axis.get_xticks()) > 1


def test_systems_that_a_page_has_no_room_for_stand_on_another(tmp_path):
    systems = [f"system_{number:02}" for number in range(11)]
    rows = [train_row(system, "fshnn", 0, 0.01) for system in systems]
    exhibits = learning_curves.chapter(Material(frame(rows)), tmp_path).exhibits
    assert [exhibit.name for exhibit in exhibits] == ["learning_curves", "learning_curves_sheet2"]
    assert [exhibit.title[-8:] for exhibit in exhibits] == ["(1 of 2)", "(2 of 2)"]
    assert [len(exhibit.cells) for exhibit in exhibits] == [6, 5]


def test_every_axis_is_labelled():
    rows = select.with_lines(select.of_kind(frame(full_rows()), "train"))
    curves = drawn_curves(rows)
    assert [axis.get_title() for axis in curves.axes] == ["double well", "coupled oscillator", "henon heiles"]
    assert all(axis.get_xlabel() == "epoch" for axis in curves.axes)
    assert curves.axes[0].get_ylabel() == "loss (state²)"
    cost = scaling.draw(sweeps(measured(full_rows()))[0])
    assert [axis.get_ylabel()[-5:] for axis in cost.axes] == ["(MiB)", " (ms)"]
    assert [label.get_text() for label in cost.axes[0].get_xticklabels()] == ["4", "8", "16", "32", "64", "128"]


def test_a_name_looks_the_same_everywhere():
    looks = theme.line_looks([("fshnn", "fshnn (a)"), ("fshnn", "fshnn (b)"), ("unheard_of", "unheard_of")])
    assert looks["fshnn (a)"] == theme.model_look("fshnn")
    assert looks["fshnn (b)"].marker != looks["fshnn (a)"].marker
    assert looks["unheard_of"] == theme.model_look("unheard_of")
    modes = [theme.mode_look(name) for name in complexity_table().modes]
    assert len({look.colour for look in modes}) == len({look.marker for look in modes}) == len(modes) == 9
    assert len({str(look.dash) for look in modes}) == 9
    assert all(np.ptp(theme.mode_look(name).colour) == 0 for name in ("paper_adjoint", "paper_adjoint_code"))
    assert np.ptp(theme.model_look("constant").colour) == 0


def test_the_line_below_a_figure_stands_apart_from_its_legend(tmp_path):
    """A legend outside the panels used to move down onto the line."""
    with theme.style(), saving.edition(saving.Edition(formats=("png",), footer="store of 27 cells")):
        figure, axes = theme.panels(1, 2, height=2)
        axes[0, 0].plot([1, 2], label="line")
        figure.legend(loc="outside lower center", frameon=False)
        saving.save(figure, tmp_path, "signed")
    inked = (imread(tmp_path / "signed.png")[..., :3] < 0.9).any(axis=(1, 2))
    edge = 2 * saving.DPI
    assert not inked[edge - 15 : edge + 2].any()
    assert inked[edge - 40 : edge].any()
    assert inked[edge:].any()


def test_a_violin_has_its_quartiles_where_the_errors_have_them():
    rows = [
        train_row("double_well", "hnn", 0, 0.1, h_quantiles_ru=np.geomspace(1e-3, 1e1, 201).tolist()),
        train_row("double_well", "constant", 0, 1, h_quantiles_ru=[2.0] * 201),
    ]
    lined = select.with_lines(select.of_kind(frame(rows), "train"))
    axis = error_distributions.draw(error_distributions.errors(lined), "double_well").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["constant", lined["line"][1]]
    violins, bars = cast(tuple[PolyCollection, LineCollection], axis.collections)
    of_one_error, density = (path.vertices for path in violins.get_paths())
    assert set(of_one_error[:, 0]) == {2.0}
    assert of_one_error[:, 1] == pytest.approx([-0.425, 0.425, -0.425])
    widest = pytest.approx([1 - 0.425, 1 + 0.425], abs=1e-3)
    assert [density[:, 1].min(), density[:, 1].max()] == widest
    quartiles = np.array(bars.get_segments())
    np.testing.assert_allclose(
        np.log10(quartiles[:, :, 0].T), 2 * [[-3 + 4 * part for part in (0.2525, 0.5, 0.7475)]]
    )
    assert quartiles[1, :, 1] == widest, "of errors spread evenly the median is where they are densest"


def test_of_many_seeds_a_violin_has_enough_samples_evenly_taken():
    rows = [
        train_row("double_well", "hnn", seed, 0.1, h_quantiles_ru=np.linspace(0, 2, 201).tolist())
        for seed in range(100)
    ]
    rows.append(train_row("double_well", "fshnn", 0, 0.1))
    samples = error_distributions.errors(select.with_lines(select.of_kind(frame(rows), "train")))
    samples = samples[samples["test_set"] == "ru"]
    assert len(samples[samples["model"] == "fshnn"]) == 199
    own = samples["error"][samples["model"] == "hnn"]
    assert own.nunique() == 199, "from the first to the last, by one seed or another"
    assert 3000 < len(own) <= 4000
    assert own.mean() == pytest.approx(1, abs=1e-3)
    assert own.min() + own.max() == pytest.approx(2, abs=1e-12)
