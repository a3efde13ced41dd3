"""Freed memory: used again without page faults, and given back; in a process of its own, whose malloc it changes."""

import subprocess
import sys

import pytest

CODE = """
import resource
import torch
from bench.heap import give_back, keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        a, b = torch.ones(10_000_000), torch.ones(500_000)
        del a, b
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

sound = faults()
keep_freed_memory()
faults()
print(sound, faults())
kept = resident()
give_back()
print(kept - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_freed_memory_is_used_again_without_page_faults_and_given_back_in_the_end():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    before, after, given_back = map(int, done.stdout.split())
    assert before > 10 * 40e6 / 2**21  # the 40 MB of each turn anew, in pages of 4 KiB or 2 MiB
    assert after < before / 10
    assert given_back > 30e6
