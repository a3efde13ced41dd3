"""The meters, on cases where the right figure is known."""

import itertools

import pytest
import torch
from torch.profiler import profile as torch_profile

from bench import measure
from bench.attempt import build
from bench.cell import Cell
from bench.measure import PeakStorage, compare_gradients, peak_bytes, time_phases
from bench.profile import Measured, exact_gradient, gradient_error, iteration_phases, profile, profile_window
from bench.protocol import Protocol, load_protocol
from bench.recipe import Recipe, load_recipe

CPU = torch.device("cpu")
FLOAT = 4  # bytes


def profile_cell(mode: str, steps: int) -> Cell:
    return Cell(
        kind="profile",
        system="coupled_oscillator",
        model="fshnn",
        gradient_mode=mode,
        integrator="implicit_midpoint",
        start_guess="extrapolation",
        seq_len=steps,
        seed=0,
        protocol="smoke",
        recipe="paper",
        net="untrained",
        step_size=0.01,
    )


def peak(mode: str, steps: int, batch: int) -> int:
    """Peak bytes of one training iteration, warm."""
    recipe = load_recipe("paper").model_copy(update={"batch_size": batch})
    cell = profile_cell(mode, steps)
    model, gradient = build(cell)
    window = profile_window(cell, load_protocol("smoke"), recipe, CPU, 1)
    phases = iteration_phases(model, gradient, window, recipe)
    for run in phases.values():
        run()
    return max(peak_bytes(phases, [*model.parameters(), window.start, window.observed], CPU).values())


def test_the_peak_of_known_tensors_is_exact():
    with PeakStorage() as meter:
        a = torch.zeros(1000)
        b = torch.zeros(500, dtype=torch.float64)
        assert meter.current == 8000
        del a
        assert meter.current == 4000
        c = torch.zeros(100)
        assert meter.current == 4400
    assert meter.peak == 8000
    assert b.sum() + c.sum() == 0


def test_views_and_ignored_tensors_take_no_memory():
    known = torch.zeros(1000)
    with PeakStorage(ignore=[known]) as meter:
        views = known.view(10, 100).T, known[3:], known.add_(1)
    assert (meter.peak, len(views)) == (0, 3)


def test_a_new_phase_starts_at_what_is_live():
    with PeakStorage() as meter:
        kept = torch.zeros(100)
        torch.zeros(10_000)
        assert meter.peak == 40_400
        meter.restart()
        torch.zeros(50)
    assert meter.peak == 600
    assert len(kept) == 100


def test_each_phase_has_its_own_peak():
    kept = []
    phases = {"large": lambda: kept.append(torch.zeros(1000).sum()), "small": lambda: torch.zeros(10)}
    assert peak_bytes(phases, [], CPU) == {"large": 4004, "small": 44}


def traced_peak(run) -> int:
    """Peak by the torch profiler's trace of allocations."""
    with torch_profile(profile_memory=True) as trace:
        run()
    waiting, sizes = list(trace.profiler.kineto_results.experimental_event_tree()), []
    while waiting:
        event = waiting.pop()
        waiting += event.children
        if event.tag.name == "Allocation":
            sizes.append((event.start_time_ns, event.typed[1].alloc_size))
    return max(itertools.accumulate(size for _, size in sorted(sizes)))


def test_the_meter_agrees_with_the_profiler_on_a_training_step():
    net = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh())
    x = torch.randn(512, 2, generator=torch.Generator().manual_seed(0))

    def step() -> None:
        net.zero_grad(set_to_none=True)
        y = x
        for _ in range(4):
            y = y + 0.01 * net(y)[:, :2]
        y.square().mean().backward()

    step()
    net.zero_grad(set_to_none=True)
    traced = traced_peak(step)
    ours = peak_bytes({"step": step}, [*net.parameters(), x], CPU)["step"]
    assert traced > 1e6
    assert ours == pytest.approx(traced, rel=0.01)


def test_the_memory_of_backpropagation_grows_linearly_with_the_steps():
    peaks = {steps: peak("backprop", steps, batch=64) for steps in (8, 16, 32)}
    slope = (peaks[32] - peaks[16]) / 16
    assert (peaks[16] - peaks[8]) / 8 == pytest.approx(slope, rel=0.1)
    assert slope * 32 == pytest.approx(peaks[32], rel=0.2)


def test_the_memory_of_the_discrete_adjoint_grows_by_the_states_alone():
    batch, dim = 512, 2
    grown = peak("discrete", 64, batch) - peak("discrete", 8, batch)
    assert grown <= 2 * (64 - 8) * batch * dim * FLOAT


@pytest.mark.parametrize(("budget", "count"), [(0.0, 3), (1e9, 50)])
def test_an_iteration_is_repeated_after_its_warm_up(budget: float, count: int):
    calls: list[str] = []
    phases = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    timings = time_phases(phases, CPU, warm_up=3, budget_s=budget)
    assert calls == ["a", "b"] * ((3 if budget else 1) + count)  # a long iteration is warm after its first run
    assert {name: len(samples) for name, samples in timings.samples.items()} == {"a": count, "b": count}


def test_times_are_those_of_the_clock_and_the_first_call_stands_apart(monkeypatch):
    clock = itertools.chain([0, 100], itertools.cycle([0, 1]))  # start and end of each phase
    monkeypatch.setattr(measure, "now", lambda device: float(next(clock)))
    timings = time_phases({"a": lambda: None, "b": lambda: None}, CPU, budget_s=0.0)
    assert timings.first_call == 101.0
    assert timings.totals == [2.0] * 3


@pytest.mark.parametrize(
    ("gradient", "error", "cosine"),
    [([3.0, 4.0], 0.0, 1.0), ([3.3, 4.4], 0.1, 1.0), ([-3.0, -4.0], 2.0, -1.0), ([4.0, -3.0], 2**0.5, 0.0)],
)
def test_gradients_are_compared_as_one_vector(gradient: list[float], error: float, cosine: float):
    parts = [torch.tensor([value], dtype=torch.float64) for value in gradient]
    exact = [torch.tensor([[3.0]], dtype=torch.float64), torch.tensor([4.0], dtype=torch.float64)]
    assert compare_gradients(parts, exact) == (pytest.approx(error, abs=1e-12), pytest.approx(cosine, abs=1e-12))


@pytest.mark.parametrize(
    ("mode", "low", "high"), [("discrete", 0, 1e-5), ("backprop", 0, 1e-5), ("continuous", 1e-9, 0.2)]
)
def test_exact_modes_have_an_exact_gradient(mode: str, low: float, high: float):
    recipe = load_recipe("paper").model_copy(update={"batch_size": 32})
    cell = profile_cell(mode, 8)
    model, gradient = build(cell)
    error, cosine = gradient_error(model, gradient, profile_window(cell, load_protocol("smoke"), recipe, CPU, 1))
    assert low <= error < high
    assert cosine > 0.98


def test_a_profile_says_what_an_iteration_costs(protocol: Protocol, recipe: Recipe):
    cell = profile_cell("discrete", 4)
    model, gradient = build(cell)
    before = [parameter.clone() for parameter in model.parameters()]
    row = profile(model, gradient, cell, protocol, recipe)
    assert all(map(torch.equal, before, model.parameters())), "measuring does not train"
    assert row["peak_bytes"] == max(row[f"peak_{phase}_bytes"] for phase in ("forward", "backward", "optimizer"))
    assert row["iteration_s"] == pytest.approx(row["forward_s"] + row["backward_s"] + row["optimizer_s"], rel=0.5)
    assert row["field_evals"] == row["field_evals_forward"] + row["field_evals_backward"]
    assert row["field_evals_forward"] >= 4 * 2
    assert row["solver_iterations"] >= 1
    assert row["batch_size"] == 32


@pytest.mark.parametrize("mode", ["backprop", "discrete"])
def test_the_trace_of_the_allocator_agrees_with_the_count_of_storages(mode):
    recipe, cell = load_recipe("paper").model_copy(update={"batch_size": 64}), profile_cell(mode, 4)
    model, gradient = build(cell)
    window = profile_window(cell, load_protocol("smoke"), recipe, CPU, 1)
    phases = iteration_phases(model, gradient, window, recipe)
    for run in phases.values():
        run()
    existing = [*model.parameters(), window.start, window.observed]
    counted = peak_bytes(phases, existing, CPU)
    for run in phases.values():
        run()
    traced = peak_bytes(phases, existing, CPU, compiled=True)
    assert list(traced) == list(counted)
    assert traced["backward"] == pytest.approx(counted["backward"], rel=0.01)


def test_the_exact_gradient_is_computed_once_for_all_modes_and_anew_for_other_parameters():
    recipe, cell = load_recipe("paper").model_copy(update={"batch_size": 8}), profile_cell("backprop", 2)
    model, gradient = build(cell)
    window = profile_window(cell, load_protocol("smoke"), recipe, CPU, 1)
    exact = exact_gradient(Measured(model, window))
    again, _ = build(profile_cell("discrete", 2))
    assert exact_gradient(Measured(again, window)) is exact
    with torch.no_grad():
        next(again.parameters()).add_(0.1)
    assert exact_gradient(Measured(again, window)) is not exact
    assert gradient_error(again, gradient, window)[0] < 1e-5
