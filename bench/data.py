"""The data set of a system under a protocol: made once a run, shared by all cells."""

import json
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bench.cell import content_of
from bench.own_data import OwnData
from bench.protocol import JUDGING, OBSERVING, Protocol
from bench.seeds import generator
from systems.base import System
from systems.trajectories import (
    TrainingData,
    Window,
    add_noise,
    cut_windows,
    draw_starts,
    jittered_times,
    reference_trajectories,
)

SHARED = frozenset({"derivatives", "equations"})


@dataclass(frozen=True)
class Dataset:
    """Trajectories in float64, [trajectories, times, 2n]: noise-free references, or a user's own.

    Own ones have a part that is `held_out` for judging and, if they are irregular, the `times` of each part, from 0
    on; others have an error of the reference. Arrays rather than tensors: Ray shares them between processes without
    copying.
    """

    train: np.ndarray
    validation: np.ndarray
    held_out: np.ndarray | None = None
    times: dict[str, np.ndarray] = field(default_factory=dict)
    reference_error: float | None = None


@dataclass(frozen=True)
class Observations:
    """What a model may see: noisy trajectories in the training type, and the states that rollouts start from.

    And, where the protocol shares them, the true field at the true states and the system itself.
    """

    observed: Float[Tensor, "count times dim"]
    starts: Float[Tensor, "count times dim"]
    dt: float
    derivatives: Float[Tensor, "count times dim"] | None = None
    equations: System | None = None
    times: Float[Tensor, "count times"] | None = None  # of the samples, where they are irregular

    def to(self, device: str) -> "Observations":
        tensors = {key: value for key, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{key: tensor.to(device) for key, tensor in tensors.items()})

    def window(self, rows: Tensor, first: Tensor, steps: int) -> Window:
        """The windows of `steps` steps that begin at sample `first` of each chosen trajectory."""
        observed = cut_windows(self.observed, rows, first, steps)
        start = self.starts[rows, first]
        cut = self.derivatives if self.derivatives is None else cut_windows(self.derivatives, rows, first, steps)
        times = self.times
        if times is not None:
            times = cut_windows(times[..., None], rows, first, steps)[..., 0]
            times = (times - times[0]).to(observed)
        return Window(start, observed, self.dt, derivatives=cut, equations=self.equations, times=times)

    def whole(self, stream: torch.Generator) -> TrainingData:
        """All of it, for a direct fit that draws from `stream`."""
        return TrainingData(self.observed, self.dt, stream, self.derivatives, self.equations)


def data_key(system: str, protocol: Protocol | OwnData) -> str:
    """What a data set depends on: not on what a protocol shares with the models, nor on how it rolls them out."""
    content = {key: value for key, value in content_of(protocol).items() if key not in SHARED | JUDGING}
    if not content.get("jitter"):
        content.pop("jitter", None)  # regular data are those of the time before there were others
    return json.dumps([system, content], sort_keys=True)


def judging_key(system: str, protocol: Protocol) -> str:
    """What the points and true rollouts depend on by which models are judged.

    Not on what these see, so that errors against noise or number of trajectories are errors on one test set.
    """
    content = {key: value for key, value in content_of(protocol).items() if key not in SHARED | JUDGING | OBSERVING}
    return json.dumps([system, content], sort_keys=True)


def training_starts(
    system_name: str, system: System, protocol: Protocol, count: int, stream: torch.Generator
) -> Float[Tensor, "count dim"]:
    """Where the trajectories that models learn from begin, float64."""
    if protocol.starts == "gaussian":
        return protocol.gaussian(system_name, system, count, stream)
    box = protocol.box(system_name, system)
    return draw_starts(system, box, count, stream, accepted_only=protocol.starts == "accepted")


def make_dataset(system_name: str, protocol: Protocol | OwnData) -> Dataset:
    """Draw starts and integrate them, or read a user's data.

    Raises ReferenceError if refinement shows an error, BadInput or DataChanged if the data are not what they were.
    """
    if isinstance(protocol, OwnData):
        recorded = protocol.parts()
        times = {name: part.times for name, part in recorded.items()} if protocol.irregular else {}
        train, validation, held_out = (part.states for part in recorded.values())
        return Dataset(train, validation, held_out, times)
    system = protocol.system(system_name)
    count = protocol.train_starts + protocol.validation_starts
    stream = generator("starts", data_key(system_name, protocol))
    starts = training_starts(system_name, system, protocol, count, stream)
    parts = (("train", protocol.train_starts), ("validation", protocol.validation_starts))
    times = [sample_times(system_name, protocol, role, part) for role, part in parts] if protocol.jitter else []
    trajectories, error = reference_trajectories(
        system,
        starts,
        protocol.dt,
        protocol.steps,
        tolerance=protocol.reference_tolerance,
        times=torch.cat(times) if times else None,
    )
    train, validation = (
        trajectories.numpy()[: protocol.train_starts],
        trajectories.numpy()[protocol.train_starts :],
    )
    return Dataset(train, validation, reference_error=error)


def sample_times(system_name: str, protocol: Protocol, role: str, count: int) -> Float[Tensor, "count times"]:
    """When the samples of each trajectory are taken, float64."""
    stream = generator(f"times {role}", data_key(system_name, protocol))
    return jittered_times(count, protocol.dt, protocol.steps, protocol.jitter, stream)


def observe(
    trajectories: np.ndarray,
    protocol: Protocol | OwnData,
    role: str,
    system: str,
    seed: int,
    dtype: torch.dtype,
    times: np.ndarray | None = None,
) -> Observations:
    """Noisy observations of trajectories; the noise depends on the seed alone, not on who learns from them.

    Own data are observations already, and have `times` where they are irregular.
    """
    clean = _read_only_tensor(trajectories)
    if isinstance(protocol, OwnData):
        observed = clean.to(dtype)
        return Observations(
            observed, observed, protocol.dt, times=None if times is None else _read_only_tensor(times)
        )
    noise = generator(f"noise {role}", data_key(system, protocol), seed)
    truth = protocol.system(system)
    observed = add_noise(clean, protocol.noise_of(truth), noise, dtype)
    return Observations(
        observed,
        clean.to(dtype) if protocol.start_state == "true" else observed,
        protocol.dt,
        truth.field(clean).to(dtype) if protocol.derivatives == "exact" else None,
        truth if protocol.equations else None,
        sample_times(system, protocol, role, len(clean)) if protocol.jitter else None,
    )


def _read_only_tensor(array: np.ndarray) -> Float[Tensor, "*shape"]:
    with warnings.catch_warnings():  # arrays from Ray's object store are read-only, and are only read here
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)
