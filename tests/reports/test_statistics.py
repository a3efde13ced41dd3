"""Intervals and exponents against figures worked out by hand."""

import math

import numpy as np
import pytest

from reports.exhibit import escape
from reports.numerals import with_interval, with_interval_latex
from reports.scaling_points import exponent_text
from reports.statistics import fit_above_constant, fit_exponent, mean_interval


def test_interval_of_three_values_is_student_t():
    interval = mean_interval([1.0, 2.0, 3.0])
    half_width = 4.302652729911275 / math.sqrt(3)  # t(0.975, 2) x standard deviation 1 / sqrt(3)
    assert interval.mean == 2
    assert interval.count == 3
    assert interval.low == pytest.approx(2 - half_width)
    assert interval.high == pytest.approx(2 + half_width)


def test_one_value_has_no_interval_and_none_has_no_mean():
    one, none = mean_interval([5.0, math.nan]), mean_interval([])
    assert (one.mean, one.count) == (5.0, 1)
    assert math.isnan(one.low)
    assert math.isnan(none.mean)
    assert none.count == 0


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_exponent_of_a_power_law(power):
    lengths = [4, 8, 16, 32]
    exponent = fit_exponent(lengths, [3.0 * length**power for length in lengths])
    assert exponent is not None
    assert exponent.slope == pytest.approx(power)
    assert exponent.high - exponent.low == pytest.approx(0, abs=1e-6)
    assert exponent_text(exponent) == f"{power:.2f} ± <0.01"


def test_exponent_needs_two_lengths_and_its_interval_three():
    assert fit_exponent([4, 4], [1.0, 2.0]) is None
    assert fit_exponent([4, 8], [0.0, 2.0]) is None
    two = fit_exponent([4, 8], [1.0, 2.0])
    assert two is not None
    assert math.isnan(two.high)


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (9.13e-3, 2.1e-4, "(9.13 ± 0.21)e-3"),
        (9.996e-3, math.nan, "1.00e-2"),
        (0.66, math.nan, "6.60e-1"),
        (7.8, 0.02, "7.80 ± 0.02"),
        (1.0e-2, 1e-9, "(1.00 ± <0.01)e-2"),
        (0.0, math.nan, "0.00"),
        (math.nan, math.nan, "–"),
    ],
)
def test_numbers_as_they_are_written(mean, half_width, text):
    assert with_interval(mean, half_width) == text


def test_numbers_in_latex():
    assert with_interval_latex(9.13e-3, 2.1e-4) == r"(9.13 \pm 0.21) \times 10^{-3}"


def test_markdown_escapes_what_is_special_and_leaves_names_alone():
    assert escape("true_h a|b <c> *d* `e` _f_ \\") == r"true_h a\|b \<c> \*d\* \`e\` \_f\_ \\"


def test_the_interval_above_a_constant_holds_the_exponent_as_often_as_it_says():
    x, stream = np.geomspace(4, 1024, 9), np.random.default_rng(0)
    fits = [fit_above_constant(x, (5 + 0.02 * x) * stream.lognormal(0, 0.02, 9)) for _ in range(100)]
    assert all(fit is not None and fit.constant == pytest.approx(5, rel=0.1) for fit in fits)
    assert 88 <= sum(fit.exponent.low <= 1 <= fit.exponent.high for fit in fits) <= 100


def test_a_power_law_with_scatter_is_not_said_to_be_bent():
    x, stream = np.geomspace(4, 1024, 9), np.random.default_rng(0)
    fits = [fit_above_constant(x, 0.02 * x * stream.lognormal(0, 0.02, 9)) for _ in range(100)]
    assert sum(fit is not None for fit in fits) <= 12
    assert fit_above_constant(x, 3 * x) is None
    assert fit_above_constant(x[:4], 5 + x[:4]) is None
