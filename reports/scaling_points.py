"""Cost of one training iteration against N: the numbers behind Figure VIII."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import rows as select
from reports.exhibit import prose
from reports.frames import distinct, groups, median, records, varies, where
from reports.statistics import Exponent, fit_exponent

SETTINGS = ("model", "integrator", "batch_size", "step_size", "device", "dtype", "protocol", "recipe")
MIB = 2.0**20
_MEDIANS = (
    "field_evals_forward",
    "field_evals_backward",
    "solver_iterations",
    "gradient_rel_error",
    "gradient_cosine",
)


@dataclass(frozen=True)
class Scaling:
    """Measurements of one system under one setting.

    `points` has one row a (gradient_mode, seq_len), as `_point` makes it. `distinction` names what sets this
    setting apart from others of the same system in the store; empty where there are no others.
    """

    system: str
    setting: dict
    distinction: str
    points: pd.DataFrame

    @property
    def title(self) -> str:
        parts = [
            prose(self.system),
            *(str(self.setting[name]) for name in ("model", "integrator") if pd.notna(self.setting[name])),
            f"B = {_integer(self.setting['batch_size'])}",
            f"h = {self.setting['step_size']:g}",
            *(str(self.setting[name]) for name in ("device", "dtype") if pd.notna(self.setting[name])),
            _repeats(list(self.points["repeats"])),
        ]
        return ", ".join(parts)

    @property
    def modes(self) -> list[str]:
        return distinct(self.points, "gradient_mode")

    def of_mode(self, mode: str) -> pd.DataFrame:
        """Its points, in order of N."""
        return where(self.points, gradient_mode=mode)

    def exponent(self, mode: str, column: str) -> Exponent | None:
        """k of column ~ N^k for one mode; None below two lengths."""
        own = self.of_mode(mode).dropna(subset=[column])
        return fit_exponent(own["seq_len"].astype(float), own[column])


def scalings(profiles: pd.DataFrame) -> list[Scaling]:
    """One for each system and setting among the ok rows of kind profile, in order of their names."""
    rows = select.ok(profiles)
    return [
        Scaling(system, _setting(own), _distinction(own, in_system), _points(own))
        for system in select.systems(rows)
        for in_system in [where(rows, system=system)]
        for _, own in groups(in_system, SETTINGS)
    ]


def exponent_text(exponent: Exponent | None) -> str:
    """'0.98 ± 0.03': the exponent and the half width of its 95 % interval."""
    if exponent is None:
        return "–"
    if np.isnan(exponent.high):
        return f"{exponent.slope:.2f}"
    half_width = f"{exponent.high - exponent.slope:.2f}"
    return f"{exponent.slope:.2f} ± {'<0.01' if half_width == '0.00' else half_width}"


def _points(rows: pd.DataFrame) -> pd.DataFrame:
    by_length = groups(rows, ["gradient_mode", "seq_len"])
    return pd.DataFrame([_point(str(mode), int(steps), own) for (mode, steps), own in by_length])


def _point(mode: str, steps: int, rows: pd.DataFrame) -> dict:
    samples = np.concatenate([select.numbers(value) for value in rows["iteration_samples_s"]])
    low, high = np.quantile(samples, [0.25, 0.75]) * 1e3 if samples.size else (np.nan, np.nan)
    middle = np.median(samples) if samples.size else median(rows, "iteration_s")
    return {
        "gradient_mode": mode,
        "seq_len": steps,
        "repeats": samples.size,
        "iteration_ms": middle * 1e3,
        "iteration_q25_ms": low,
        "iteration_q75_ms": high,
        "forward_ms": median(rows, "forward_s") * 1e3,
        "backward_ms": median(rows, "backward_s") * 1e3,
        "peak_mib": median(rows, "peak_bytes") / MIB,
        **{column: median(rows, column) for column in _MEDIANS},
        "cell_ids": ";".join(sorted(rows["cell_id"])),
    }


def _setting(rows: pd.DataFrame) -> dict:
    first = records(rows)[0]
    return {name: first[name] for name in SETTINGS}


def _distinction(rows: pd.DataFrame, others: pd.DataFrame) -> str:
    setting = _setting(rows)
    differing = [name for name in SETTINGS if varies(others, name)]
    return "_".join(_short(name, setting[name]) for name in differing)


def _short(name: str, value: object) -> str:
    prefix = {"batch_size": "B=", "step_size": "h="}.get(name, "")
    return prefix + (f"{value:g}" if isinstance(value, float) else str(value))


def _integer(value: float) -> str:
    return "?" if pd.isna(value) else str(int(value))


def _repeats(repeats: list[int]) -> str:
    few, many = min(repeats), max(repeats)
    return f"{many} repeats" if few == many else f"{few} to {many} repeats"
