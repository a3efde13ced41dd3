"""What a reader of a night must know besides its figures."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from bench.nightly.commit import Repository
from bench.nightly.figures import depends_on_machine
from bench.nightly.history import Night
from bench.nightly.verdict import Outcome, Verdict

DETECTABLE = 0.20  # a benchmark of a higher threshold would not notice this change


def before_measuring(night: Night, earlier: Sequence[Night], repository: Repository) -> list[str]:
    """No history, another machine or environment, commits that are gone."""
    if not earlier:
        return ["No history yet: this is the first night, and nothing is compared."]
    notes, last = [], earlier[-1]
    if not any(past.machine == night.machine for past in earlier):
        known = ", ".join(sorted({past.machine for past in earlier}))
        notes.append(f"Another machine: no night on {night.machine} yet ({known}), so times are not compared.")
    changed = [
        f"{name} {last.packages.get(name, 'none')} -> {night.packages.get(name, 'none')}"
        for name in sorted({*last.packages, *night.packages})
        if last.packages.get(name) != night.packages.get(name)
    ]
    if changed:
        notes.append(f"Another environment than in the last night: {', '.join(changed)}.")
    gone = [past.commit[:12] for past in earlier if not repository.leads_to_head(past.commit)]
    if gone:
        notes.append(
            f"Rebased: HEAD does not descend from {', '.join(dict.fromkeys(gone))}; these nights are still compared "
            "with, but are not on asv's site."
        )
    return notes


def annotated(night: Night, *known: str) -> Night:
    """The night with its caveat and notes: what is known already, and what its verdicts say."""
    return replace(night, caveat=caveat(night.verdicts), notes=(*known, *after_judging(night.verdicts)))


def after_judging(verdicts: dict[str, Verdict]) -> list[str]:
    """Benchmarks that may have been renamed, and those that are too noisy to be judged."""
    new = [name for name, verdict in verdicts.items() if verdict.outcome is Outcome.NEW]
    notes = []
    for name in (name for name, verdict in verdicts.items() if verdict.outcome is Outcome.VANISHED):
        alike = get_close_matches(name, new, n=1)
        cause = f"renamed to {alike[0]}? " if alike else ""
        notes.append(f"{name} vanished: {cause}If that is meant, run with --accept '{name}'.")
    if blind := too_noisy(verdicts):
        notes.append(f"Too noisy to show a change of {DETECTABLE:.0%}: {', '.join(sorted(blind))}.")
    return notes


def too_noisy(verdicts: dict[str, Verdict]) -> set[str]:
    return {name for name, verdict in verdicts.items() if (verdict.threshold or 0) > DETECTABLE}


def caveat(verdicts: dict[str, Verdict]) -> str:
    """Empty, unless nothing that was compared with the nights before could have shown that the code got slower."""
    compared = {name for name, verdict in verdicts.items() if verdict.threshold is not None}
    times = {name for name in compared if depends_on_machine(name)}
    if not times or times - too_noisy(verdicts):
        return ""
    return f"Blind to slowdowns of {DETECTABLE:.0%}: all {len(times)} benchmarks of time are too noisy."
