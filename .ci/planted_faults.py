"""python .ci/planted_faults.py: does the nightly gate find what it must, and keep quiet else?

In a scratch clone of HEAD: so many nights of the same code (A/A), each of which must exit with 0; then one night with
the faults committed on top, which must exit with 1 and name each of them. No fault touches what another is named by.
A night takes as long as a night takes: a quiet machine, and patience. A series that was stopped goes on where it was.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Fault:
    """Code at the end of a file, or a replacement in it, and what the night must name."""

    file: str
    named: str
    appended: str = ""
    replaced: tuple[str, str] | None = None

    def plant(self, clone: Path) -> None:
        path = clone / self.file
        text = path.read_text()
        if self.replaced:
            assert text.count(self.replaced[0]) == 1, f"{self.file} does not hold once: {self.replaced[0]}"
            text = text.replace(*self.replaced)
        path.write_text(text + self.appended)


FAULTS = {
    "20 % slower discrete": Fault(
        "models/gradients/discrete.py",
        "OfEveryMode.track_time('discrete'",
        """

def slowed(method):
    from time import perf_counter

    def longer(self, *arguments):
        start = perf_counter()
        result = method(self, *arguments)
        end = start + 1.2 * (perf_counter() - start)
        while perf_counter() < end:
            pass
        return result

    return longer


Discrete.rollout, Discrete.pull = slowed(Discrete.rollout), slowed(Discrete.pull)
""",
    ),
    "20 % more memory in backprop": Fault(
        "models/gradients/backprop.py",
        "OfEveryMode.track_peak_bytes('backprop'",
        replaced=(
            "        return unroll(integrator, field_of_owner(model), y0, h, steps, every)\n",
            "        states = unroll(integrator, field_of_owner(model), y0, h, steps, every)\n"
            "        extra = y0.new_zeros(steps, len(y0), 50)  # a fifth of what a step stores\n"
            "        states.register_hook(lambda gradient: gradient + 0 * extra.sum())\n"
            "        return states\n",
        ),
    ),
    "a sign error in continuous": Fault(
        "models/gradients/continuous.py",
        "OfEveryMode.track_gradient_error('continuous'",
        """

def wrong_sign(adjoint_field):
    import torch

    def field_of(self, model):
        field = adjoint_field(self, model)

        def wrong(pair):
            slope, pulled = field(pair).chunk(2, dim=-1)
            return torch.cat((slope, -pulled), dim=-1)

        return wrong

    return field_of


Continuous.adjoint_field = wrong_sign(Continuous.adjoint_field)
""",
    ),
    "20 % worse H error": Fault(
        "bench/judges/errors.py",
        "grid.h_mae_ru(henon_heiles, weak_form",  # by no gradient mode
        replaced=('"h_mae": float((raw', '"h_mae": 1.2 * float((raw'),
    ),
}


def main(
    scratch: Annotated[Path, typer.Argument(help="Folder for clone and history: new, or of a stopped series.")],
    nights: Annotated[int, typer.Option(min=1, help="Of the same code.")] = 10,
    fault: Annotated[list[str] | None, typer.Option(help=f"Only this one of: {'; '.join(FAULTS)}.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="As of bench.nightly: only these, no grid.")] = None,
) -> None:
    """Exit with 0 if every fault is found and named and no night of the same code alarms, else with 1."""
    clone, history = scratch.resolve() / "clone", scratch.resolve() / "history"
    if not clone.exists():
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    options = [argument for pattern in only or () for argument in ("--only", pattern)]
    before = sorted((history / "nights").glob("*.json"))
    if any(alarms_of(path) for path in before):
        raise typer.BadParameter("a night in there alarmed, so there is nothing to go on with: take a new folder")
    print(f"{head(clone)}; {len(before)} nights before, no alarm", flush=True)
    passed = True
    for number in range(len(before) + 1, nights + 1):
        commit(clone, f"night {number}: nothing changed")
        code, alarms = night(clone, history, options, f"night {number} of the same code")
        passed &= shown("exit code 0 and no alarm", code == 0 and not alarms)
    planted = [FAULTS[name] for name in fault or FAULTS]
    for each in planted:
        each.plant(clone)
    commit(clone, "planted faults")
    code, alarms = night(clone, history, options, "night of the planted faults")
    passed &= shown("exit code 1", code == 1)
    for each in planted:
        passed &= shown(f"names {each.named}", any(each.named in alarm for alarm in alarms))
    raise typer.Exit(0 if passed else 1)


def head(clone: Path) -> str:
    """Commit and subject of the clone."""
    command = ["git", "-C", str(clone), "log", "-1", "--format=%h %s"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(clone: Path, message: str) -> None:
    author = ("-c", "user.name=planted", "-c", "user.email=planted@localhost")
    subprocess.run(["git", "-C", str(clone), *author, "commit", "-qam", message, "--allow-empty"], check=True)


def night(clone: Path, history: Path, options: list[str], what: str) -> tuple[int, list[str]]:
    """Exit code of a night, and the benchmarks that it alarmed on; printed with its minutes."""
    start = time.monotonic()
    command = [sys.executable, "-m", "bench.nightly", "--history", str(history), *options]
    with history.with_suffix(".log").open("ab") as log:
        environment = os.environ | {"PYTHONPATH": str(clone)}
        done = subprocess.run(command, cwd=clone, env=environment, stdout=log, stderr=log, check=False)
    alarms = alarms_of(max((history / "nights").glob("*.json"), key=lambda path: path.stat().st_mtime))
    minutes = (time.monotonic() - start) / 60
    print(f"{what}: exit code {done.returncode}, {minutes:.1f} min, alarms: {alarms}", flush=True)
    return done.returncode, alarms


def alarms_of(night: Path) -> list[str]:
    verdicts = json.loads(night.read_text())["verdicts"]
    return [name for name, verdict in verdicts.items() if verdict["outcome"] in ("worse", "failed", "vanished")]


def shown(what: str, right: bool) -> bool:
    print(f"  {'ok   ' if right else 'WRONG'} {what}", flush=True)
    return right


if __name__ == "__main__":
    typer.run(main)
