"""Numbers as readers see them: three significant digits, an interval in the same power of ten as its mean."""

import math

import pandas as pd

ABSENT = "–"


def plain(value: float | None, digits: int = 3) -> str:
    """`digits` significant digits, or a dash where there is no number."""
    return ABSENT if value is None or pd.isna(value) else f"{value:.{digits}g}"


def brief(value: float) -> str:
    """A limit as people write it: '1e-5'."""
    mantissa, e, exponent = f"{value:g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def with_interval(mean: float, half_width: float) -> str:
    """'(9.13 ± 0.21)e-3'; without the interval where `half_width` is NaN; a dash where `mean` is."""
    if pd.isna(mean):
        return ABSENT
    mantissa, half, exponent = parts(mean, half_width)
    value = mantissa if half is None else f"({mantissa} ± {half})"
    if exponent == 0:
        return value.strip("()")
    return f"{value}e{exponent}"


def with_interval_latex(mean: float, half_width: float) -> str:
    """The same in mathematics mode, without the dollar signs; '--' where `mean` is NaN."""
    if pd.isna(mean):
        return r"\text{--}"
    mantissa, half, exponent = parts(mean, half_width)
    value = mantissa if half is None else rf"({mantissa} \pm {half.replace('<', '{<}')})"
    if exponent == 0:
        return value.strip("()")
    return rf"{value} \times 10^{{{exponent}}}"


def quoted_latex(text: str) -> str:
    """A number as a source prints it, '1.2e-2', in mathematics mode; '--' for an empty text."""
    mantissa, _, exponent = text.partition("e")
    if not text:
        return r"\text{--}"
    return rf"{mantissa} \times 10^{{{exponent}}}" if exponent else mantissa


def parts(mean: float, half_width: float) -> tuple[str, str | None, int]:
    """(mantissa, half width in the same power of ten, that power); the half width is None where it is NaN."""
    if math.isinf(mean):
        return ("∞" if mean > 0 else "-∞"), None, 0
    exponent = int(f"{mean:.2e}".partition("e")[2])
    scale = 10.0**exponent
    return f"{mean / scale:.2f}", _half_width_text(half_width, scale), exponent


def _half_width_text(half_width: float, scale: float) -> str | None:
    if pd.isna(half_width):
        return None
    if half_width == 0:
        return "0"
    text = f"{half_width / scale:.2f}"
    return "<0.01" if text == "0.00" else text
