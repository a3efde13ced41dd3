"""All cells in this process, one after the other: for tests and debugging."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from threading import Event

import torch

from bench.attempt import run_cell
from bench.cell import Task
from bench.data import Dataset, data_key, make_dataset


def run(tasks: Iterable[Task], stop: Event) -> Iterator[list[dict]]:
    """The row of each task, in a list of its own; ends early, between two cells, when `stop` is set."""
    datasets: dict[str, Dataset] = {}

    def shared(task: Task) -> Dataset:
        key = data_key(task.cell.system, task.protocol)
        if key not in datasets:
            datasets[key] = make_dataset(task.cell.system, task.protocol)
        return datasets[key]

    for task in tasks:
        if stop.is_set():
            return
        alone = replace(task, request=task.request.whole_card())
        yield [run_cell(alone, lambda task=task: shared(task))]


def impossible(task: Task) -> str | None:
    """Why this process can never run the task, or None if it can."""
    absent = task.cell.device == "cuda" and not torch.cuda.is_available()
    return "this machine has no CUDA device" if absent else None
