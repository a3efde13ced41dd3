"""The job route, for real: `ray job submit --working-dir .` to a Ray that listens to this machine alone."""

import os
import secrets
import socket
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

import pytest

from bench.store import read
from bench.store.upkeep import doctor

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")
# The agent that takes jobs listens where no other Ray of this machine does: 52365 is everybody's.
CLUSTER = """
import sys, ray, ray._private.parameter
from functools import partial
parameters = ray._private.parameter
parameters.RayParams = partial(parameters.RayParams, dashboard_agent_listen_port=int(sys.argv[2]))
ray.init(
    address="local", num_cpus=2, object_store_memory=200 * 2**20, include_dashboard=True,
    dashboard_port=int(sys.argv[1]), log_to_driver=False, logging_level="ERROR",
)
print("ready", flush=True)
sys.stdin.read()
"""


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """What the cluster, the command and the job have in common."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
    alone = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, **token, **alone, "PATH": path, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """Where a Ray of two processors takes jobs; it ends when its standard input does."""
    port, agent_port = free_port(), free_port()
    command = [sys.executable, "-c", CLUSTER, str(port), str(agent_port)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        wait_for(agent_port)
        yield f"http://127.0.0.1:{port}"
        process.communicate(timeout=60)


def wait_for(port: int) -> None:
    deadline = monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert monotonic() < deadline, "no agent to take jobs"
            sleep(1)


def submit(address: str, environment: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    command = [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=540, check=False
    )


def test_a_grid_runs_as_a_job_and_its_rows_outlive_it(tmp_path: Path, address: str, environment: dict[str, str]):
    out = tmp_path / "store"
    words = ["python", "-m", "bench.run", "--grid", "smoke", "--model", "constant", "--out", out]
    done = submit(address, {**environment, "COLUMNS": "200"}, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = read(out)
    assert set(rows["status"]) == {"ok"}
    assert doctor(out) == []
    assert (out / "report" / "report.html").is_file()
    again = submit(address, environment, *words)
    assert again.returncode == 0
    assert "Nothing to do" in again.stdout


@pytest.fixture
def planted() -> Iterator[Path]:
    """Results in the folder that the job is submitted from, as every user has them."""
    (ROOT / "results").mkdir(exist_ok=True)
    with TemporaryDirectory(dir=ROOT / "results") as folder:
        (Path(folder) / "part-1.parquet").touch()
        yield Path(folder)


def test_what_travels_is_the_code_and_no_results(planted: Path, address: str, environment: dict[str, str]):
    show = "import os; print([os.path.join(at, name) for at, _, names in os.walk('.') for name in names])"
    done = submit(address, environment, "python", "-c", show)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("['./")]
    roots = {path.split("/")[1] for path in literal_eval(line)}
    assert {"bench", "models", "systems", "reports", "pyproject.toml"} <= roots
    assert {"results", "tests", "docs", "report", ".git", ".venv", ".pytest_cache"} & roots == set()
