"""Confidence intervals keep their promise: exact coverage, exact end points, nothing impossible accepted."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.infer import binomial_interval, variance_interval

RATES = [0.5, 0.05, 1e-3]
rates = st.floats(1e-9, 0.9)
counts = st.integers(1, 200).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


def coverage(trials: int, p: Fraction, rate: float) -> Fraction:
    """The exact chance that the interval of a binomial count contains p, by enumerating all counts."""
    chance = Fraction(0)
    for successes in range(trials + 1):
        low, high = binomial_interval(successes, trials)(rate)
        if low <= p <= high:
            chance += comb(trials, successes) * p**successes * (1 - p) ** (trials - successes)
    return chance


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("trials", [1, 2, 5, 12])
def test_clopper_pearson_covers_at_least_as_often_as_declared(trials: int, rate: float) -> None:
    # Thirds of a hundredth: an end point is a root of a polynomial with coefficients unlike these.
    grid = [Fraction(0), Fraction(1), *(Fraction(i, 300) for i in range(1, 300, 7))]
    assert min(coverage(trials, p, rate) for p in grid) >= 1 - Fraction(rate)


def tail(trials: int, least: int, p: float) -> Fraction:
    """P(X >= least) for a binomial X, exactly for the float p."""
    q = Fraction(p)
    return sum((comb(trials, x) * q**x * (1 - q) ** (trials - x) for x in range(least, trials + 1)), Fraction(0))


@pytest.mark.parametrize("rate", [*RATES, 1e-6])
@pytest.mark.parametrize(("successes", "trials"), [(1, 1), (1, 9), (4, 9), (9, 9), (17, 40)])
def test_clopper_pearson_ends_where_a_tail_has_half_the_rate(successes: int, trials: int, rate: float) -> None:
    # The quantile is accurate to about 1e-13 relative; a tail changes by at most `trials` times as much.
    low, high = binomial_interval(successes, trials)(rate)
    assert abs(tail(trials, successes, low) / Fraction(rate / 2) - 1) <= 1e-12 * trials
    if successes < trials:
        assert abs((1 - tail(trials, successes + 1, high)) / Fraction(rate / 2) - 1) <= 1e-12 * trials


@given(counts, rates, rates)
def test_a_smaller_rate_gives_a_wider_interval(count: tuple[int, int], first: float, second: float) -> None:
    narrow = binomial_interval(*count)(max(first, second))
    wide = binomial_interval(*count)(min(first, second))
    assert 0 <= wide[0] <= narrow[0] <= narrow[1] <= wide[1] <= 1


@given(counts, rates)
def test_counting_failures_mirrors_the_interval(count: tuple[int, int], rate: float) -> None:
    successes, trials = count
    low, high = binomial_interval(successes, trials)(rate)
    mirrored = binomial_interval(trials - successes, trials)(rate)
    # one subtraction on top of the quantile's own error
    assert np.allclose([1 - high, 1 - low], mirrored, rtol=1e-9, atol=1e-12)


def test_all_or_nothing_reaches_the_end() -> None:
    assert binomial_interval(0, 10)(0.05)[0] == 0
    assert binomial_interval(10, 10)(0.05)[1] == 1
    # P(no success) = (1 - p)^10 = rate / 2 at the upper end; a power and a root of about 1e-15
    assert abs(binomial_interval(0, 10)(0.05)[1] - (1 - 0.025 ** (1 / 10))) <= 1e-13


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0), (1, 0), (0, -3)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} successes in {trials} trials is impossible"):
        binomial_interval(successes, trials)


@given(st.floats(1e-6, 1e6), st.integers(1, 10_000), rates)
def test_variance_interval_ends_where_a_tail_has_half_the_rate(total: float, degrees: int, rate: float) -> None:
    low, high = variance_interval(total, degrees)(rate)
    law = stats.chi2(degrees)
    # Upper tail at the lower end and lower tail at the upper end. The quantile's relative error of 1e-13 is
    # amplified by at most x f(x) / tail(x), below degrees + 2 |log rate|.
    error = 1e-12 * (degrees + 50)
    assert low < high
    assert abs(law.sf(total / low) / (rate / 2) - 1) <= error
    assert abs(law.cdf(total / high) / (rate / 2) - 1) <= error


@given(st.floats(1e-3, 1e3), st.integers(1, 500), rates, st.integers(-20, 20))
def test_variance_interval_scales_with_its_data(total: float, degrees: int, rate: float, power: int) -> None:
    low, high = variance_interval(total, degrees)(rate)
    assert variance_interval(total * 2.0**power, degrees)(rate) == (low * 2.0**power, high * 2.0**power)


def test_no_spread_means_no_variance() -> None:
    assert variance_interval(0.0, 3)(0.01) == (0.0, 0.0)


@pytest.mark.parametrize(("total", "degrees"), [(-1.0, 3), (float("nan"), 3), (1.0, 0)])
def test_impossible_sums_of_squares_are_refused(total: float, degrees: int) -> None:
    with pytest.raises(ValueError, match=f"a sum of squares {total} with {degrees} degrees of freedom is impossible"):
        variance_interval(total, degrees)


@pytest.mark.parametrize(("assumed", "right"), [(5, True), (6, False), (4, False)])
def test_variance_interval_misses_as_often_as_declared(assumed: int, right: bool) -> None:
    repeats, degrees, rate, variance = 40_000, 5, 0.1, 2.5
    draws = np.random.default_rng(0).normal(scale=np.sqrt(variance), size=(repeats, degrees))
    # The interval is (sum / a, sum / b); reading a and b off once serves all repeats.
    low, high = variance_interval(1.0, assumed)(rate)
    totals = (draws**2).sum(axis=1)
    misses = int(np.sum((totals * low > variance) | (totals * high < variance)))
    # the number of misses is binomial; this interval errs once in a million, the seed is fixed
    least, most = binomial_interval(misses, repeats)(1e-6)
    assert (least <= rate <= most) == right
