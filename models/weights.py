"""Saving what a model learned, and loading it into a model that is built alike. Loading never executes code."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from models.base import Model


def save(model: Model, path: str | Path) -> None:
    """Write the parameters and buffers of a model to a file."""
    torch.save({"dim": model.dim, "state": model.state_dict()}, path)


def load_into(model: Model, path: str | Path) -> None:
    """Fill a model with what was saved, in the model's own type and on its device.

    Raises ValueError if the file holds anything but a saved model, or one that does not fit: with the dimensions
    of the phase spaces, or the name of the parameter and both of its sizes.
    """
    content = _read(path)
    if content["dim"] != model.dim:
        raise ValueError(f"{path} is of a system with 2n = {content['dim']}, the model of one with 2n = {model.dim}")
    saved, own = content["state"], model.state_dict()
    for name in sorted(saved.keys() | own.keys()):
        if _size(saved, name) != _size(own, name):
            raise ValueError(f"{path}: '{name}' has size {_size(saved, name)}, in the model {_size(own, name)}")
    model.load_state_dict(saved)


def _read(path: str | Path) -> dict[str, Any]:
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is not a saved model: {error}") from error
    if not isinstance(content, dict) or content.keys() != {"dim", "state"}:
        raise ValueError(f"{path} is not a saved model: it holds no dimension and state")
    return content


def _size(state: Mapping[str, Tensor], name: str) -> tuple[int, ...] | str:
    return tuple(state[name].shape) if name in state else "none"
