"""Judging: figures that are known exactly, and what a figure must and must not notice."""

from dataclasses import replace
from math import cos, sin

import pytest
import torch
from torch import nn

import models
import systems
from bench import evaluate
from bench.judges import errors, points
from bench.protocol import Protocol, load_protocol
from bench.schema import COLUMNS, QUANTILES, TEST_SETS
from models.base import FlowModel, HamiltonianModel, Model


@pytest.fixture(scope="module")
def paper() -> Protocol:
    return load_protocol("paper")


def make(name: str, system: str) -> models.Model:
    return models.get(name)(systems.get(system)(), torch.Generator().manual_seed(0))


class Altered(HamiltonianModel):
    """scale * H + shift of the true H."""

    def __init__(self, system: str, scale: float = 1.0, shift: float = 0.0):
        nn.Module.__init__(self)
        self.system, self.scale, self.shift, self.evaluations = systems.get(system)(), scale, shift, 0

    def hamiltonian(self, y):
        return self.scale * self.system.hamiltonian(y) + self.shift


@pytest.mark.parametrize("system", ["double_well", "coupled_oscillator", "henon_heiles", "harmonic_oscillator"])
def test_the_true_hamiltonian_has_no_error_at_all(paper: Protocol, system: str):
    columns = evaluate.judge(make("true_h", system), system, paper)
    assert {columns[f"h_mae_{name}"] for name in TEST_SETS} == {0.0}
    assert {columns[f"h_raw_mae_{name}"] for name in TEST_SETS} == {0.0}
    assert {columns[f"h_r2_{name}"] for name in TEST_SETS} == {1.0}
    assert columns["field_error"] == 0.0


def test_the_constant_has_the_mean_absolute_deviation_of_the_hamiltonian(paper: Protocol):
    """H = q^2/2 + p^2/2 + pq/2 about its mean: quadrature gives these figures."""
    columns = evaluate.judge(make("constant", "coupled_oscillator"), "coupled_oscillator", paper)
    assert columns["h_mae_ru"] == pytest.approx(0.806, rel=0.02)
    assert columns["h_mae_sg"] == pytest.approx(0.861, rel=0.02)
    assert columns["h_mae_gaussian"] == pytest.approx(0.786, rel=0.02)
    assert columns["field_error"] == pytest.approx(1.0)
    assert columns["h_r2_ru"] == pytest.approx(0.0)


def test_the_uniform_figure_of_the_constant_agrees_with_quadrature(paper: Protocol):
    axis = 2 * (torch.arange(1000, dtype=torch.float64) + 0.5) / 500 - 2
    energies = systems.get("coupled_oscillator")().hamiltonian(torch.cartesian_prod(axis, axis))
    expected = float((energies - energies.mean()).abs().mean())
    columns = evaluate.judge(make("constant", "coupled_oscillator"), "coupled_oscillator", paper)
    assert columns["h_mae_ru"] == pytest.approx(expected, rel=0.015)


def test_an_added_constant_changes_the_raw_figure_only(paper: Protocol):
    plain = evaluate.judge(Altered("double_well", scale=1.1), "double_well", paper)
    shifted = evaluate.judge(Altered("double_well", scale=1.1, shift=7.0), "double_well", paper)
    for name in TEST_SETS:
        assert shifted[f"h_mae_{name}"] == pytest.approx(plain[f"h_mae_{name}"], rel=1e-10)
        assert shifted[f"h_raw_mae_{name}"] == pytest.approx(7.0, abs=1.0)
        assert plain[f"h_raw_mae_{name}"] < 1.0


def test_no_scale_is_fitted(paper: Protocol):
    columns = evaluate.judge(Altered("coupled_oscillator", scale=1.1), "coupled_oscillator", paper)
    assert columns["h_mae_ru"] == pytest.approx(0.1 * 0.806, rel=0.02)
    assert columns["field_error"] == pytest.approx(0.1)
    assert columns["h_r2_ru"] == pytest.approx(1 - 0.01)


def test_quantiles_run_from_the_smallest_to_the_largest_error(paper: Protocol):
    columns = evaluate.judge(Altered("double_well", scale=1.1), "double_well", paper)
    quantiles = columns["h_quantiles_ru"]
    assert len(quantiles) == QUANTILES
    assert quantiles == sorted(quantiles)
    assert quantiles[QUANTILES // 2] == pytest.approx(columns["h_median_ru"], rel=1e-2)
    assert quantiles[round(0.9 * (QUANTILES - 1))] == pytest.approx(columns["h_q90_ru"])
    assert quantiles[0] < columns["h_median_ru"] < columns["h_q90_ru"] < columns["h_q99_ru"] < quantiles[-1]


class Rotation(FlowModel):
    """The flow of the harmonic oscillator."""

    def flow(self, y, h):
        q, p = y.unbind(-1)
        return torch.stack((cos(h) * q + sin(h) * p, cos(h) * p - sin(h) * q), dim=-1)


class Attraction(Model):
    """A field that is no gradient: everything falls to the origin."""

    has_hamiltonian = False

    def field(self, y):
        return -y


def test_a_flow_has_no_figures_of_h_or_of_a_field_but_of_its_rollouts(paper: Protocol):
    rotation = Rotation(systems.get("harmonic_oscillator")(), torch.Generator())
    columns = evaluate.judge(rotation, "harmonic_oscillator", paper)
    assert not any(name.startswith(("h_", "field", "share", "learned")) for name in columns)
    assert columns["rollout_error"] < 1e-10
    y0 = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    states = rotation.rollout(y0, 0.1, 7)
    exact = systems.get("harmonic_oscillator")().exact(y0, 0.1 * torch.arange(8, dtype=torch.float64))
    torch.testing.assert_close(states, exact, rtol=0, atol=1e-14)


def test_a_field_that_is_no_gradient_has_figures_of_the_field_alone(paper: Protocol):
    attraction = Attraction(systems.get("harmonic_oscillator")(), torch.Generator())
    columns = evaluate.judge(attraction, "harmonic_oscillator", paper)
    parts = {f"{name}_{part}" for name in TEST_SETS for part in ("in_box", "on_shell", "out_of_box")} - {
        "ru_out_of_box",
        "sg_out_of_box",
    }
    expected = {"field_error", *(f"field_error_{name}" for name in (*TEST_SETS, *parts))}
    maps = {"map_plane", "map_box", "map_first", "map_second"}
    assert set(columns) == expected | {f"share_{name}" for name in parts} | maps
    assert columns["field_error"] == pytest.approx(2**0.5), "-y is orthogonal to J y"


def test_every_figure_has_a_column(paper: Protocol):
    assert set(evaluate.judge(make("constant", "double_well"), "double_well", paper)) <= set(COLUMNS)


@pytest.mark.parametrize("name", ["ru", "gaussian"])
def test_the_offset_is_taken_on_points_of_its_own(paper: Protocol, name: str):
    system = systems.get("double_well")()
    test, calibration = (
        points.test_points(name, role, "double_well", system, paper) for role in ("test", "calibration")
    )
    assert test.shape == calibration.shape == (20000, 2)
    assert not torch.isin(test, calibration).any()


def test_the_offset_comes_from_the_calibration_points(paper: Protocol, monkeypatch):
    """With calibration points at H = 0 alone, the offset of the constant is 0 and the error is the mean |H|."""
    draw = errors.test_points

    def at_the_origin(name, role, system_name, system, protocol):
        points = draw(name, role, system_name, system, protocol)
        return points if role == "test" else torch.zeros_like(points)

    monkeypatch.setattr(errors, "test_points", at_the_origin)
    columns = evaluate.judge(make("constant", "harmonic_oscillator"), "harmonic_oscillator", paper)
    assert columns["h_mae_ru"] == pytest.approx(columns["h_raw_mae_ru"])


def test_points_fill_the_protocols_region(paper: Protocol):
    system = systems.get("henon_heiles")()
    uniform, grid, normal = (
        points.test_points(name, "test", "henon_heiles", system, paper) for name in ("ru", "sg", "gaussian")
    )
    assert 0.499 < float(uniform.abs().max()) <= 0.5
    assert grid.abs().max() == 0.5
    assert float(normal.std()) == pytest.approx(0.5, rel=0.02)


def test_a_system_that_the_protocol_does_not_mention_is_judged_in_its_own_box(paper: Protocol):
    system = systems.get("harmonic_oscillator")()
    assert paper.box("harmonic_oscillator", system) == system.box
    assert paper.sigma("harmonic_oscillator", system) == pytest.approx(0.6)


@pytest.mark.parametrize(("dim", "count"), [(2, 30**2), (4, 11**4), (6, 5**6), (14, 2**14), (20, 20000)])
def test_the_grid_has_fewer_points_an_axis_where_there_would_be_too_many(dim: int, count: int):
    box = ((-1.0, 1.0),) * dim
    assert len(points.cartesian_grid(box, 30, 20000)) == count


def test_a_cube_number_of_points_is_reached_exactly():
    assert len(points.cartesian_grid(((0.0, 1.0),) * 3, 30, 1000)) == 1000


def test_chunks_change_nothing(paper: Protocol, monkeypatch):
    few = paper.model_copy(update={"test_points": 1000, "calibration_points": 1000})
    whole = evaluate.judge(Altered("double_well", 1.1), "double_well", few)
    monkeypatch.setattr(errors, "CHUNK", 7)
    pieces = evaluate.judge(Altered("double_well", 1.1), "double_well", few)
    assert pieces["h_quantiles_ru"] == whole["h_quantiles_ru"]


def test_judging_has_no_seed(protocol: Protocol, train_task):
    from bench.attempt import build

    figures = [
        evaluate.judge(
            build(replace(train_task.cell, model="constant", seed=seed))[0], "harmonic_oscillator", protocol
        )
        for seed in (0, 1)
    ]
    assert figures[0] == figures[1]
