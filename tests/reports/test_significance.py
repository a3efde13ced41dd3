"""Paired tests against known answers."""

import math

import numpy as np
import pytest
from scipy import stats

from reports.significance import compare, holm, sign


def test_holm_on_known_p_values():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    with_nan = holm([0.02, math.nan, 0.01])
    assert (with_nan[0], with_nan[2]) == pytest.approx((0.02, 0.02))
    assert math.isnan(with_nan[1])


def test_compare_is_the_paired_t_test_of_logarithms():
    own, other = {0: 1.0, 1: 2.5, 2: 2.9, 9: 5.0}, {0: 2.0, 1: 4.0, 2: 6.5, 8: 1.0}
    found = compare(own, other)
    expected = stats.ttest_rel(np.log([1.0, 2.5, 2.9]), np.log([2.0, 4.0, 6.5]))
    assert found.p == pytest.approx(expected.pvalue)
    assert found.pairs == 3
    assert found.low < found.ratio < found.high < 1
    assert found.ratio == pytest.approx((0.5 * 0.625 * 2.9 / 6.5) ** (1 / 3))


def test_too_few_pairs_say_nothing():
    found = compare({0: 1.0, 1: 2.0, 2: math.inf, 3: 0.0, 4: math.nan}, dict.fromkeys(range(5), 1.0))
    assert (found.pairs, found.enough, sign(found, math.nan)) == (2, False, "")


def test_signs():
    above = compare({0: 2.0, 1: 2.1, 2: 2.2}, dict.fromkeys(range(3), 1.0))
    assert sign(above, above.p) == "+"
    assert sign(above, 0.06) == "="
    below = compare(dict.fromkeys(range(3), 1.0), {0: 2.0, 1: 2.1, 2: 2.2})
    assert sign(below, below.p) == "−"
    assert compare({0: 2.0, 1: 2.0, 2: 2.0}, dict.fromkeys(range(3), 1.0)).p == 0
    assert compare(dict.fromkeys(range(3), 1.0), dict.fromkeys(range(3), 1.0)).p == 1


def test_the_test_keeps_its_level():
    generator = np.random.default_rng(0)
    noise = generator.lognormal(0, 0.5, (400, 2, 5))
    p = [compare(dict(enumerate(own)), dict(enumerate(other))).p for own, other in noise]
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.08
