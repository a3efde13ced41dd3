"""One Ray of two workers for all tests of this folder."""

import os
import secrets
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

# Ray reads these when it is imported or started.
os.environ |= {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(16),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_task_oom_retries": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "OMP_NUM_THREADS": "1",
}
os.environ.pop("RAY_ADDRESS", None)

from bench.cell import Task
from bench.expand import expand
from bench.grid import Filters, load_grid

# Functions with run-time type checks cannot be sent to workers: this one module is loaded without them.
hooks = [finder for finder in sys.meta_path if type(finder).__module__.startswith("jaxtyping")]
sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in hooks]
from bench.backends import ray as back_end  # noqa: E402

sys.meta_path[:0] = hooks

TINY = Path(__file__).parent.parent / "bench" / "tiny"


@pytest.fixture(scope="session")
def workers() -> Iterator[back_end.RayWorkers]:
    """The two workers, and one card that is declared but not there, of the Ray that runs as long as the tests do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(back_end.ray, "init", partial(back_end.ray.init, num_gpus=1))
        patch.setattr(back_end, "OBJECT_STORE_BYTES", 200 * 2**20)
        with back_end.cluster(2, None) as workers:
            patch.undo()
            yield workers


@pytest.fixture
def tasks() -> list[Task]:
    """The tasks of the tiny grid of tests/bench."""
    return [planned.task for planned in expand(load_grid(str(TINY / "grid.toml")), Filters(), TINY)]
