"""Exact confidence intervals, as functions of the error rate."""

from __future__ import annotations

from collections.abc import Callable

from scipy import stats

Interval = Callable[[float], tuple[float, float]]


def binomial_interval(successes: int, trials: int) -> Interval:
    """Clopper-Pearson interval for a probability, from `successes` in independent `trials`.

    Raises:
        ValueError: successes outside 0..trials, or no trial.
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} successes in {trials} trials is impossible")
    failures = trials - successes

    def interval(rate: float) -> tuple[float, float]:
        low = float(stats.beta.ppf(rate / 2, successes, failures + 1)) if successes else 0.0
        high = float(stats.beta.isf(rate / 2, successes + 1, failures)) if failures else 1.0
        return low, high

    return interval


def variance_interval(sum_of_squares: float, degrees: int) -> Interval:
    """Chi-square interval for s, when sum_of_squares / s is chi-square with `degrees` degrees of freedom.

    Raises:
        ValueError: a negative sum of squares, or degrees below 1.
    """
    if not sum_of_squares >= 0 or degrees < 1:
        raise ValueError(f"a sum of squares {sum_of_squares} with {degrees} degrees of freedom is impossible")

    def interval(rate: float) -> tuple[float, float]:
        law = stats.chi2(degrees)
        return sum_of_squares / float(law.isf(rate / 2)), sum_of_squares / float(law.ppf(rate / 2))

    return interval
