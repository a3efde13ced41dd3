"""The data set of a system under a protocol: made once a run, shared by all cells."""

import json
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import systems
from bench.cell import content_of
from bench.protocol import Protocol
from bench.seeds import generator
from systems.trajectories import Window, add_noise, cut_windows, draw_starts, reference_trajectories


@dataclass(frozen=True)
class Dataset:
    """Noise-free reference trajectories in float64, [trajectories, times, 2n].

    Arrays rather than tensors: Ray shares them between processes without copying.
    """

    train: np.ndarray
    validation: np.ndarray
    reference_error: float


@dataclass(frozen=True)
class Observations:
    """What a model may see: noisy trajectories in the training type, and the states that rollouts start from."""

    observed: Float[Tensor, "count times dim"]
    starts: Float[Tensor, "count times dim"]
    dt: float

    def to(self, device: str) -> "Observations":
        return Observations(self.observed.to(device), self.starts.to(device), self.dt)

    def window(self, rows: Tensor, first: Tensor, steps: int) -> Window:
        """The windows of `steps` steps that begin at sample `first` of each chosen trajectory."""
        observed = cut_windows(self.observed, rows, first, steps)
        start = self.starts[rows, first]
        return Window(start, observed, self.dt)


def data_key(system: str, protocol: Protocol) -> str:
    """What a data set depends on."""
    return json.dumps([system, content_of(protocol)], sort_keys=True)


def make_dataset(system_name: str, protocol: Protocol) -> Dataset:
    """Draw starts and integrate them. Raises ReferenceError if refinement shows an error."""
    system = systems.get(system_name)()
    count = protocol.train_starts + protocol.validation_starts
    starts = draw_starts(
        system,
        protocol.box(system_name, system),
        count,
        generator("starts", data_key(system_name, protocol)),
        accepted_only=protocol.starts == "accepted",
    )
    trajectories, error = reference_trajectories(
        system, starts, protocol.dt, protocol.steps, tolerance=protocol.reference_tolerance
    )
    train, validation = (
        trajectories.numpy()[: protocol.train_starts],
        trajectories.numpy()[protocol.train_starts :],
    )
    return Dataset(train, validation, error)


def observe(
    trajectories: np.ndarray, protocol: Protocol, role: str, system: str, seed: int, dtype: torch.dtype
) -> Observations:
    """Noisy observations of trajectories; the noise depends on the seed alone, not on who learns from them."""
    clean = _read_only_tensor(trajectories)
    noise = generator(f"noise {role}", data_key(system, protocol), seed)
    observed = add_noise(clean, protocol.noise, noise, dtype)
    return Observations(observed, clean.to(dtype) if protocol.start_state == "true" else observed, protocol.dt)


def _read_only_tensor(array: np.ndarray) -> Float[Tensor, "count times dim"]:
    with warnings.catch_warnings():  # arrays from Ray's object store are read-only, and are only read here
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(array)
