"""What profile rows say about a claim: memory, time, exactness and iterations of one training iteration."""

import numpy as np
import pandas as pd
from scipy import stats

from reports import rows as select
from reports.exhibit import ids, prose
from reports.frames import column, keep, positive, where
from reports.material import Material
from reports.numerals import brief, plain
from reports.scaling_points import EXACT_BELOW, Scaling, exponent_text, sweeps
from reports.statistics import CONFIDENCE
from reports.verdicts import Evidence, Part, conclude

_RESAMPLES = 2000
_RATIO = f"ratio of medians over repeats, 95 % percentile bootstrap ({_RESAMPLES} resamples)"
_ROUNDING = 10.0  # times the error of backpropagation in the same floating-point type
_Ratio = tuple[float, float, float]  # low end, value and high end


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
    parts = []
    for scaling in _having(material, mode, than):
        if not (common := _common(scaling, mode, than)):
            continue
        steps = common[0] if at == "shortest" else common[-1]
        low, ratio, high = _time_ratio(material, scaling, mode, than, steps)
        says = True if high < 1 else False if low > 1 else None
        finding = f"{_name(scaling)}, N = {steps}: {plain(ratio)} ({plain(low)} to {plain(high)}) of the time"
        parts.append(Part(says, finding, _cells(scaling, (mode, than), [steps])))
    return conclude(parts, _RATIO)


def crossover(material: Material, mode: str, than: str) -> Evidence:
    """A length N*, in every setting and so on every device: below it a mode takes less time, above it more."""
    parts = []
    for scaling in _having(material, mode, than):
        common = _common(scaling, mode, than)
        if len(common) < 2:
            continue
        ratios = {steps: _time_ratio(material, scaling, mode, than, steps) for steps in common}
        (low, _, high), (last_low, _, last_high) = ratios[common[0]], ratios[common[-1]]
        says = True if high < 1 < last_low else False if low > 1 or last_high < 1 else None
        finding = f"{_name(scaling)} ({scaling.setting['device']}): {_crossing(ratios)}"
        parts.append(Part(says, finding, _cells(scaling, (mode, than), common)))
    return conclude(parts, f"below 1 at the shortest common N and above 1 at the longest: {_RATIO}")


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


def few_iterations(material: Material, start_guess: str, most: float) -> Evidence:
    """Mean iterations of an implicit solve from this guess until only rounding changes, at every N and setting.

    What takes longer to settle may have sufficed before, which these rows do not tell.
    """
    parts = []
    for scaling in material.measured:
        own = positive(scaling.points, "solver_iterations")
        if scaling.setting["start_guess"] == start_guess and len(own):
            needed = column(own, "solver_iterations").max()
            parts.append(Part(needed <= most or None, f"{_name(scaling)}: at most {plain(needed)}", ids(own)))
    return conclude(
        parts,
        f"mean iterations of a solve to rounding error, largest over all N, at most {most:g}; more is left open",
    )


def _having(material: Material, *modes: str) -> list[Scaling]:
    return [scaling for scaling in sweeps(material.measured) if set(modes) <= set(scaling.modes)]


def _name(scaling: Scaling) -> str:
    return ", ".join(filter(None, (prose(scaling.system), prose(scaling.distinction))))


def _common(scaling: Scaling, mode: str, than: str) -> list[int]:
    return sorted(set(scaling.of_mode(mode)["seq_len"]) & set(scaling.of_mode(than)["seq_len"]))


def _cells(scaling: Scaling, modes: tuple[str, ...], lengths: list[int]) -> tuple[str, ...]:
    points = scaling.points
    return ids(keep(points, points["gradient_mode"].isin(list(modes)) & points["seq_len"].isin(lengths)))


def _crossing(ratios: dict[int, _Ratio]) -> str:
    """N* between the last length that is faster and the first that is slower; else the ratio at both ends."""
    faster = [steps for steps, (_, _, high) in ratios.items() if high < 1]
    slower = [steps for steps, (low, _, _) in ratios.items() if low > 1]
    if faster and slower and max(faster) < min(slower):
        return f"N* between {max(faster)} and {min(slower)}"
    ends = [(steps, plain(ratios[steps][1])) for steps in (min(ratios), max(ratios))]
    return " and ".join(f"{ratio} of the time at N = {steps}" for steps, ratio in ends)


def _time_ratio(material: Material, scaling: Scaling, mode: str, than: str, steps: int) -> _Ratio:
    own, other = (_samples(material.profiles, _cells(scaling, (name,), [steps])) for name in (mode, than))
    return _ratio_of_medians(own, other)


def _samples(profiles: pd.DataFrame, cells: tuple[str, ...]) -> np.ndarray:
    rows = keep(profiles, profiles["cell_id"].isin(cells))
    return np.concatenate([select.numbers(samples) for samples in rows["iteration_samples_s"]])


def _ratio_of_medians(own: np.ndarray, other: np.ndarray) -> _Ratio:
    """NaN where there are no repeats."""
    if min(own.size, other.size) < 2:
        return np.nan, np.nan, np.nan
    found = stats.bootstrap(
        (own, other), lambda a, b, axis: np.median(a, axis=axis) / np.median(b, axis=axis), vectorized=True,
        n_resamples=_RESAMPLES, method="percentile", confidence_level=CONFIDENCE, rng=np.random.default_rng(0),
    )  # fmt: skip
    interval = found.confidence_interval
    return float(interval.low), float(np.median(own) / np.median(other)), float(interval.high)
