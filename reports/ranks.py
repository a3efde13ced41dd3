"""Average ranks of models over system x seed, and the critical difference between two of them."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from bench.schema import TEST_SETS
from reports import rows as select
from reports import saving, theme
from reports.error_markdown import HEADINGS
from reports.exhibit import Chapter, Exhibit, ids, prose, stem
from reports.frames import distinct, groups, keep, narrow, otherwise, records
from reports.material import Material
from reports.numerals import plain
from reports.significance import LEVEL
from reports.tabular import Table

TITLE = "Average ranks"
FEWEST = {"models": 3, "systems": 2, "blocks": 10}  # below that nothing is said: Friedman's chi-square is far off
METHOD = (
    "A block is a system and a seed with an error of every model; within it models are ranked by mean "
    "|H_pred - H_true|, 1 the least, ties shared. Friedman's test asks whether all ranks could be equal; two models "
    "differ if their average ranks are further apart than Nemenyi's critical difference "
    f"CD = q sqrt(k (k + 1) / (6 n)) of k models and n blocks, q from the studentised range at level {LEVEL:.2g} "
    "(Demsar, JMLR 7 (2006) 1). Blocks of one system are not independent: such a difference says what new seeds "
    "would show, not new systems. On each system a model is represented by its line (size, recipe, gradient mode) of "
    "least validation loss there, which no test set has a part in: as one would choose who has a system to learn."
)
_NEEDED = [*select.LINED, "status", "validation_loss", *(f"h_mae_{name}" for name in TEST_SETS)]


@dataclass(frozen=True)
class Ranking:
    """Average ranks on one test set, the least first, over `blocks`; without p and difference if these are few.

    `unranked` has the number of systems with an error of each model that has them on fewer than the ranked ones.
    """

    test_set: str
    ranks: pd.Series  # by model
    blocks: int
    systems: int
    p: float
    critical_difference: float
    cells: tuple[str, ...]
    unranked: dict[str, int]

    @property
    def enough(self) -> bool:
        return not math.isnan(self.p)


def chapter(material: Material, out: Path) -> Chapter:
    """Writes ranks.md, .tex, .csv and a figure for each protocol with trained models; several stand in the names."""
    exhibits, missing = [], []
    for name, lined in material.simulated.items():
        rows = leading(narrow(lined, _NEEDED))
        found = [ranking(rows, test_set) for test_set in TEST_SETS]
        if any(one.enough for one in found):
            suffix = name if len(material.simulated) > 1 else ""
            exhibits.append(_exhibit(found, chosen_lines(rows), name, out, suffix))
        else:
            missing.append(
                f"protocol {name}, {_shortage(found[0])}: not enough data sets to say which model ranks first"
            )
    if not material.simulated:
        missing.append("no train rows: models are not ranked")
    return Chapter(TITLE, tuple(exhibits), tuple(missing))


def leading(lined: pd.DataFrame) -> pd.DataFrame:
    """The ok rows of each trained model's line of least validation loss on each system."""
    rows = otherwise(select.ok(lined), "model", *select.REFERENCES)
    chosen = {key: select.leading_line(own) for key, own in groups(rows, ["system", "model"])}
    keys = zip(rows["system"], rows["model"], strict=True)
    return keep(rows, [line == chosen[key] for key, line in zip(keys, rows["line"], strict=True)])


def chosen_lines(rows: pd.DataFrame) -> list[str]:
    """A sentence for each model that another line stands for on another system."""
    sentences = []
    for (model,), own in groups(rows, ["model"]):
        systems = {line: select.systems(of_line) for (line,), of_line in groups(own, ["line"])}
        if len(systems) > 1:
            told = "; ".join(f"{line} on {', '.join(map(prose, names))}" for line, names in systems.items())
            sentences.append(f"{model} is represented by {told}.")
    return sentences


def ranking(rows: pd.DataFrame, test_set: str) -> Ranking:
    """Ranks of the models that have errors on as many systems as any, over the blocks that all of them have."""
    metric = f"h_mae_{test_set}"
    errors = rows.dropna(subset=[metric]).pivot_table(index=["system", "seed"], columns="model", values=metric)
    reach = errors.notna().groupby(level="system").any().sum() if errors.size else pd.Series(dtype=int)
    reach = reach.reindex(sorted(distinct(rows, "model")), fill_value=0)  # of some no error is known on any system
    complete = errors[[str(model) for model in reach.index[(reach > 0) & (reach == reach.max())]]].dropna()
    ranks = complete.rank(axis=1).mean().sort_values(kind="stable")
    count, (blocks, models) = complete.index.unique("system").size, complete.shape
    p, difference = math.nan, math.nan
    if models >= FEWEST["models"] and count >= FEWEST["systems"] and blocks >= FEWEST["blocks"]:
        values = complete.to_numpy()
        tied = bool((values == values[:, :1]).all())  # everywhere: the statistic is 0 / 0
        p = 1.0 if tied else float(stats.friedmanchisquare(*values.T).pvalue)
        difference = critical_difference(models, blocks)
    common = set(complete.index)
    cells = [
        row["cell_id"]
        for row in records(narrow(rows, ["system", "seed", "model", "cell_id"]))
        if row["model"] in complete and (row["system"], row["seed"]) in common
    ]
    unranked = {str(model): int(own) for model, own in reach.items() if model not in complete}
    return Ranking(test_set, ranks, blocks, count, p, difference, tuple(sorted(cells)), unranked)


def critical_difference(models: int, blocks: int) -> float:
    """Nemenyi's, between two of so many average ranks."""
    q: Any = stats.studentized_range.ppf(1 - LEVEL, models, np.inf)
    return float(q) / math.sqrt(2) * math.sqrt(models * (models + 1) / (6 * blocks))


def draw(found: list[Ranking]) -> Figure:
    """A panel a test set: models by rank, and bars over those that the critical difference does not tell apart."""
    most = max(len(one.ranks) for one in found)
    with theme.style():
        figure, axes = theme.panels(1, len(found), height=1.0 + 0.2 * most)
        for axis, one in zip(axes[0], found, strict=True):
            _draw_panel(axis, one)
            told = f"CD = {one.critical_difference:.2f}" if one.enough else "not enough to say"
            axis.set_title(f"{HEADINGS[one.test_set]}\nn = {one.blocks}, {told}")
        return figure


def alike(ranks: pd.Series, difference: float) -> list[tuple[int, int]]:
    """Places (first, last) of the longest runs of models, in order of rank, that are not told apart."""
    values = ranks.to_numpy()
    lasts = np.searchsorted(values, values + difference, "right") - 1
    runs = list(enumerate(lasts.tolist()))
    return [run for place, run in enumerate(runs) if run[1] > run[0] and (place == 0 or run[1] > runs[place - 1][1])]


def _draw_panel(axis: Axes, one: Ranking) -> None:
    places = np.arange(len(one.ranks))
    for place, (model, rank) in enumerate(one.ranks.items()):
        look = theme.model_look(str(model))
        axis.plot(rank, place, marker=look.marker, color=look.colour, linestyle="none", markersize=5, zorder=3)
    for number, (first, last) in enumerate(alike(one.ranks, one.critical_difference)):
        offset = 0.2 + 0.12 * (number % 3)
        axis.plot(
            one.ranks.iloc[[first, last]], [first - offset] * 2, color="0.3", linewidth=1.6, solid_capstyle="butt"
        )
    axis.set_yticks(places, [str(model) for model in one.ranks.index])
    axis.set_ylim(len(places) - 0.5, -0.9)
    axis.set_xlim(0.7, len(places) + 0.3)
    axis.set_xticks(range(1, len(places) + 1))
    axis.set_xlabel("average rank")


def _shortage(one: Ranking) -> str:
    return f"{len(one.ranks)} trained models on {one.systems} systems with {one.blocks} common blocks"


def _unranked_notes(found: list[Ranking]) -> list[str]:
    """A sentence for each model that is not ranked on some test set, and how far its errors reach."""
    sets: dict[tuple[str, int, int], list[str]] = {}
    for one in found:
        for model, reach in one.unranked.items():
            sets.setdefault((model, reach, one.systems), []).append(HEADINGS[one.test_set])
    return [
        f"{model} is not ranked ({', '.join(names)}): "
        + (f"it has errors on {reach} of the {systems} systems." if reach else "no error of H is known.")
        for (model, reach, systems), names in sets.items()
    ]


def _exhibit(found: list[Ranking], chosen: list[str], protocol: str, out: Path, suffix: str) -> Exhibit:
    name = stem("ranks", suffix)
    figure = draw(found)
    pictures = saving.save(figure, out, name)
    data = pd.DataFrame(
        [
            {"protocol": protocol, "test_set": one.test_set, "model": model, "rank": rank, "blocks": one.blocks,
             "systems": one.systems, "friedman_p": one.p, "critical_difference": one.critical_difference,
             "cell_ids": ";".join(one.cells)}
            for one in found for model, rank in one.ranks.items()
        ]
    )  # fmt: skip
    title = f"Average ranks, protocol {protocol}"
    caption = f"Models ranked under protocol {protocol}. {METHOD} Bars join models that are not told apart."
    notes = [
        f"{HEADINGS[one.test_set]}: {one.blocks} blocks on {one.systems} systems; "
        + (f"Friedman p = {plain(one.p, 2)}, critical difference {plain(one.critical_difference)}."
           if one.enough else "not enough data sets to say.")
        for one in found
    ] + _unranked_notes(found) + chosen  # fmt: skip
    models = list(dict.fromkeys(row["model"] for row in records(data)))
    ranks = [[model, *(plain(one.ranks.get(model)) for one in found)] for model in models]
    table = Table(title, caption, ("model", *(HEADINGS[one.test_set] for one in found)), ranks, notes=notes)
    texts = table.publish(out, name, data, ids(data))
    return replace(texts, files=(*pictures, *texts.files))
