"""A confidence interval for the mean of a heavy-tailed positive variable, exact at every sample size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import stats

from verify.infer.intervals import Interval

FAR = 0.25  # the chance, by Chebyshev, that the mean of a block is more than two of its standard deviations away


def mean_interval(samples: Float[ndarray, " n"], spread: float) -> Interval:
    """Median-of-means interval for the mean of a variable whose standard deviation is at most `spread` times its mean.

    The samples are cut into b blocks of s. By Chebyshev the mean of a block is within 2 · spread · mean / √s of
    the mean, except with probability 1/4; the median is farther away only if half of the b independent
    blocks are, and b is chosen so that the binomial law gives that at most the error rate.

    Raises:
        ValueError: too few samples for the rate, or a spread that is not positive.
    """
    if not spread > 0:
        raise ValueError(f"a standard deviation of at most {spread} times the mean bounds nothing")

    def interval(rate: float) -> tuple[float, float]:
        blocks = _blocks(rate)
        size = len(samples) // blocks
        error = 2 * spread / np.sqrt(size) if size else np.inf
        if error >= 1:
            raise ValueError(f"{len(samples)} samples are too few for the error rate {rate:g}")
        middle = float(np.median(samples[: blocks * size].reshape(blocks, size).mean(axis=1)))
        return middle / (1 + error), middle / (1 - error)

    return interval


def _blocks(rate: float) -> int:
    """The least odd number of blocks of which half are far with probability at most `rate`."""
    blocks = 1
    while stats.binom(blocks, FAR).sf(blocks // 2) > rate:
        blocks += 2
    return blocks
