"""The table of own data: what is said of a model whose rollouts escape."""

from math import nan

import pandas as pd

from reports.held_out_table import MEASURES, lines


def line(name: str, error: float, escapes: float) -> list[dict]:
    values = dict.fromkeys(MEASURES, 0.1) | {"rollout_error": error, "escape_share": escapes}
    return [
        {"line": name, "measure": measure, "mean": value, "low": value, "high": value, "seeds": 2}
        for measure, value in values.items()
    ]


def test_escapes_stand_beside_the_error_and_who_loses_all_learned_nothing():
    entries = pd.DataFrame(
        line("constant", 0.5, 0.0) + line("good", 0.1, 0.25) + line("bad", 0.6, 0.0) + line("lost", nan, 1.0)
    )
    assert list(MEASURES.values())[:2] == ["rollout error", "escapes"]
    cells = {name: [error, escapes] for name, error, escapes, *_ in lines(entries)}
    assert {name: "†" in error for name, (error, _) in cells.items()} == {
        "constant": False, "good": False, "bad": True, "lost": True
    }  # fmt: skip
    assert {name: escapes for name, (_, escapes) in cells.items()}["good"] == "(2.50 ± 0)e-1"
