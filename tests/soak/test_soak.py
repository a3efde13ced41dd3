"""The soak scripts, shorter. In full: python -m tests.soak.unlucky_cluster, .killed_drivers, .throughput."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def soak(script: str, *options: str) -> None:
    command = [sys.executable, "-m", f"tests.soak.{script}", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_goes_wrong_on_three_raylets():
    soak("unlucky_cluster", "--cells", "40", "--kills", "4")


@pytest.mark.parametrize("backend", ["ray", "inline"])
def test_a_driver_is_killed_again_and_again(backend: str):
    soak("killed_drivers", "--cells", "40", "--kills", "4", "--backend", backend)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_driver_meets_a_full_disk_again_and_again():
    soak("killed_drivers", "--cells", "40", "--kills", "4", "--backend", "inline", "--store", "full")


def test_a_driver_is_killed_while_its_bucket_fails_every_fifth_request():
    soak("killed_drivers", "--cells", "40", "--kills", "4", "--backend", "inline", "--store", "bucket")
