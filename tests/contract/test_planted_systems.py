"""A system that does not keep a promise is named by the contract test, as soon as its file is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOUND = """
import torch

from systems.base import Card, System, cube, register


@register
class Oscillator(System):
    dof = 2
    separable = True
    box = cube(1.0, 4)
    card = Card("H = |y|^2/2", ("frequency 1",), source="nobody")

    def hamiltonian(self, y):
        return y.square().sum(-1) / 2

    def field(self, y):
        q, p = y.chunk(2, dim=-1)
        return torch.cat((p, -q), dim=-1)

    def exact(self, y0, t):
        angle = t.reshape(-1, *[1] * y0.ndim)
        return y0 + (angle.cos() - 1) * y0 + angle.sin() * self.field(y0)

    def invariants(self, y):
        q, p = y.chunk(2, dim=-1)
        return {"angular momentum": q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]}
"""
FAULTS = {  # what stands in the file, what is put in its place, and the promises that it breaks
    "sound": ("", "", set()),
    "backwards": ("(p, -q)", "(-p, q)", {"field_is_j_grad_h"}),
    "exchanged": (
        "(p, -q)",
        "(p.flip(-1), -q)",
        {
            "field_is_j_grad_h",
            "exact_solution_satisfies_the_equation",
            "invariants_are_conserved_by_the_field_and_are_not_constants",
        },
    ),
    "inseparable": ("True", "False", {"separable_means_no_mixed_second_derivative"}),
    "fast": ("angle.sin()", "(2 * angle).sin()", {"exact_solution_satisfies_the_equation"}),
    "sum": ("p[..., 1] -", "p[..., 1] +", {"invariants_are_conserved_by_the_field_and_are_not_constants"}),
    "silent": ('("frequency 1",)', "()", {"card_states_formula_facts_and_source"}),
}
PLANTING = """
def pytest_sessionstart():
    import systems

    systems.__path__.append({folder!r})
"""


def test_broken_promises_are_named_and_no_others(tmp_path: Path):
    """Nor has any of the files a test of its facts, which is a promise as well."""
    folder = tmp_path / "systems"
    folder.mkdir()
    for name, (good, bad, _) in FAULTS.items():
        (folder / f"planted_{name}.py").write_text(SOUND.replace(good, bad) if good else SOUND)
    (tmp_path / "planting.py").write_text(PLANTING.format(folder=str(folder)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/contract/test_every_system.py", "-k", "planted_", "-q", "-rf",
         "-p", "planting", "-p", "no:cacheprovider"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}, capture_output=True, text=True,
    )  # fmt: skip
    named = set(re.findall(r"^FAILED .*::test_(\w+)\[.*planted_(\w+)\]", done.stdout, re.MULTILINE))
    facts = {("the_facts_of_the_card_have_a_test", name) for name in FAULTS}
    assert named == facts | {(broken, name) for name, (_, _, all_broken) in FAULTS.items() for broken in all_broken}
