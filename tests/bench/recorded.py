"""Recordings of known systems, as a user would bring them."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

import systems
from systems.trajectories import add_noise, draw_starts, integrate, jittered_times


def recording(
    name: str = "harmonic_oscillator",
    count: int = 20,
    times: int = 21,
    dt: float = 0.1,
    noise: float = 0.01,
    jitter: float = 0.0,
) -> pd.DataFrame:
    """Noisy trajectories of a system: trajectory, time, q0, ..., p0, ...."""
    system, stream = systems.get(name)(), torch.Generator().manual_seed(0)
    starts = draw_starts(system, system.box, count, stream, accepted_only=True)
    clock = jittered_times(count, dt, times - 1, jitter, stream)
    states = add_noise(integrate(system, starts, dt, times - 1, times=clock), noise, stream, torch.float64)
    columns = {f"{letter}{number}": states[..., system.dof * (letter == "p") + number].flatten()
               for letter in "qp" for number in range(system.dof)}  # fmt: skip
    return pd.DataFrame({"trajectory": np.repeat(np.arange(count), times), "time": clock.flatten(), **columns})


def write(frame: pd.DataFrame, path: Path) -> Path:
    """In the format that the name ends in."""
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path
