"""Compilation: the same gradient, once a shape; eager with a line in the log where it cannot be had."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch._inductor import config as inductor

import systems
from models.fshnn import FSHNN
from models.gradients import step_adjoint
from models.gradients.compiled import Compiled
from models.gradients.discrete import Discrete
from systems.integrators.implicit_midpoint import ImplicitMidpoint

REPOSITORY = Path(__file__).parents[3]
NO_COMPILER = {"cpp.cxx": ("/nowhere/c++",), "force_disable_caches": True}

# In a process of its own: here every function of the suite carries a type check, which cannot be compiled.
COMPARE = """
import json, torch, systems
from models.fshnn import FSHNN
from models.gradients.discrete import Discrete
from models.gradients.reversible import Reversible
from systems.integrators.implicit_midpoint import ImplicitMidpoint

def gradients(mode, steps, h):
    model = FSHNN(systems.get("double_well")(), torch.Generator().manual_seed(0), ImplicitMidpoint()).double()
    y0 = 0.3 * torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y0.requires_grad_()
    mode.rollout(model, model.integrator, y0, h, steps, 1).square().sum().backward()
    return torch.cat([part.grad.flatten() for part in (y0, *model.parameters())]), model.evaluations

report = []
for steps, h in ((2, 0.1), (2, 0.05), (3, 0.1)):
    eager, evaluations = gradients(Discrete(), steps, h)
    for mode in (Discrete(compiled=True), Reversible(compiled=True)):
        found, counted = gradients(mode, steps, h)
        error = float((found - eager).norm() / eager.norm())
        report.append([type(mode).__name__, steps, error, counted - evaluations, mode.compile_s])
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def compared() -> list:
    done = subprocess.run([sys.executable, "-c", COMPARE], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_compiled_gradients_are_the_eager_ones(compared):
    assert all(error < 1e-12 for _, _, error, *_ in compared)


def test_compiled_evaluations_are_counted(compared):
    assert [counted for mode, *_, counted, _ in compared if mode == "Discrete"] == [0, 0, 0]


def test_each_shape_is_compiled_once_whatever_h_and_by_whom_it_is_asked(compared):
    (first, *again), others = compared[:4], compared[4:]
    assert first[-1] > 0.1
    assert [compile_s for *_, compile_s in again] == [0, 0, 0]
    assert [compile_s > 0.1 for *_, compile_s in others] == [True, False]  # blocks of three steps are another shape


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def untraceable(x: torch.Tensor) -> torch.Tensor:
    torch._dynamo.graph_break()
    return 2 * x


@pytest.mark.filterwarnings("ignore:dynamo_pgo force disabled")
@pytest.mark.parametrize(
    ("function", "settings", "reason"),
    [(doubled, NO_COMPILER, "No working C++ compiler"), (untraceable, {}, "graph_break")],
)
def test_what_cannot_be_compiled_runs_as_it_is_and_one_line_says_so(function, settings, reason, caplog):
    compiled = Compiled(function)
    with inductor.patch(settings), caplog.at_level(logging.WARNING):
        for _ in range(2):
            result, was_compiled = compiled(torch.ones(3))
            assert (result.tolist(), was_compiled) == ([2, 2, 2], False)
    (record,) = [record for record in caplog.records if record.name == "models.gradients.compiled"]
    assert record.getMessage().startswith(f"{function.__name__} is not compiled but runs as it is: ")
    assert reason in record.getMessage()
    assert "\n" not in record.getMessage()


@pytest.mark.filterwarnings("ignore:dynamo_pgo force disabled")
def test_a_mode_that_cannot_be_compiled_gives_its_gradient_and_no_time_of_compilation(monkeypatch):
    monkeypatch.setattr(step_adjoint, "compiled_pull_stages", Compiled(step_adjoint.pull_stages))
    model = FSHNN(systems.get("double_well")(), torch.Generator().manual_seed(0), ImplicitMidpoint())
    parts = []
    for mode in (Discrete(), Discrete(compiled=True)):
        before = model.evaluations
        with inductor.patch(NO_COMPILER):
            states = mode.rollout(model, ImplicitMidpoint(), torch.ones(3, 2), 0.1, 2)
            gradients = torch.autograd.grad(states.square().sum(), list(model.parameters()))
        parts.append((gradients, model.evaluations - before, mode.compile_s))
    torch.testing.assert_close(parts[0], parts[1], rtol=0, atol=0)


def untraceable_in_threes(x: torch.Tensor) -> torch.Tensor:
    if x.shape[0] == 3:
        torch._dynamo.graph_break()
    return 2 * x


def test_what_cannot_be_compiled_for_some_shapes_may_be_for_others():
    compiled = Compiled(untraceable_in_threes)
    could = []
    for size in (3, 4, 3):
        result, was_compiled = compiled(torch.ones(size))
        assert result.tolist() == size * [2]
        could.append(was_compiled)
    assert could == [False, True, False]
    assert compiled.spent_s > 0
