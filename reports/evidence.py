"""What the rows say about a claim: small functions of the rows, each with its statistics. claims.toml names them."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.schema import TEST_SETS
from reports import energy
from reports import rows as select
from reports.cost_evidence import crossover, exact_gradient, faster, few_iterations, memory_exponent
from reports.exhibit import prose
from reports.frames import column, groups, is_null, keep, mean, narrow, where
from reports.leaderboard import largest_changes
from reports.material import Material
from reports.numerals import plain
from reports.significance import FEWEST, METHOD, Comparison, compare, holm, sign
from reports.statistics import Interval
from reports.verdicts import Evidence, Part, conclude

LONG = 1000.0  # time up to which an energy has to be followed
BOUNDED = 0.1  # growth exponent up to which it counts as kept
KEPT = 0.1  # its largest change in units of what the constant predictor is wrong by, up to which the same
SHARED = 0.5  # of the histogram of a section, from which on it counts as kept
_NEEDED = [
    *select.LINED, "protocol", "status", "validation_loss", "rollout_error", "energy_times", "energy_error_curve",
    "long_escape_share", "section_distance", *(f"h_mae_{name}" for name in TEST_SETS),
]  # fmt: skip


def lower_error(
    material: Material, model: str, than: str, test_set: str, protocol: str, systems: tuple[str, ...] = ()
) -> Evidence:
    """The error of H of one model below another's, on every system, each by its line of least validation loss."""
    rows = _ok_rows(material, protocol, systems)
    return _paired(rows, f"h_mae_{test_set}", {"model": model}, {"model": than})


def smaller_energy_error(material: Material, model: str, than: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The same of the largest change of energy along rollouts to LONG at least."""
    rows = _long(_ok_rows(material, None, systems))
    return _paired(rows.assign(energy_error=largest_changes(rows)), "energy_error", {"model": model}, {"model": than})


def smaller_section_error(material: Material, model: str, than: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The same of how far the surface of section is from the true one, mean over the protocol's energies."""
    rows = _with_sections(_ok_rows(material, None, systems))
    return _paired(rows, "section_error", {"model": model}, {"model": than})


def shorter_window(material: Material, model: str, steps: int, than: int, protocol: str) -> Evidence:
    """The rollout error of a model composed of windows of so many steps below that of one of longer windows."""
    rows = where(_ok_rows(material, protocol, ()), model=model)
    return _paired(rows, "rollout_error", {"seq_len": steps}, {"seq_len": than})


def mode_no_worse(material: Material, model: str, mode: str, than: str, margin: float) -> Evidence:
    """The rollout error of a model trained by one gradient mode at most `margin` times that by another."""
    rows = where(_ok_rows(material, None, ()), model=model)
    return _paired(rows, "rollout_error", {"gradient_mode": mode}, {"gradient_mode": than}, margin)


def bounded_energy(material: Material, model: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The energy error to LONG at least, by the line of least validation loss: that it neither grows nor is large."""
    parts = []
    for (protocol, system), here in groups(_ok_rows(material, None, systems), ["protocol", "system"]):
        own = _chosen(_long(where(here, model=model)))
        if len(own):
            name = f"{prose(system)}, {own['line'].iloc[0]} ({protocol})"
            parts.append(_energy_part(name, own, mean(where(here, model="constant"), "h_mae_ru")))
    return conclude(
        parts,
        f"95 % t-intervals over {FEWEST} seeds or more: that of the growth exponent of the energy error below "
        f"{BOUNDED:g}, that of its largest value below {KEPT:g} of the constant predictor's error of H (RU); both "
        "infinite if more than half of the rollouts of a seed escape",
    )


def kept_section(material: Material, model: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The share of the true section's histogram that is found again, mean over the protocol's energies."""
    parts = []
    for (protocol, system), here in groups(_with_sections(_ok_rows(material, None, systems)), ["protocol", "system"]):
        own = _chosen(where(here, model=model))
        if len(own):
            error = energy.over_seeds(column(own, "section_error").tolist())
            name = f"{prose(system)}, {own['line'].iloc[0]} ({protocol})"
            finding = f"{name}: distance {_with_half(error)}, {error.count} seeds"
            parts.append(Part(_below(error, 1 - SHARED), finding, tuple(own["cell_id"])))
    return conclude(
        parts, f"distance of the histograms over {FEWEST} seeds or more, its 95 % t-interval below {1 - SHARED:g}"
    )


TESTS: dict[str, Callable[..., Evidence]] = {
    test.__name__: test
    for test in (
        memory_exponent, faster, crossover, exact_gradient, few_iterations, lower_error, smaller_energy_error,
        smaller_section_error, shorter_window, mode_no_worse, bounded_energy, kept_section,
    )
}  # fmt: skip


def _energy_part(name: str, rows: pd.DataFrame, scale: float) -> Part:
    largest = energy.over_seeds([value / scale for value in largest_changes(rows)])
    exponents = energy.over_seeds([
        energy.growth(select.numbers(time), select.numbers(error))
        for time, error in zip(rows["energy_times"], rows["energy_error_curve"], strict=True)
    ])  # fmt: skip
    said = {_below(exponents, BOUNDED), _below(largest, KEPT)}
    size = f"largest change {_with_half(largest)} of the constant's error"
    if math.isnan(scale):
        size = "no constant predictor to measure the change by"
    escaped = f"{plain(100 * mean(rows, 'long_escape_share'), 2)} % escape"
    finding = f"{name}: exponent {energy.interval_text(exponents)}, {size}, {escaped}, {len(rows)} seeds"
    return Part(False if False in said else None if None in said else True, finding, tuple(rows["cell_id"]))


def _below(found: Interval, limit: float) -> bool | None:
    if found.count < FEWEST or math.isnan(found.mean):
        return None
    if math.isinf(found.mean):
        return False
    return True if found.high <= limit else False if found.low > limit else None


def _with_half(found: Interval) -> str:
    half = "" if math.isnan(found.high) else f" ± {plain(found.high - found.mean, 2)}"
    return plain(found.mean, 2) + half


def _paired(rows: pd.DataFrame, metric: str, own: dict, other: dict, margin: float = 1.0) -> Evidence:
    found: list[tuple[str, Comparison, tuple[str, ...]]] = []
    for (protocol, system), here in groups(rows.dropna(subset=[metric]), ["protocol", "system"]):
        sides = [_chosen(where(here, **side)) for side in (own, other)]
        if all(len(side) for side in sides):
            values = [{row_seed: value for row_seed, value in zip(s["seed"], s[metric], strict=True)} for s in sides]
            values[1] = {seed: margin * value for seed, value in values[1].items()}
            name = f"{prose(system)}, {sides[0]['line'].iloc[0]} / {sides[1]['line'].iloc[0]} ({protocol})"
            found.append((name, compare(*values), tuple(cell for side in sides for cell in side["cell_id"])))
    adjusted = holm([comparison.p for _, comparison, _ in found])
    parts = [
        Part({"−": True, "+": False}.get(sign(comparison, p)), f"{name}: {_told(comparison, margin, p)}", cells)
        for (name, comparison, cells), p in zip(found, adjusted, strict=True)
    ]
    return conclude(parts, METHOD)


def _told(comparison: Comparison, margin: float, p: float) -> str:
    if not comparison.enough:
        return f"{comparison.pairs} common seeds"
    low, ratio, high = (plain(margin * value) for value in (comparison.low, comparison.ratio, comparison.high))
    interval = "infinite for one of a pair" if math.isnan(comparison.low) else f"{low} to {high}"
    return f"ratio {ratio} ({interval}), p = {plain(p, 2)}, {comparison.pairs} seeds"


def _chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the line with the least mean validation loss, which no test set has a part in."""
    losses = {line: mean(own, "validation_loss") for (line,), own in groups(rows, ["line"])}
    known = {line: np.inf if is_null(loss) else loss for line, loss in losses.items()}
    return where(rows, line=min(known, key=lambda line: (known[line], line))) if known else rows


def _ok_rows(material: Material, protocol: str | None, systems: tuple[str, ...]) -> pd.DataFrame:
    """Ok training rows with a column `line`, of one protocol or each, of these systems or all."""
    none = material.no_rows
    wanted = [material.lined.get(protocol, none)] if protocol else [*material.lined.values()]
    rows = select.ok(pd.concat([narrow(own, _NEEDED) for own in wanted or [none]]))
    return keep(rows, rows["system"].isin(list(systems))) if systems else rows


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose energy was followed to LONG, and those of which half had left long before."""
    ends = [select.numbers(times) for times in rows["energy_times"]]
    followed = np.array([times.size > 0 and times[-1] >= 0.99 * LONG for times in ends], dtype=bool)
    return keep(rows, followed | (rows["long_escape_share"].astype(float) > 0.5))


def _with_sections(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with sections, and of each the mean `section_error` over its energies."""
    rows = keep(rows, rows["section_distance"].notna())
    return rows.assign(section_error=[float(np.mean(select.numbers(each))) for each in rows["section_distance"]])
