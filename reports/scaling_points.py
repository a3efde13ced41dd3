"""Cost of one training iteration against N: the numbers behind Figure VIII, Pareto plots and recommendations."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from reports import rows as select
from reports import theme
from reports.exhibit import prose
from reports.frames import groups, is_null, median, positive, records, varies, where
from reports.numerals import ABSENT
from reports.statistics import Bent, Exponent, fit_above_constant, fit_exponent

SETTINGS = (
    "model",
    "integrator",
    "start_guess",
    "net",
    "batch_size",
    "step_size",
    "device",
    "dtype",
    "protocol",
    "recipe",
)
PHASES = ("forward", "backward", "optimizer")
MIB = 2.0**20
EXACT_BELOW = {"float32": 1e-5, "float64": 1e-10}  # relative gradient error that counts as exact
_MEDIANS = (
    "observations",
    "field_evals_forward",
    "field_evals_backward",
    "solver_iterations",
    "compile_s",
    "gradient_rel_error",
    "gradient_cosine",
)


@dataclass(frozen=True)
class Scaling:
    """Measurements of one system under one setting: nothing is averaged over systems or SETTINGS.

    `points` has one row a (gradient_mode, seq_len), as `_point` makes it, seeds pooled. `distinction` names what
    sets this setting apart from others of the same system in the store; empty where there are no others.
    """

    system: str
    setting: dict[str, Any]
    distinction: str
    points: pd.DataFrame

    @property
    def identity(self) -> dict[str, Any]:
        """The system and the setting."""
        return {"system": self.system, **self.setting}

    @property
    def title(self) -> str:
        unsaid = ("protocol", "recipe")
        parts = [in_words(name, value) for name, value in self.identity.items() if name not in unsaid]
        return ", ".join([*filter(None, parts), _repeats(list(self.points["repeats"]))])

    @property
    def modes(self) -> list[str]:
        return theme.in_mode_order(self.points["gradient_mode"])

    @property
    def lengths(self) -> list[int]:
        return sorted(int(steps) for steps in self.points["seq_len"].unique())

    @property
    def exact_below(self) -> float:
        """Gradient error up to which a mode counts as exact in this floating-point type."""
        return EXACT_BELOW.get(str(self.setting["dtype"]), EXACT_BELOW["float32"])

    def of_mode(self, mode: str) -> pd.DataFrame:
        """Its points, in order of N."""
        return where(self.points, gradient_mode=mode)

    def fitted(self, mode: str, column: str) -> pd.DataFrame:
        """The points of an exponent's fit: the upper half of the mode's lengths, five if it has five."""
        own = positive(self.of_mode(mode), column)
        return own.tail(max(math.ceil(len(own) / 2), min(5, len(own))))

    def exponent(self, mode: str, column: str) -> Exponent | None:
        """k of column ~ N^k for one mode over its `fitted` points; None below two lengths."""
        own = self.fitted(mode, column)
        return fit_exponent(own["seq_len"].astype(float), own[column])

    def bent(self, mode: str, column: str) -> Bent | None:
        """a and k of column ~ a + b N^k over all lengths of the mode; None where b N^k alone does as well."""
        own = positive(self.of_mode(mode), column)
        return fit_above_constant(own["seq_len"].astype(float), own[column])


def scalings(profiles: pd.DataFrame) -> list[Scaling]:
    """One for each system and setting among the ok rows of kind profile, in order of their names."""
    rows, _ = select.newest_of_each_cell(select.ok(profiles))
    modes = rows["gradient_mode"].fillna("none")
    compiled = rows["compiled"].fillna(False).astype(bool)
    rows = rows.assign(gradient_mode=modes.where(~compiled, modes + theme.COMPILED))
    return [
        Scaling(system, _setting(own), _distinction(own, in_system), _points(own))
        for system in select.systems(rows)
        for in_system in [where(rows, system=system)]
        for _, own in groups(in_system, SETTINGS)
    ]


def sweeps(measured: Sequence[Scaling]) -> list[Scaling]:
    """Those worth a figure against N: of several lengths, and of several modes if any such has several."""
    long = [scaling for scaling in measured if len(scaling.lengths) > 1]
    return [scaling for scaling in long if len(scaling.modes) > 1] or long


def tidy(measured: Sequence[Scaling]) -> pd.DataFrame:
    """One row a point, with its system and setting."""
    return pd.concat([scaling.points.assign(**scaling.identity) for scaling in measured], ignore_index=True)


def in_words(name: str, value: Any) -> str:
    """What a column of the identity says, as it stands in a title; empty for a null."""
    forms = {
        "system": lambda: prose(value),
        "start_guess": lambda: f"start guess {value}",
        "net": lambda: f"{value} net",
        "batch_size": lambda: f"B = {value}",
        "step_size": lambda: f"h = {value:g}",
    }
    return "" if is_null(value) else forms.get(name, lambda: str(value))()


def in_cell(value: Any) -> str:
    """The same in a table whose heading says the name."""
    return ABSENT if is_null(value) else f"{value:g}" if isinstance(value, float) else str(value)


def in_short(name: str, value: Any) -> str:
    """The same in a file's name: 'B=512', 'h=0.01'; empty for a null."""
    return in_words(name, value).replace(" = ", "=") if name in ("batch_size", "step_size") else _text(value)


def exponent_text(exponent: Exponent | None) -> str:
    """'0.98 ± 0.03': the exponent and the half width of its 95 % interval."""
    if exponent is None:
        return "–"
    slope = f"{exponent.slope:.2f}".replace("-0.00", "0.00")
    if np.isnan(exponent.high):
        return slope
    half_width = f"{exponent.high - exponent.slope:.2f}"
    return f"{slope} ± {'<0.01' if half_width == '0.00' else half_width}"


def _points(rows: pd.DataFrame) -> pd.DataFrame:
    by_length = {key: own for key, own in groups(rows, ["gradient_mode", "seq_len"])}
    modes = theme.in_mode_order(str(mode) for mode, _ in by_length)
    in_order = sorted(by_length, key=lambda key: (modes.index(str(key[0])), key[1]))
    return pd.DataFrame([_point(str(key[0]), int(key[1]), by_length[key]) for key in in_order])


def _point(mode: str, steps: int, rows: pd.DataFrame) -> dict:
    samples = np.concatenate([select.numbers(value) for value in rows["iteration_samples_s"]])
    low, high = np.quantile(samples, [0.25, 0.75]) * 1e3 if samples.size else (np.nan, np.nan)
    middle = np.median(samples) if samples.size else median(rows, "iteration_s")
    return {
        "gradient_mode": mode,
        "seq_len": steps,
        "seeds": len(select.seeds(rows)),
        "repeats": samples.size,
        "iteration_ms": middle * 1e3,
        "iteration_q25_ms": low,
        "iteration_q75_ms": high,
        "forward_ms": median(rows, "forward_s") * 1e3,
        "backward_ms": median(rows, "backward_s") * 1e3,
        "peak_mib": median(rows, "peak_bytes") / MIB,
        **{f"peak_{phase}_mib": median(rows, f"peak_{phase}_bytes") / MIB for phase in PHASES},
        **{column: median(rows, column) for column in _MEDIANS},
        "cell_ids": ";".join(sorted(rows["cell_id"])),
    }


def _setting(rows: pd.DataFrame) -> dict[str, Any]:
    first = records(rows)[0]
    numbers = {name: first[name] for name in SETTINGS}
    return numbers | {"batch_size": None if is_null(first["batch_size"]) else int(first["batch_size"])}


def _distinction(rows: pd.DataFrame, others: pd.DataFrame) -> str:
    setting = _setting(rows)
    differing = [name for name in SETTINGS if varies(others, name)]
    return "_".join(filter(None, (in_short(name, setting[name]) for name in differing)))


def _text(value: Any) -> str:
    return "" if is_null(value) else str(value)


def _repeats(repeats: list[int]) -> str:
    few, many = min(repeats), max(repeats)
    return f"{many} repeats" if few == many else f"{few} to {many} repeats"
