"""The asv benchmarks: every gradient mode of the registry can be set up and measured."""

import pytest

from bench.perf.iteration import TrainingIteration
from models import gradients


@pytest.mark.parametrize("mode", gradients.names())
def test_a_gradient_mode_gets_its_benchmarks_without_a_line(mode):
    benchmark = TrainingIteration()
    benchmark.setup(mode, 4)
    assert benchmark.track_peak_bytes(mode, 4) > 0
