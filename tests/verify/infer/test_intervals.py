"""Confidence intervals keep their promise: exact coverage, exact end points, nothing impossible accepted."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from verify.infer import binomial_interval, law_interval, mean_interval
from verify.infer.intervals import _blocks, _require_independent

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


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("count", [8, 400])
def test_the_distance_of_laws_is_covered_as_often_as_declared(count: int) -> None:
    """Two laws: the claimed one, at distance 0, and one shifted by 1, at distance 2 Φ(1/2) − 1."""
    rate, repeats, shifted = 0.1, 2000, 2 * stats.norm.cdf(0.5) - 1
    misses = [0, 0]
    for samples in normal(0, repeats, count):
        for place, (shift, distance) in enumerate(((0.0, 0.0), (1.0, shifted))):
            low, high = law_interval(samples + shift, stats.norm.cdf)(rate)
            misses[place] += not low <= distance <= high
    # the number of misses is binomial; this interval errs once in a million, the seed is fixed
    assert all(binomial_interval(missed, repeats)(1e-6)[0] <= rate for missed in misses)


def test_the_distance_is_the_largest_over_both_sides_of_every_jump() -> None:
    """Oracle: scipy's Kolmogorov–Smirnov statistic."""
    samples = normal(1, 50)
    low, high = law_interval(samples, stats.norm.cdf)(0.9)
    assert (low + high) / 2 == pytest.approx(stats.kstest(samples, "norm").statistic, abs=1e-12)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, count: rng.uniform(-np.sqrt(3), np.sqrt(3), count),
        lambda rng, count: np.where(rng.random(count) < 0.5, -1.0, 1.0),
        lambda rng, count: rng.laplace(scale=np.sqrt(0.5), size=count),
        lambda rng, count: rng.exponential(size=count) - 1,
        lambda rng, count: 1.1 * rng.standard_normal(count) + 0.02,
    ],
)
def test_another_law_of_the_same_variance_is_told_from_normal(
    draw: Callable[[np.random.Generator, int], np.ndarray],
) -> None:
    assert law_interval(draw(np.random.default_rng(2), 40_000), stats.norm.cdf)(1e-4)[0] > 0


@pytest.mark.parametrize("rate", [0.2, 1e-2, 1e-3, 1e-6])
def test_the_number_of_blocks_is_the_least_that_keeps_the_rate(rate: float) -> None:
    blocks = _blocks(rate)
    assert stats.binom(blocks, 0.25).sf(blocks // 2) <= rate
    assert blocks == 1 or stats.binom(blocks - 2, 0.25).sf((blocks - 2) // 2) > rate


def test_median_of_means_covers_the_mean_of_a_heavy_tailed_variable() -> None:
    """The square of a product of Gaussians has mean 1 and variance 8."""
    outside = 0
    for seed in range(200):
        low, high = mean_interval(np.prod(normal(seed, 2, 4000), axis=0) ** 2, 8**0.5)(0.05)
        outside += not low <= 1 <= high
    assert outside <= 200 * 0.05


def test_the_interval_is_around_the_median_and_shrinks_with_the_samples() -> None:
    small, large = (mean_interval(np.full(count, 3.0), 1.0)(0.01) for count in (1000, 100_000))
    assert small[0] < large[0] < 3.0 < large[1] < small[1]


def test_samples_that_break_a_condition_are_refused() -> None:
    walk = np.abs(np.cumsum(normal(3, 4000)))
    repeated = np.repeat(normal(4, 400) ** 2, 10)
    for samples in (walk, repeated):
        with pytest.raises(ValueError, match="the samples are not independent"):
            mean_interval(samples, 2.0)
        with pytest.raises(ValueError, match="the samples are not independent"):
            law_interval(samples, stats.norm.cdf)
    for broken in (np.array([1.0, np.inf]), np.array([np.nan]), np.array([])):
        with pytest.raises(ValueError, match="not finite"):
            mean_interval(broken, 1.0)
    with pytest.raises(ValueError, match=r"go down to -1"):
        mean_interval(np.full(4000, -1.0), 0.5)
    with pytest.raises(ValueError, match=r"a spread of 0\.5 allows at most"):
        mean_interval(np.where(np.random.default_rng(5).random(100_000) < 0.05, 50.0, 0.01), 0.5)
    for spread in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="bounds nothing"):
            mean_interval(np.ones(10), spread)
    with pytest.raises(ValueError, match="10 samples are too few for the error rate"):
        mean_interval(np.ones(10), 1.0)(1e-3)


def test_independent_samples_are_refused_as_rarely_as_declared() -> None:
    """Oracle: 200 sets of draws from five laws, none of which is refused (expected: 0.0002)."""
    rng = np.random.default_rng(6)
    for _ in range(50):
        for samples in (rng.random(401), rng.exponential(size=402), rng.pareto(1.5, 403), rng.integers(0, 2, 800)):
            _require_independent(samples)
