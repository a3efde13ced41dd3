"""Paired tests against known answers."""

import math
from itertools import product

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
    found = compare({0: 1.0, 1: math.inf, 2: math.nan, 3: math.nan}, dict.fromkeys(range(5), 1.0))
    assert (found.pairs, found.enough, sign(found, math.nan)) == (2, False, "")


def signed(own, other):
    found = compare(dict(enumerate(own)), dict(enumerate(other)))
    return sign(found, found.p)


def test_what_is_infinite_is_worse_than_any_number():
    inf, finite = math.inf, [1.0, 1.1, 0.9, 1.05, 0.95]
    assert signed([inf] * 5, finite) == "+"
    assert signed(finite, [inf] * 5) == "−"
    assert signed([0.0] * 5, finite) == "−"
    assert signed([inf, inf, inf, inf, 0.1], finite) == "+"
    assert signed([inf, inf, 0.1, 0.1, 0.1], finite) == "=", "survivors that are better do not decide"
    assert signed([inf, inf, 0.1, 0.1, 0.1], [inf, inf, *finite[2:]]) == "=", "equal where both escape"
    assert signed([inf] * 5, [inf] * 5) == "="
    assert compare(dict(enumerate([inf] * 3)), dict(enumerate(finite))).ratio == inf


def test_infinite_values_are_the_limit_of_ever_larger_ones():
    own, other = [0.3, 0.2, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]
    limit = compare({0: 0.3, 1: 0.2, 2: math.inf, 3: math.inf, 4: math.inf}, dict(enumerate(other)))
    large = compare(dict(enumerate([*own[:2], *(value * 1e300 for value in own[2:])])), dict(enumerate(other)))
    assert limit.p == pytest.approx(large.p, rel=0.01)
    assert (limit.ratio, large.ratio > 1e100) == (math.inf, True)


@pytest.mark.parametrize("pairs", [3, 4, 5, 6, 8])
def test_runs_that_escape_by_chance_are_told_apart_no_more_often_than_the_level_says(pairs):
    """Of each pair, each run escapes with a probability of one half: all outcomes, each as probable."""
    outcomes = list(product([1.0, math.inf], repeat=pairs))
    signs = [signed(own, other) for own in outcomes for other in outcomes] if pairs < 6 else []
    draws = np.random.default_rng(0).choice([1.0, math.inf], (4000, 2, pairs)) if not signs else ()
    signs += [signed(*draw) for draw in draws]
    assert np.mean(np.array(signs) != "=") < 0.065


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
