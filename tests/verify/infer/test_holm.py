"""Holm's correction on intervals is Holm's procedure on p-values, and keeps the declared rate for a family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from verify.claim import Estimate, Verdict
from verify.infer import FAMILY_RATE, binomial_interval, corrected

Interval = Callable[[float], tuple[float, float]]
Decision = Callable[[Estimate, float], bool]
LEAST = 1e-12  # p-values below are taken as zero


def normal_interval(centre: float, deviation: float) -> Interval:
    def interval(rate: float) -> tuple[float, float]:
        reach = -NormalDist().inv_cdf(rate / 2) * deviation
        return centre - reach, centre + reach

    return interval


def variance_interval(sum_of_squares: float, degrees: int) -> Interval:
    law = stats.chi2(degrees)
    return lambda rate: (sum_of_squares / float(law.isf(rate / 2)), sum_of_squares / float(law.ppf(rate / 2)))


def estimate(interval: Interval, allowed: tuple[float, float], resolution: float = 0.0) -> Estimate:
    return Estimate(name="e", allowed=allowed, interval=interval, resolution=resolution, reason="test")


def outside(finding: Estimate, rate: float) -> bool:
    """The interval misses what is allowed."""
    low, high = finding.interval(rate)
    return high < finding.allowed[0] or low > finding.allowed[1]


def inside(finding: Estimate, rate: float) -> bool:
    """The interval lies in what is allowed, widened by the resolution."""
    low, high = finding.interval(rate)
    return low >= finding.allowed[0] - finding.resolution and high <= finding.allowed[1] + finding.resolution


def p_value(finding: Estimate, decision: Decision, largest: float) -> float:
    """The least error rate of an interval that decides so, by bisection of its logarithm; 1 above `largest`."""
    if decision(finding, LEAST) or not decision(finding, largest):
        return 0.0 if decision(finding, LEAST) else 1.0
    low, high = np.log([LEAST, largest])
    for _ in range(30):  # to 3e-8 of the rate, closer than any drawn example is to a tie
        middle = (low + high) / 2
        low, high = (low, middle) if decision(finding, float(np.exp(middle))) else (middle, high)
    return float(np.exp(high))


def holm(p_values: Sequence[float], rate: float) -> set[int]:
    """The textbook: in order of size, compare the i-th of n p-values with rate / (n - i), stop at the first above."""
    rejected: set[int] = set()
    for position, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[index] > rate / (len(p_values) - position):
            break
        rejected.add(index)
    return rejected


def binomial(count: tuple[int, int], centre: float, reach: float) -> Estimate:
    return estimate(binomial_interval(*count), (centre - reach, centre + reach))


def variance(ratio: float, degrees: int, resolution: float) -> Estimate:
    return estimate(variance_interval(ratio * degrees, degrees), (1.0, 1.0), resolution)


def normal(centre: float, deviation: float, reach: float) -> Estimate:
    return estimate(normal_interval(centre, deviation), (-reach, reach))


counts = st.integers(20, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
estimates = st.one_of(
    st.builds(binomial, counts, st.floats(0.1, 0.9), st.floats(0.01, 0.4)),
    st.builds(variance, st.floats(0.3, 3), st.integers(5, 500), st.floats(0.05, 2)),
    st.builds(normal, st.floats(-6, 6), st.floats(0.1, 1), st.floats(0.1, 4)),
)
families = st.lists(estimates, min_size=1, max_size=5)


@settings(max_examples=60)
@given(families, st.sampled_from([1e-3, 0.05, 0.3]))
def test_intervals_decide_as_p_values_do(family: list[Estimate], rate: float) -> None:
    assume(not any(outside(finding, rate) and inside(finding, rate) for finding in family))  # resolution too coarse
    after = corrected(family, rate)
    for verdict, decision in ((Verdict.FAIL, outside), (Verdict.PASS, inside)):
        decided = {index for index, finding in enumerate(after) if finding.verdict is verdict}
        assert decided == holm([p_value(finding, decision, rate) for finding in family], rate)


@settings(max_examples=60)
@given(families)
def test_only_the_rate_is_changed_and_never_above_the_family(family: list[Estimate]) -> None:
    for before, after in zip(family, corrected(family), strict=True):
        assert FAMILY_RATE / len(family) <= after.rate <= FAMILY_RATE
        assert vars(after) | {"rate": before.rate} == vars(before)


@settings(max_examples=60)
@given(families, st.randoms(use_true_random=False))
def test_order_does_not_matter(family: list[Estimate], random: object) -> None:
    order = list(range(len(family)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = corrected([family[index] for index in order])
    straight = corrected(family)
    assert [finding.rate for finding in shuffled] == [straight[index].rate for index in order]


@settings(max_examples=60)
@given(families, estimates)
def test_one_more_estimate_never_decides_an_open_one(family: list[Estimate], extra: Estimate) -> None:
    alone, together = corrected(family), corrected([*family, extra])[:-1]
    for before, after in zip(alone, together, strict=True):
        assert after.verdict in (before.verdict, Verdict.UNDECIDED)


def test_a_single_estimate_gets_the_whole_rate() -> None:
    (only,) = corrected([normal(0.0, 1.0, 2.0)])
    assert only.rate == FAMILY_RATE
    assert corrected([]) == []


def test_a_decided_estimate_leaves_its_share_to_the_others() -> None:
    clear, close = normal(50.0, 1.0, 1.0), normal(4.4, 1.0, 1.0)  # 49 and 3.4 deviations outside
    assert FAMILY_RATE / 2 < p_value(close, outside, FAMILY_RATE) < FAMILY_RATE
    assert [finding.verdict for finding in corrected([close, clear])] == [Verdict.FAIL, Verdict.FAIL]
    assert [finding.verdict for finding in corrected([close, close])] == [Verdict.UNDECIDED] * 2


def test_a_nan_decides_nothing_at_any_rate() -> None:
    broken = estimate(lambda rate: (float("nan"), 1.0), (0.0, 2.0))
    assert [finding.verdict for finding in corrected([broken, normal(0.0, 0.1, 1.0)])] == [
        Verdict.UNDECIDED,
        Verdict.PASS,
    ]


@pytest.mark.parametrize("size", [1, 4])
def test_a_family_of_true_claims_is_rejected_as_rarely_as_declared(size: int) -> None:
    repeats, rate = 1500, 0.05
    draws = np.random.default_rng(0).standard_normal((repeats, size))
    alarms = 0
    for row in draws:  # the claim "the mean is 0" holds; unit deviation
        family = [estimate(normal_interval(float(x), 1.0), (0.0, 0.0), resolution=0.1) for x in row]
        alarms += any(finding.verdict is Verdict.FAIL for finding in corrected(family, rate))
    # Independent and exactly at the edge: the chance of an alarm is 1 - (1 - rate / size)^size. The number of
    # alarms is binomial; its interval errs once in a million, the seed is fixed.
    low, high = binomial_interval(alarms, repeats)(1e-6)
    assert low <= 1 - (1 - rate / size) ** size <= high
    assert low <= rate
