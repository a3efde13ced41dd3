"""Own data: trajectories that a user recorded, in the place of a system and of the protocol that simulates it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import PositiveFloat, PositiveInt

from bench.declarations import BadInput, Declaration
from bench.recording import Recording, read_recording
from bench.seeds import generator
from systems.unknown import UnknownSystem

NAME = "own_data"  # what a grid calls both the system and the protocol
SHARE = 0.15  # of the trajectories are for validation, and as many are held out
LEAST_TRAJECTORIES = 3
OF_ORDER_ONE = (0.1, 10.0)
EQUAL_STEPS = 1e-3  # how far a step may be from the mean of all, as a part of it


class DataChanged(RuntimeError):
    """The files no longer hold what the cells were planned for."""


class OwnData(Declaration):
    """The protocol of recorded trajectories: nothing is drawn, nothing is added, and H is not known.

    Its identity is what was recorded (`content`), not where it lies; `notes` are for who reads the plan. The files
    are read anew where a cell runs, so every node of a cluster must see them.
    """

    cosmetic: ClassVar[frozenset[str]] = Declaration.cosmetic | {"files", "notes"}

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    content: str
    dof: PositiveInt
    trajectories: PositiveInt
    steps: PositiveInt
    dt: PositiveFloat
    irregular: bool

    rollout_integrator: ClassVar[str] = "gauss_legendre4"  # the step is the data's, and may be coarse

    @property
    def label(self) -> str:
        """What stands in the column `system`: the name of the file, ending and all, which no plug-in has."""
        first, *others = self.files
        return first.name + (f" and {len(others)} more" if others else "")

    @property
    def split(self) -> dict[str, int]:
        """How many trajectories each part has."""
        apart = max(1, round(SHARE * self.trajectories))
        return {"train": self.trajectories - 2 * apart, "validation": apart, "held_out": apart}

    @property
    def offers(self) -> frozenset[str]:
        """What a model may need and finds here: of `models.base.NEEDS`."""
        return frozenset()

    def system(self, name: str) -> UnknownSystem:
        """The system behind the data, of whatever name."""
        return UnknownSystem(self.dof)

    def parts(self) -> dict[str, Recording]:
        """Whole trajectories by what they are for, drawn by a stream of the data's own, the same for every cell.

        Raises BadInput, or DataChanged.
        """
        recording = read_recording(self.files)
        if recording.content != self.content:
            raise DataChanged(f"{', '.join(map(str, self.files))}: not what it was when the cells were planned")
        order = torch.randperm(self.trajectories, generator=generator("split", self.content)).numpy()
        ends = np.cumsum(list(self.split.values()))[:-1]
        rows = dict(zip(self.split, np.split(order, ends), strict=True))
        return {name: Recording(recording.states[part], recording.times[part]) for name, part in rows.items()}


def own_data(files: Sequence[Path]) -> OwnData:
    """What the files hold. Raises BadInput if it cannot be used as data."""
    recording = read_recording(files)
    count, times, dim = recording.states.shape
    steps = np.diff(recording.times, axis=1)
    if count < LEAST_TRAJECTORIES:
        raise BadInput(
            f"{files[0]}: {count} of at least {LEAST_TRAJECTORIES} trajectories: one to train on, one to validate "
            "on, one that is held out; a long one may be cut into several"
        )
    return OwnData(
        name=NAME,
        files=tuple(path.resolve() for path in files),
        notes=tuple(notes_on(recording)),
        content=recording.content,
        dof=dim // 2,
        trajectories=count,
        steps=times - 1,
        dt=float(steps.mean()),
        irregular=irregular(steps),
    )


def notes_on(recording: Recording) -> Iterator[str]:
    """What a user should know, and may not, about data that can be used."""
    if recording.unused:
        yield f"columns that play no part: {', '.join(recording.unused)}"
    steps = np.diff(recording.times, axis=1)
    if irregular(steps):
        yield f"steps from {steps.min():g} to {steps.max():g}: what needs a fixed step is skipped"
    deviations = recording.states.std((0, 1))
    least, most = OF_ORDER_ONE
    if not (least <= deviations.min() and deviations.max() <= most):
        yield (
            f"the standard deviations of the coordinates are {deviations.min():.2g} to {deviations.max():.2g}; nets "
            "are made for some 0.1 to 10, and nothing is rescaled here: choose other units (docs/own-data.md)"
        )


def irregular(steps: np.ndarray) -> bool:
    """Whether steps in time differ by more than rounding in a file."""
    return bool(np.abs(steps / steps.mean() - 1).max() > EQUAL_STEPS)
