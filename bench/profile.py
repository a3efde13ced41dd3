"""Measuring one training iteration of a cell: time, memory by phase, evaluations, and the gradient's error."""

import copy
import hashlib
from functools import lru_cache
from statistics import median
from types import SimpleNamespace

import torch

import systems
from bench.cell import Cell
from bench.data import data_key, training_starts
from bench.measure import Phases, compare_gradients, peak_bytes, time_phases
from bench.protocol import Protocol
from bench.recipe import Recipe
from bench.seeds import generator
from models.base import Model
from models.gradients import GradientMode
from models.gradients.checkpoint import Checkpoint
from systems.trajectories import Window, add_noise, draw_starts, integrate

OBSERVATIONS = 4


def profile(model: Model, gradient: GradientMode, cell: Cell, protocol: Protocol, recipe: Recipe) -> dict:
    """The profile columns of a row. The window is as long as the cell asks, whatever the protocol's horizon."""
    device = torch.device(cell.device)
    if cell.net == "fitted":
        fit_field(model, cell, protocol)
    assert cell.seq_len is not None
    window = profile_window(cell, protocol, recipe, device, observed_every(cell.seq_len))
    phases = iteration_phases(model, gradient, window, recipe)
    timings = time_phases(phases, device)
    existing = [*model.parameters(), window.start, window.observed]
    peaks = peak_bytes(phases, existing, device, compiled=cell.compiled)
    error, cosine = gradient_error(model, gradient, window)
    return {
        "batch_size": recipe.batch_size,
        "observations": len(window.observed) - 1,
        "iteration_s": median(timings.totals),
        "iteration_samples_s": timings.totals,
        "first_call_s": timings.first_call - (gradient.compile_s or 0),
        "compile_s": gradient.compile_s,
        **{f"{name}_s": median(samples) for name, samples in timings.samples.items()},
        "peak_bytes": max(peaks.values()),
        **{f"peak_{name}_bytes": peak for name, peak in peaks.items()},
        **count_evaluations(model, gradient, window),
        "gradient_rel_error": error,
        "gradient_cosine": cosine,
    }


def observed_every(steps: int) -> int:
    """The stride at which four states of a measured window enter its loss (all, if N is not a multiple of four).

    So what grows with N is the gradient mode's and not the loss's, which holds the states that it is given and
    their cotangents whatever the mode.
    """
    return steps // OBSERVATIONS if steps % OBSERVATIONS == 0 else 1


def profile_window(cell: Cell, protocol: Protocol, recipe: Recipe, device: torch.device, every: int) -> Window:
    """A batch of noisy reference trajectories of N steps from starts in the box, observed every `every` steps."""
    assert cell.seq_len is not None
    assert cell.step_size is not None
    system, key = systems.get(cell.system)(), data_key(cell.system, protocol)
    stream = generator("profile starts", key, cell.seed)
    starts = training_starts(cell.system, system, protocol, recipe.batch_size, stream)
    substeps = max(1, round(cell.step_size / protocol.dt))  # of the reference, none coarser than the protocol's
    clean = integrate(system, starts, cell.step_size, cell.seq_len, substeps=substeps)[:, ::every]
    dtype = getattr(torch, cell.dtype)
    observed = add_noise(clean, protocol.noise_of(system), generator("profile noise", key, cell.seed), dtype)
    observed = observed.transpose(0, 1).contiguous().to(device)
    start = observed[0] if protocol.start_state == "noisy" else starts.to(device, dtype)
    return Window(start.clone(), observed, cell.step_size, every)


def fit_field(model: Model, cell: Cell, protocol: Protocol, *, iterations: int = 500, batch: int = 512) -> None:
    """Fit the model's field to the true one over the box: parameters as after training, without the training."""
    system, stream = systems.get(cell.system)(), generator("profile fit", cell.system, cell.seed)
    box = protocol.box(cell.system, system)
    parameter = next(model.parameters())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations)
    for _ in range(iterations):
        points = draw_starts(system, box, batch, stream, accepted_only=False).to(parameter)
        optimizer.zero_grad(set_to_none=True)
        (model.field(points) - system.field(points)).square().mean().backward()
        optimizer.step()
        schedule.step()


def iteration_phases(model: Model, gradient: GradientMode, window: Window, recipe: Recipe) -> Phases:
    """Forward, backward and optimiser step of one training iteration, to be run in this order."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.0)  # every repeat starts from the same parameters
    state = SimpleNamespace()

    def forward() -> None:
        optimizer.zero_grad(set_to_none=True)
        state.loss = model.loss(window, gradient)

    def backward() -> None:
        state.loss.backward()
        del state.loss

    return {"forward": forward, "backward": backward, "optimizer": optimizer.step}


def count_evaluations(model: Model, gradient: GradientMode, window: Window) -> dict[str, float | None]:
    """Field evaluations a trajectory of one iteration, and what the implicit solves took."""
    batch = window.start.shape[0]
    before = model.evaluations
    loss = model.loss(window, gradient)
    between = model.evaluations
    loss.backward()
    after = model.evaluations
    report = getattr(getattr(model.integrator, "solver", None), "report", None)
    return {
        "field_evals": (after - before) / batch,
        "field_evals_forward": (between - before) / batch,
        "field_evals_backward": (after - between) / batch,
        "solver_iterations": report.iterations / report.solves if report and report.solves else None,
        "solver_residual": report.residual if report and report.solves else None,
    }


def gradient_error(model: Model, gradient: GradientMode, window: Window) -> tuple[float, float]:
    """Relative error and cosine of the mode's gradient against the exact one."""
    return compare_gradients(parameter_gradients(model, gradient, window), exact_gradient(Measured(model, window)))


class Measured:
    """A model and a window; equal where the exact gradient is, whichever gradient mode is measured on them."""

    def __init__(self, model: Model, window: Window):
        self.model, self.window = model, window
        content = hashlib.sha256(f"{type(model)} {type(model.integrator)} {window.h} {window.every}".encode())
        for tensor in (*model.parameters(), window.start, window.observed):
            content.update(tensor.detach().double().cpu().numpy().tobytes())
        self._digest = content.hexdigest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measured) and self._digest == other._digest


@lru_cache(maxsize=4)
def exact_gradient(measured: Measured) -> list[torch.Tensor]:
    """Backpropagation through the converged solver of the same rollout in float64.

    With checkpoints, or its graph would take gigabytes at N = 1024; kept, for modes are measured one after another.
    """
    window = measured.window
    exact_window = Window(window.start.double(), window.observed.double(), window.h, window.every)
    return parameter_gradients(copy.deepcopy(measured.model).double(), Checkpoint(), exact_window)


def parameter_gradients(model: Model, gradient: GradientMode, window: Window) -> list[torch.Tensor]:
    return list(torch.autograd.grad(model.loss(window, gradient), list(model.parameters())))
