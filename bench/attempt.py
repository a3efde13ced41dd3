"""One attempt at a cell, in this process: whatever becomes of it, a row."""

import os
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import torch

import models
import systems
from bench.cell import Cell, Task, content_hash
from bench.data import Dataset, Observations, observe
from bench.deadline import TimeLimit, time_limit
from bench.evaluate import judge
from bench.heap import give_back, keep_freed_memory
from bench.judges.field_map import sample_columns
from bench.judges.held_out import held_out_columns
from bench.judges.signal import signal_columns
from bench.own_data import OwnData
from bench.profile import profile
from bench.protocol import Protocol
from bench.resources import Request
from bench.schema import VERSION
from bench.seeds import generator
from bench.status import Status
from bench.train import Diverged, train, training_batches, validation_loss, validation_window
from models import gradients
from models.base import Model, rollout_loss
from models.gradients import GradientMode
from models.gradients.backprop import Backprop
from systems import integrators
from systems.base import System
from systems.integrators import NotSolved
from systems.trajectories import Window

DEFAULT_INTEGRATOR = "implicit_midpoint"  # of models that train with one and name none
DEFAULT_START_GUESS = "extrapolation"


class Phase:
    """Where in the cell we are, for the row of a cell that fails."""

    current = "build"

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self.current = name
        yield


def run_cell(task: Task, dataset: Callable[[], Dataset]) -> dict:
    """Train and judge, or profile, a cell. Every exception becomes a row; the row is complete but for run_id.

    So does the end of the task's time limit, which counts from here.

    `dataset` gives the shared data set; it is called only if the task needs one, and may fail like the rest.
    """
    torch.set_num_threads(1)  # torch reads OMP_NUM_THREADS once, workers are reused
    keep_freed_memory()
    row, phase, start = opening(task), Phase(), time.perf_counter()
    try:
        cap_allocator(task.request)
        with time_limit(task.timeout_s):
            row |= run_profile(task, phase) if task.cell.kind == "profile" else run_training(task, dataset, phase)
        row["status"] = Status.OK.value
    except TimeLimit as error:
        row |= failure(Status.TIMEOUT, error, phase.current)
    except (Diverged, NotSolved) as error:
        row |= failure(Status.DIVERGED, error, phase.current)
    except MemoryError as error:
        row |= failure(Status.OOM, error, phase.current)
    except Exception as error:
        status = Status.OOM if is_out_of_memory(error) else Status.ERROR
        row |= failure(status, error, phase.current)
        if isinstance(error, torch.OutOfMemoryError) and task.request.gpus == 1:
            row["reason"] = f"does not fit on this card: {error}"
    finally:
        give_back()
    row["wall_s"] = time.perf_counter() - start
    return row


def opening(task: Task) -> dict:
    """The columns that are known before a cell runs."""
    return {
        **vars(task.cell),
        "cell_id": task.cell_id,
        "fingerprint": task.fingerprint,
        "protocol_content": content_hash(task.protocol),
        "recipe_content": content_hash(task.recipe),
        "data": task.protocol.content if isinstance(task.protocol, OwnData) else None,
        **data_made(task.protocol),
        "attempt": task.attempt,
        "gpu_share": task.request.gpus or None,
        "schema_version": VERSION,
        "worker": this_worker(),
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def cap_allocator(request: Request) -> None:
    """Hold a cell to its share of the card: one that needs more gets an error of its own, not its neighbour's."""
    if request.gpus:
        torch.cuda.set_per_process_memory_fraction(request.gpus)


def data_made(protocol: Protocol | OwnData) -> dict:
    """What grids vary of the data: figures against it read it from the row, for a name is no number."""
    if isinstance(protocol, OwnData):
        return {}
    noise = None if isinstance(protocol.noise, list) else protocol.noise
    return {"noise": noise, "train_starts": protocol.train_starts}


def this_worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def failure(status: Status, error: BaseException, phase: str) -> dict:
    """The columns of a cell that failed with an exception."""
    columns = {
        "status": status.value,
        "reason": str(error) or type(error).__name__,
        "phase": phase,
        "exception": type(error).__name__,
        "traceback": "".join(traceback.format_exception(error)),
    }
    if isinstance(error, NotSolved):
        columns |= {"failed_step": error.step, "failed_step_size": error.h, "failed_residual": error.residual}
    return columns


def is_out_of_memory(error: Exception) -> bool:
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in text


def run_training(task: Task, dataset: Callable[[], Dataset], phase: Phase) -> dict:
    """Train or fit if there is anything to learn, then judge."""
    with phase("build"):
        model, gradient = build(task.cell, task.system, task.protocol.rollout_integrator)
    columns: dict = {"parameters": sum(parameter.numel() for parameter in model.parameters())}
    eval_s = 0.0
    data = None
    if task.needs_data:
        with phase("data"):
            data = dataset()
            columns["reference_error"] = data.reference_error
    if data and task.cell.learns:
        with phase("data"):
            columns |= signal(task, data)
            train_set, validation_set = observe_both(task, data)
            columns |= samples(task, train_set)
        with phase("train"):
            learn = fit_columns if model.fits else training_columns
            columns |= learn(model, gradient, task, train_set, validation_set)
            eval_s = columns["validation_s"]
    with phase("evaluate"):
        start = time.perf_counter()
        columns |= judgement(model, task, data)
        columns["eval_s"] = eval_s + time.perf_counter() - start
    return columns


def judgement(model: Model, task: Task, data: Dataset | None) -> dict[str, float | list[float]]:
    """What the judges of the task's protocol say: by the known H, or by the trajectories that were held out."""
    if isinstance(task.protocol, OwnData):
        assert data is not None
        assert data.held_out is not None
        return held_out_columns(model, data.held_out, data.times.get("held_out"), task.protocol)
    return judge(model, task.cell.system, task.protocol)


def signal(task: Task, data: Dataset) -> dict[str, float | list[float]]:
    """What noise leaves of the windows, which only a known H can tell."""
    if isinstance(task.protocol, OwnData):
        return {}
    return signal_columns(task.cell.system, task.protocol, data.train, task.cell.seq_len or 1)


def samples(task: Task, train_set: Observations) -> dict[str, float | list[float]]:
    """Of what the model sees, what a picture of the learned field shows."""
    asked = not isinstance(task.protocol, OwnData) and task.protocol.field_map
    return sample_columns(train_set, task.system) if asked else {}


def observe_both(task: Task, dataset: Dataset) -> tuple[Observations, Observations]:
    """Noisy training and validation trajectories on the cell's device."""
    cell = task.cell
    train_set, validation_set = (
        observe(
            part, task.protocol, role, cell.system, cell.seed, getattr(torch, cell.dtype), dataset.times.get(role)
        ).to(cell.device)
        for role, part in (("train", dataset.train), ("validation", dataset.validation))
    )
    return train_set, validation_set


def training_columns(
    model: Model, gradient: GradientMode, task: Task, train_set: Observations, validation_set: Observations
) -> dict:
    """The columns of a model that is trained by its loss on windows."""
    cell, recipe = task.cell, task.recipe
    assert recipe is not None
    window = validation_window(cell, validation_set)
    curves = train(model, gradient, training_batches(cell, recipe, train_set), recipe, window)
    return {
        "train_loss": curves.train[-1],
        "validation_loss": curves.validation[-1],
        "loss_floor": loss_floor(model, task, window),
        "curve_train": curves.train,
        "curve_validation": curves.validation,
        "curve_learning_rate": curves.learning_rate,
        "train_s": curves.train_s - (gradient.compile_s or 0),
        "compile_s": gradient.compile_s,
        "validation_s": curves.validation_s,
        "field_evals": curves.evaluations / len(train_set.observed),
    }


def fit_columns(
    model: Model, gradient: GradientMode, task: Task, train_set: Observations, validation_set: Observations
) -> dict:
    """The columns of a model that is fitted at once; no gradient is taken."""
    cell = task.cell
    stream = generator("fit", cell.model, cell.system, cell.protocol, cell.seed)
    start = time.perf_counter()
    model.fit(train_set.whole(stream))
    fitted = time.perf_counter()
    window = validation_window(cell, validation_set)
    columns = {"train_s": fitted - start, "loss_floor": loss_floor(model, task, window)}
    with suppress(NotSolved):  # large coefficients that cancel leave a field too rough for the solver's tolerance
        columns["validation_loss"] = validation_loss(model, window)
    return columns | {"validation_s": time.perf_counter() - fitted}


def loss_floor(model: Model, task: Task, window: Window) -> float | None:
    """The loss of the true H, rolled out by the model's integrator; None where H is not known."""
    reference = models.get("true_h")
    if reference.inapplicable(task.system):
        return None
    truth = reference(task.system, torch.Generator(), model.integrator)
    return float(rollout_loss(truth, window))


def run_profile(task: Task, phase: Phase) -> dict:
    with phase("build"):
        model, gradient = build(task.cell)
    if task.recipe is None:
        raise ValueError("a profile cell needs a recipe: it says the batch size")
    assert not isinstance(task.protocol, OwnData), "is skipped when it is planned"
    with phase("profile"):
        return profile(model, gradient, task.cell, task.protocol, task.recipe)


def build(
    cell: Cell, system: System | None = None, rolled_out_by: str = DEFAULT_INTEGRATOR
) -> tuple[Model, GradientMode]:
    """The model with initial parameters of the cell's seed, and the gradient mode; the system is that of its name.

    A model that trains without an integrator is `rolled_out_by` the one that the protocol names.
    """
    guess = {"start_guess": integrators.start_guess_named(cell.start_guess)} if cell.start_guess else {}
    integrator = integrators.get(cell.integrator or rolled_out_by)(**guess)
    stream = generator("init", cell.model, cell.system, cell.seed)
    learner = models.get(cell.model)
    size = learner.presets[cell.preset] if cell.preset else {}
    model = learner(system or systems.get(cell.system)(), stream, integrator, **size)
    option = {"compiled": True} if cell.compiled else {}
    gradient = gradients.get(cell.gradient_mode)(**option) if cell.gradient_mode else Backprop()
    return model.to(torch.device(cell.device), getattr(torch, cell.dtype)), gradient
