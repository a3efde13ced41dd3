"""The job route, for real: `ray job submit --working-dir .` to a Ray that listens to this machine alone."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.store import read
from bench.store.upkeep import doctor

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.xdist_group("ray")]

ROOT = Path(__file__).parent.parent.parent
RAY = str(Path(sys.executable).parent / "ray")
CLUSTER = """
import sys, ray
ray.init(
    address="local", num_cpus=2, object_store_memory=200 * 2**20, include_dashboard=True,
    dashboard_port=int(sys.argv[1]), log_to_driver=False, logging_level="ERROR",
)
print("ready", flush=True)
sys.stdin.read()
"""


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
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", CLUSTER, str(port)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield f"http://127.0.0.1:{port}"
        process.communicate(timeout=60)


def submit(address: str, environment: dict[str, str], *words: object) -> subprocess.CompletedProcess[str]:
    command = [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", *map(str, words)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=540, check=False
    )


def test_a_grid_runs_as_a_job_and_its_rows_outlive_it(tmp_path: Path, address: str, environment: dict[str, str]):
    out = tmp_path / "store"
    (ROOT / "results").mkdir(exist_ok=True)
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


def test_what_travels_is_the_code_and_no_results(address: str, environment: dict[str, str]):
    show = "import os; print(sorted(name for name in os.listdir() if name[0] != '.'))"
    done = submit(address, environment, "python", "-c", show)
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert {"bench", "models", "systems", "reports"} <= set(eval(line))
    assert {"results", "tests", "docs", "report"} & set(eval(line)) == set()
