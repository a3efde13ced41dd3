"""Rollouts that cannot go on end alone, and at the right step."""

import pytest
import torch

from bench.judges import rolling
from bench.judges.rolling import roll_out
from models.nssnn import NSSNN
from models.true_h import TrueH
from systems.harmonic_oscillator import HarmonicOscillator
from systems.henon_heiles import HenonHeiles
from systems.integrators.implicit_midpoint import ImplicitMidpoint

pytestmark = pytest.mark.usefixtures("without_type_checks")

BOUNDED, ESCAPING = [0.1, 0.0, 0.0, 0.3], [0.0, 0.9, 0.0, 0.9]
HH = TrueH(HenonHeiles(), torch.Generator(), ImplicitMidpoint())


def test_an_orbit_that_blows_up_leaves_the_others_alone():
    """The cubic term takes it to infinity in finite time, where no implicit step has a solution."""
    starts = torch.tensor([BOUNDED, ESCAPING], dtype=torch.float64)
    rollouts = roll_out(HH, starts, 0.1, 200, 1e6)
    assert rollouts.lasted[0] == 200
    assert 10 < rollouts.lasted[1] < 100
    assert rollouts.states[: rollouts.lasted[1] + 1, 1].isfinite().all()
    assert rollouts.states[rollouts.lasted[1] + 1 :, 1].isnan().all()
    alone = roll_out(HH, starts[:1], 0.1, 200, 1e6)
    torch.testing.assert_close(rollouts.states[:, :1], alone.states, rtol=0, atol=1e-12)


def test_a_narrower_bound_ends_it_earlier():
    starts = torch.tensor([ESCAPING], dtype=torch.float64)
    early, late = (int(roll_out(HH, starts, 0.1, 200, bound).lasted[0]) for bound in (2.0, 1e6))
    assert early < late
    states = roll_out(HH, starts, 0.1, 200, 2.0).states[:, 0]
    assert float(states[: early + 1].abs().max()) <= 2


def test_starts_beyond_the_bound_do_not_roll(monkeypatch):
    monkeypatch.setattr(HenonHeiles, "field", lambda *_: pytest.fail("nothing is left to roll"))
    rollouts = roll_out(HH, torch.full((2, 4), torch.nan, dtype=torch.float64), 0.1, 20, 1.0)
    assert rollouts.lasted.tolist() == [0, 0]


def test_blocks_change_nothing_for_a_model_that_resumes_and_are_none_for_another(monkeypatch):
    nssnn = NSSNN(HarmonicOscillator(), torch.Generator().manual_seed(0), hidden=(8,)).double()
    starts = torch.tensor([[0.3, 0.4]], dtype=torch.float64)
    for model, y in ((HH, torch.tensor([BOUNDED], dtype=torch.float64)), (nssnn, starts)):
        whole = roll_out(model, y, 0.1, 20, 100.0).states
        with monkeypatch.context() as patch:
            patch.setattr(rolling, "BLOCK", 7)
            torch.testing.assert_close(roll_out(model, y, 0.1, 20, 100.0).states, whole, rtol=0, atol=1e-13)
