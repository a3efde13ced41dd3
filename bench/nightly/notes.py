"""What a reader of a night must know besides its figures."""

from collections.abc import Sequence
from difflib import get_close_matches

from bench.nightly.commit import Repository
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


def after_judging(verdicts: dict[str, Verdict]) -> list[str]:
    """Benchmarks that may have been renamed, and those that are too noisy to be judged."""
    new = [name for name, verdict in verdicts.items() if verdict.outcome is Outcome.NEW]
    notes = []
    for name in (name for name, verdict in verdicts.items() if verdict.outcome is Outcome.VANISHED):
        alike = get_close_matches(name, new, n=1)
        cause = f"renamed to {alike[0]}? " if alike else ""
        notes.append(f"{name} vanished: {cause}If that is meant, run with --accept '{name}'.")
    blind = [name for name, verdict in verdicts.items() if (verdict.threshold or 0) > DETECTABLE]
    if blind:
        notes.append(f"Too noisy to show a change of {DETECTABLE:.0%}: {', '.join(sorted(blind))}.")
    return notes
