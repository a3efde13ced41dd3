"""The rollout that figures show: of known flows, in closed form."""

import pytest
import torch
from known_flows import SYSTEM, rotation

from bench.evaluate import judge
from bench.judges.rolling import Rollouts, roll_out
from bench.judges.shown_rollout import shown_columns
from bench.judges.truth import Truth
from bench.protocol import load_protocol
from systems.harmonic_oscillator import HarmonicOscillator

TIMES = 0.5 * torch.arange(41, dtype=torch.float64)
STARTS = torch.tensor([[-1.0, 0.0], [-2.0, 0.0]], dtype=torch.float64)
TRUTH = Truth(HarmonicOscillator().exact(STARTS, TIMES), stride=5)  # known every five steps of 0.1


def test_both_have_their_own_times_and_the_first_coordinate_of_the_first_start():
    rollouts = roll_out(rotation(fast=1.5), TRUTH.starts, 0.1, TRUTH.steps, TRUTH.bound)
    columns = shown_columns(rollouts, TRUTH, 0.1, count=51)
    times = 0.4 * torch.arange(51, dtype=torch.float64)
    assert columns["shown_times"] == pytest.approx(times.tolist())
    assert columns["shown_first"] == pytest.approx((-(1.5 * times).cos()).tolist(), abs=1e-4)
    assert columns["shown_true_times"] == pytest.approx(TIMES.tolist())
    assert columns["shown_true_first"] == pytest.approx((-TIMES.cos()).tolist(), abs=1e-4)


def test_it_ends_where_the_rollout_does():
    states = torch.zeros(201, 2, 2, dtype=torch.float64)
    columns = shown_columns(Rollouts(states, torch.tensor([7, 200])), TRUTH, 0.1, count=51)
    assert columns["shown_times"] == pytest.approx([0.1 * step for step in range(8)])
    assert columns["shown_true_times"][-1] == 20


@pytest.mark.parametrize("asked", [0, 30])
def test_a_row_has_it_where_the_protocol_asks(asked):
    protocol = load_protocol("smoke").model_copy(update={"shown_rollout": asked})
    columns = judge(rotation(), SYSTEM, protocol)
    assert len(columns.get("shown_first", [])) == asked
