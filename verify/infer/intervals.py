"""Confidence intervals that hold at every sample size, as functions of the error rate.

Samples are independent by assumption. What can be tested of that, and of each interval's other conditions, is tested
when the interval is made, at the rate `CONDITION_RATE`; samples that fail are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

Interval = Callable[[float], tuple[float, float]]
Samples = Float[ndarray, " n"]

CONDITION_RATE = 1e-6  # at which samples are refused that satisfy the conditions
APART = 1 / 3  # at most the chance that two of four independent draws lie above the neighbouring two
FAR = 0.25  # the chance, by Markov's inequality, that the mean of a block is above four times the mean


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


def law_interval(samples: Samples, cdf: Callable[[Any], Any]) -> Interval:
    """Interval for the largest distance between the distribution function of the samples and the claimed `cdf`.

    Empirical and true distribution function differ by more than √(log(2/rate)/2n) somewhere with probability at
    most `rate`, whatever the law: P. Massart, Annals of Probability 18 (1990), Corollary 1.

    Raises:
        ValueError: samples that are not finite, or visibly dependent.
    """
    _require_independent(samples)
    count = len(samples)
    claimed = np.asarray(cdf(np.sort(samples)))
    steps = np.arange(count + 1) / count
    distance = float(max(np.max(steps[1:] - claimed), np.max(claimed - steps[:-1])))

    def interval(rate: float) -> tuple[float, float]:
        reach = float(np.sqrt(np.log(2 / rate) / (2 * count)))
        return max(0.0, distance - reach), min(1.0, distance + reach)

    return interval


def mean_interval(samples: Samples, spread: float) -> Interval:
    """Median-of-means interval for the mean of a nonnegative variable with standard deviation ≤ `spread` · mean.

    The samples are cut into b blocks of s. By Chebyshev the mean of a block is within 2 · spread · mean / √s of
    the mean, except with probability 1/4; the median is farther away only if half of the b independent
    blocks are, and b is chosen so that the binomial law gives that at most the error rate.

    Raises:
        ValueError: samples that are negative, not finite, visibly dependent, or spread more than `spread` allows;
            when asked for a rate, too few samples for it.
    """
    if not 0 < spread < np.inf:
        raise ValueError(f"a standard deviation of at most {spread} times the mean bounds nothing")
    _require_independent(samples)
    _require_spread(samples, spread)

    def interval(rate: float) -> tuple[float, float]:
        blocks = _blocks(rate)
        size = len(samples) // blocks
        error = 2 * spread / np.sqrt(size) if size else np.inf
        if error >= 1:
            raise ValueError(f"{len(samples)} samples are too few for the error rate {rate:g}")
        middle = _median_of_means(samples, blocks)
        return middle / (1 + error), middle / (1 - error)

    return interval


def _require_independent(samples: Samples) -> None:
    """Of four draws in a row two lie above their two neighbours with probability 1/3, less where the law has atoms.

    Draws that resemble their neighbours do so more often, which an exact binomial tail tells. Four equal draws say
    nothing.

    Raises:
        ValueError: no samples, samples that are not finite, or that resemble their neighbours.
    """
    if not len(samples) or not np.all(np.isfinite(samples)):
        raise ValueError(f"{len(samples)} samples, of which {np.sum(~np.isfinite(samples))} are not finite")
    fours = samples[: len(samples) // 4 * 4].reshape(-1, 2, 2)
    fours = fours[np.ptp(fours.reshape(-1, 4), axis=1) > 0]
    low, high = fours.min(axis=2), fours.max(axis=2)
    apart = int(np.sum((high[:, 0] < low[:, 1]) | (high[:, 1] < low[:, 0])))
    if stats.binom(len(fours), APART).sf(apart - 1) <= CONDITION_RATE:
        raise ValueError(f"the samples are not independent: {apart} of {len(fours)} pairs lie apart from the next pair")


def _require_spread(samples: Samples, spread: float) -> None:
    """The mean square is at most (1 + spread²) times the squared mean, as far as samples can tell.

    By Markov's inequality the mean square of a block exceeds four times its expectation with probability at most
    1/4, and the mean lies within the median-of-means interval.

    Raises:
        ValueError: a negative sample, or a mean square that is too large.
    """
    if samples.min() < 0:
        raise ValueError(f"samples of a nonnegative variable go down to {samples.min():.3g}")
    blocks = _blocks(CONDITION_RATE / 2)
    size = len(samples) // blocks
    if size < 1 or 2 * spread >= np.sqrt(size):
        return  # too few to tell; then no rate below this one has an interval either
    error = 2 * spread / np.sqrt(size)
    most = 4 * (1 + spread**2) * (_median_of_means(samples, blocks) / (1 - error)) ** 2
    found = _median_of_means(samples**2, blocks)
    if found > most:
        raise ValueError(f"the mean square is {found:.3g}, and a spread of {spread:.3g} allows at most {most:.3g}")


def _median_of_means(samples: Samples, blocks: int) -> float:
    size = len(samples) // blocks
    return float(np.median(samples[: blocks * size].reshape(blocks, size).mean(axis=1)))


def _blocks(rate: float) -> int:
    """The least odd number of blocks of which half are far with probability at most `rate`."""
    blocks = 1
    while stats.binom(blocks, FAR).sf(blocks // 2) > rate:
        blocks += 2
    return blocks
