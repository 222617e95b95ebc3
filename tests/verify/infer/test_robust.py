"""The median-of-means interval: its coverage, what it gives for constants, and its refusals."""

import numpy as np
import pytest
from scipy import stats

from verify.infer.robust import _blocks, mean_interval


@pytest.mark.parametrize("rate", [0.2, 1e-2, 1e-3, 1e-6])
def test_the_number_of_blocks_is_the_least_that_keeps_the_rate(rate: float) -> None:
    blocks = _blocks(rate)
    assert stats.binom(blocks, 0.25).sf(blocks // 2) <= rate
    assert blocks == 1 or stats.binom(blocks - 2, 0.25).sf((blocks - 2) // 2) > rate


def test_it_covers_the_mean_of_a_heavy_tailed_variable() -> None:
    """The square of a product of Gaussians has mean 1 and variance 8."""
    rng = np.random.default_rng(0)
    outside = 0
    for _ in range(200):
        samples = np.prod(rng.standard_normal((2, 4000)), axis=0) ** 2
        low, high = mean_interval(samples, 8**0.5)(0.05)
        outside += not low <= 1 <= high
    assert outside <= 200 * 0.05


def test_the_interval_is_around_the_median_and_shrinks_with_the_samples() -> None:
    small, large = (mean_interval(np.full(count, 3.0), 1.0)(0.01) for count in (1000, 100_000))
    assert small[0] < large[0] < 3.0 < large[1] < small[1]


def test_refusals() -> None:
    with pytest.raises(ValueError, match="bounds nothing"):
        mean_interval(np.ones(10), 0.0)
    with pytest.raises(ValueError, match="10 samples are too few for the error rate"):
        mean_interval(np.ones(10), 1.0)(1e-3)
