"""One record a run: which code, packages and machine its rows came from. No environment but thread counts."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import uuid
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
REPOSITORY = Path(__file__).parent.parent


def new_run_id() -> str:
    """Begins with the time, so that ids sort by age."""
    return f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:6]}"


def record(run_id: str) -> dict:
    """The provenance record of a run, as plain JSON values."""
    diff = _git("diff", "HEAD")
    return {
        "run_id": run_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command_line": ["python", "-m", _module(), *sys.argv[1:]],
        "git_sha": _git("rev-parse", "HEAD").strip() or os.environ.get("GIT_SHA") or None,  # of a copy without .git
        "git_dirty": bool(diff),
        "git_diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else None,
        "git_diff": diff or None,
        "python": platform.python_version(),
        "packages": dict(sorted((d.metadata["Name"], d.version) for d in distributions())),
        "host": platform.node(),
        "platform": platform.platform(),
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": _gpus(),
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
    }


def _module() -> str:
    """The module that this process was started with, if it is one of the bench."""
    started = getattr(sys.modules["__main__"], "__spec__", None)
    return started.name.removesuffix(".__main__") if started and started.name.startswith("bench.") else "bench.run"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def cpu() -> str:
    return cpu_facts().get("model name", platform.processor())


def cpu_facts() -> dict[str, str]:
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def _gpus() -> list[str]:
    """Name, uuid, driver and memory of each card, as nvidia-smi prints them."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = "--query-gpu=name,uuid,driver_version,memory.total"
    command = ["nvidia-smi", query, "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []
