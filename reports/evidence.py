"""What the rows say about a claim: small functions of the rows, each with its statistics. claims.toml names them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from scipy import stats

from bench.schema import TEST_SETS
from reports import energy
from reports import rows as select
from reports.exhibit import ids, prose
from reports.frames import column, groups, is_null, keep, mean, narrow, positive, where
from reports.leaderboard import largest
from reports.material import Material
from reports.numerals import brief, plain
from reports.scaling_points import EXACT_BELOW, Scaling, exponent_text, sweeps
from reports.significance import METHOD, Comparison, compare, holm, sign
from reports.statistics import CONFIDENCE, mean_interval

LONG = 1000.0  # time up to which an energy has to be followed
BOUNDED = 0.1  # growth exponent up to which it counts as kept
_NEEDED = [*select.LINED, "protocol", "status", "validation_loss", "rollout_error", "energy_times",
           "energy_error_curve", *(f"h_mae_{name}" for name in TEST_SETS)]  # fmt: skip
_RESAMPLES = 2000
_ROUNDING = 10.0  # times the error of backpropagation in the same floating-point type


class Verdict(StrEnum):
    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "not enough seeds to say"
    UNTESTED = "not tested"


@dataclass(frozen=True)
class Evidence:
    """A verdict, the numbers that it rests on in a sentence, the statistics, and the ids of the cells."""

    verdict: Verdict
    finding: str
    method: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What one system or setting says: for (True), against (False), or neither (None)."""

    says: bool | None
    finding: str
    cells: tuple[str, ...]


def conclude(parts: Iterable[Part], method: str) -> Evidence:
    """A claim holds if all parts say so, and does not if any says that it does not."""
    known = list(parts)
    if not known:
        return Evidence(Verdict.UNTESTED, "no cell of this store tests it", method)
    said = {part.says for part in known}
    verdict = Verdict.FAILS if False in said else Verdict.OPEN if None in said else Verdict.HOLDS
    cells = tuple(sorted({cell for part in known for cell in part.cells}))
    return Evidence(verdict, "; ".join(dict.fromkeys(part.finding for part in known)), method, cells)


def memory_exponent(material: Material, mode: str, least: float, most: float) -> Evidence:
    """k of memory ~ N^k, its interval within [least, most] in every setting.

    Where growth is claimed (least > 0) it is that of a + b N^k if memory is bent: what is held at every length hides
    none of it. What is claimed to be constant is judged whole.
    """
    parts = []
    for scaling in _having(material, mode):
        bent = scaling.bent(mode, "peak_mib") if least > 0 else None
        fit = bent.exponent if bent else scaling.exponent(mode, "peak_mib")
        if fit is None:
            continue
        inside, outside = least <= fit.low and fit.high <= most, fit.high < least or fit.low > most
        says = True if inside else False if outside else None
        above = f" above {plain(bent.constant)} MiB" if bent else ""
        points = scaling.of_mode(mode) if bent else scaling.fitted(mode, "peak_mib")
        parts.append(Part(says, f"{_name(scaling)}: k = {exponent_text(fit)}{above}", ids(points)))
    return conclude(
        parts,
        f"exponent of b N^k by least squares in log-log{', or of a + b N^k where bent beyond chance' * (least > 0)}; "
        f"its 95 % interval within {least:g} to {most:g}",
    )


def faster(material: Material, mode: str, than: str, at: str) -> Evidence:
    """Median time of an iteration at the shortest or longest common N, in every setting."""
    profiles = select.newest_of_each_cell(select.ok(material.profiles))[0]
    parts = []
    for scaling in _having(material, mode, than):
        common = sorted(set(scaling.of_mode(mode)["seq_len"]) & set(scaling.of_mode(than)["seq_len"]))
        if not common:
            continue
        steps = common[0] if at == "shortest" else common[-1]
        points = [where(scaling.of_mode(name), seq_len=steps) for name in (mode, than)]
        cells = [ids(point) for point in points]
        low, ratio, high = _ratio_of_medians(*(_samples(profiles, own) for own in cells))
        says = True if high < 1 else False if low > 1 else None
        finding = f"{_name(scaling)}, N = {steps}: {plain(ratio)} ({plain(low)} to {plain(high)}) of the time"
        parts.append(Part(says, finding, (*cells[0], *cells[1])))
    return conclude(parts, f"ratio of medians over repeats, 95 % percentile bootstrap ({_RESAMPLES} resamples)")


def exact_gradient(material: Material, mode: str) -> Evidence:
    """The relative error of the gradient at every N and setting, against that of backpropagation's own rounding."""
    parts = []
    for scaling in material.measured:
        own = positive(scaling.of_mode(mode), "gradient_rel_error")
        if own.empty:
            continue
        rounding = where(scaling.points, gradient_mode="backprop").set_index("seq_len")["gradient_rel_error"]
        allowed = (_ROUNDING * rounding.reindex(own["seq_len"])).fillna(0).clip(lower=scaling.exact_below).to_numpy()
        errors = column(own, "gradient_rel_error")
        finding = f"{_name(scaling)}: at most {errors.max():.1e}"
        parts.append(Part(bool((errors.to_numpy() <= allowed).all()), finding, ids(own)))
    limits = " and ".join(f"{brief(limit)} in {kind}" for kind, limit in EXACT_BELOW.items())
    return conclude(
        parts,
        f"largest relative error over all N; exact below {limits}, or {_ROUNDING:g} times that of backprop itself",
    )


def lower_error(
    material: Material, model: str, than: str, test_set: str, protocol: str, systems: tuple[str, ...] = ()
) -> Evidence:
    """The error of H of one model below another's, on every system, each by its line of least validation loss."""
    rows = _ok_rows(material, protocol, systems)
    return _paired(rows, f"h_mae_{test_set}", {"model": model}, {"model": than})


def smaller_energy_error(material: Material, model: str, than: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The same of the largest change of energy along rollouts to LONG at least."""
    rows = _long(_ok_rows(material, None, systems))
    rows = rows.assign(energy_error=[largest(curve) for curve in rows["energy_error_curve"]])
    return _paired(rows, "energy_error", {"model": model}, {"model": than})


def mode_no_worse(material: Material, model: str, mode: str, than: str, margin: float) -> Evidence:
    """The rollout error of a model trained by one gradient mode at most `margin` times that by another."""
    rows = where(_ok_rows(material, None, ()), model=model)
    return _paired(rows, "rollout_error", {"gradient_mode": mode}, {"gradient_mode": than}, margin)


def bounded_energy(material: Material, model: str, systems: tuple[str, ...] = ()) -> Evidence:
    """The growth exponent of the energy error to LONG at least, at most BOUNDED on every system."""
    rows = _long(where(_ok_rows(material, None, systems), model=model))
    parts = []
    for (system, line), own in groups(rows, ["system", "line"]):
        curves = [curve for _, curve in groups(energy.curves(own), ["seed"])]
        found = mean_interval(energy.growth(curve) for curve in curves)
        says = True if found.high <= BOUNDED else False if found.low > BOUNDED else None
        half = "" if np.isnan(found.high) else f" ± {found.high - found.mean:.2f}"
        finding = f"{prose(system)}, {line}: exponent {found.mean:.2f}{half} ({found.count} seeds)"
        parts.append(Part(says, finding, tuple(own["cell_id"])))
    return conclude(parts, f"growth exponent of the energy error over seeds, its 95 % t-interval below {BOUNDED:g}")


TESTS: dict[str, Callable[..., Evidence]] = {
    test.__name__: test
    for test in (
        memory_exponent, faster, exact_gradient, lower_error, smaller_energy_error, mode_no_worse, bounded_energy,
    )
}  # fmt: skip


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
    return f"ratio {ratio} ({low} to {high}), p = {plain(p, 2)}, {comparison.pairs} seeds"


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
    """The rows whose energy was followed to LONG."""
    ends = [select.numbers(times) for times in rows["energy_times"]]
    return keep(rows, [times.size > 0 and times[-1] >= 0.99 * LONG for times in ends])


def _having(material: Material, *modes: str) -> list[Scaling]:
    return [scaling for scaling in sweeps(material.measured) if set(modes) <= set(scaling.modes)]


def _name(scaling: Scaling) -> str:
    return ", ".join(filter(None, (prose(scaling.system), prose(scaling.distinction))))


def _samples(profiles: pd.DataFrame, cells: tuple[str, ...]) -> np.ndarray:
    rows = keep(profiles, profiles["cell_id"].isin(cells))
    return np.concatenate([select.numbers(samples) for samples in rows["iteration_samples_s"]])


def _ratio_of_medians(own: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Low end, value and high end; NaN where there are no repeats."""
    if min(own.size, other.size) < 2:
        return np.nan, np.nan, np.nan
    found = stats.bootstrap(
        (own, other), lambda a, b, axis: np.median(a, axis=axis) / np.median(b, axis=axis), vectorized=True,
        n_resamples=_RESAMPLES, method="percentile", confidence_level=CONFIDENCE, rng=np.random.default_rng(0),
    )  # fmt: skip
    interval = found.confidence_interval
    return float(interval.low), float(np.median(own) / np.median(other)), float(interval.high)
