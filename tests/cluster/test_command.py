"""The main command with a real Ray, and the addresses where it finds one or none."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest
import ray

from bench.backends import ray as back_end
from bench.backends.ray import RayWorkers
from bench.declarations import BadInput
from bench.store import read

pytestmark = [pytest.mark.cluster]

TINY = Path(__file__).parent.parent / "bench" / "tiny"
PROGRAM = "import bench.run; bench.run.build_report = lambda folder: True; bench.run.app()"


def command(*words: object, **options) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, words)], **pipes, **options)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_keeps_its_rows_and_leaves_no_worker(tmp_path: Path, number: signal.Signals):
    tiny, out = Path(shutil.copytree(TINY, tmp_path / "tiny")), tmp_path / "out"
    grid = (tiny / "grid.toml").read_text()
    (tiny / "grid.toml").write_text(grid.replace("seed = [0, 1]", f"seed = {list(range(200))}"))
    words = ["--grid", tiny / "grid.toml", "--out", out, "--workers", "2"]
    with command(*words, start_new_session=True) as process:
        assert process.stdout is not None
        while "/202 cells" not in (line := process.stdout.readline()):
            assert line, process.stderr.read()
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # a terminal sends it to the workers, too
        else:
            process.send_signal(number)
        said, complained = process.communicate(timeout=120)
    assert process.returncode == 128 + number, said + complained
    kept = read(out)
    assert 0 < len(kept) < 202
    assert set(kept["status"]) == {"ok"}
    workers = {int(name.partition(":")[2]) for name in kept["worker"]}
    deadline = monotonic() + 30
    while alive := {pid for pid in workers if Path(f"/proc/{pid}").exists()}:
        assert monotonic() < deadline, f"workers {alive} are still there"
        sleep(0.5)


@pytest.mark.slow
def test_a_running_cluster_is_joined_and_left_as_it_was(workers: RayWorkers, tmp_path: Path):
    address = ray.get_runtime_context().gcs_address
    here = {**os.environ, back_end.ALONE: "0"}  # or Ray takes a loopback address for that of another machine
    words = ["--grid", TINY / "grid.toml", "--out", tmp_path / "out", "--address", address]
    with command(*words, env=here) as process:
        said, complained = process.communicate(timeout=240)
    assert process.returncode == 0, said + complained
    assert set(read(tmp_path / "out")["status"]) == {"ok"}
    assert ray.cluster_resources()["CPU"] == 2.0


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "no-such-host.invalid:6379"])
def test_an_address_where_nobody_answers_is_wrong_usage(tmp_path: Path, address: str):
    start = monotonic()
    with command("--grid", TINY / "grid.toml", "--out", tmp_path / "out", "--address", address) as process:
        said, complained = process.communicate(timeout=240)
    assert (process.returncode, (tmp_path / "out").exists()) == (2, False), said + complained
    assert f"no Ray answers at {address}" in complained
    assert "Traceback" not in complained
    assert monotonic() - start < 120


@pytest.mark.parametrize(
    ("address", "told"),
    [("http://127.0.0.1:8265", "takes jobs"), ("https://ray.example.org", "takes jobs")],
)
def test_an_address_of_another_kind_is_wrong_usage(address: str, told: str):
    with pytest.raises(BadInput, match=told):
        back_end.connect(address)


def test_ray_client_is_refused_with_what_to_do(workers: RayWorkers):
    port = ray.get_runtime_context().gcs_address.rpartition(":")[2]  # somebody answers there
    with pytest.raises(BadInput, match=r"rows cannot stream through Ray Client\. Submit the run as a job"):
        back_end.connect(f"ray://127.0.0.1:{port}")


def test_another_version_there_is_wrong_usage(monkeypatch):
    def refuse(**_options) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9.0 Python: 3.9.1")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(BadInput, match="the Ray at auto cannot be used from here: Version mismatch"):
        back_end.connect("auto")
