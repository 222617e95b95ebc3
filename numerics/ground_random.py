"""Self-tests of what is drawn: exact-law tests of independent standard normal numbers, each with a declared rate.

A false alarm in one of them has probability at most RATE, by inequalities that hold at every sample size.
"""

from __future__ import annotations

from math import log, sqrt

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import ndtr

RATE = 1e-10  # of a false alarm, for each test; a run makes some dozens
LEVEL = log(2 / RATE)
SAMPLES = (500, 40)


def normal_trouble(name: str, numbers: Float[ndarray, ...]) -> str | None:
    """Are the numbers independent and standard normal? The law, the mean, the variance, and neighbours along each axis.

    Law: Dvoretzky–Kiefer–Wolfowitz with Massart's constant. Squares and products of neighbours are quadratic forms in
    normal numbers: sum λ_i (z_i² − 1) exceeds 2‖λ‖₂√L + 2‖λ‖_∞ L with probability at most e^−L (B. Laurent,
    P. Massart, Annals of Statistics 28 (2000), Lemma 1); n squares have ‖λ‖₂ = √n, n products of neighbours √(n/2).
    """
    flat = np.asarray(numbers, dtype=float).ravel()
    n = len(flat)
    ordered = np.sort(flat)
    below = ndtr(ordered)
    ranks = np.arange(n)
    distance = max(float((below - ranks / n).max()), float(((ranks + 1) / n - below).max()))
    if not distance <= sqrt(LEVEL / (2 * n)):
        return f"{name} are not normal: {n} of them are {distance:.3g} from the law"
    mean = float(flat.sum()) / sqrt(n)
    if not abs(mean) <= sqrt(2 * LEVEL):
        return f"{name} do not have mean 0: √n times their mean is {mean:.3g}"
    return _quadratic(name, np.asarray(numbers, dtype=float), flat)


def _quadratic(name: str, numbers: ndarray, flat: ndarray) -> str | None:
    n = len(flat)
    excess = float((flat * flat).sum()) - n
    if not abs(excess) <= 2 * sqrt(n * LEVEL) + 2 * LEVEL:
        return f"{name} do not have variance 1: their mean square is {1 + excess / n:.4g}"
    allowed = 2 * sqrt(n / 2 * LEVEL) + 2 * LEVEL
    for axis in range(numbers.ndim):
        product = float((numbers * np.roll(numbers, 1, axis=axis)).sum())
        if numbers.shape[axis] > 2 and not abs(product) <= allowed:
            return f"{name} depend on their neighbours along axis {axis}: correlation {product / n:.3g}"
    return None


def streams_trouble(one: np.random.Generator, again: np.random.Generator, other: np.random.Generator) -> str | None:
    """One seed gives the same numbers twice, another purpose gives independent ones; each is normal."""
    first, second, third = (rng.standard_normal(SAMPLES) for rng in (one, again, other))
    if first.tolist() != second.tolist():
        return "the same seed gave other numbers"
    product = float((first * third).sum())
    if not abs(product) <= 2 * sqrt(first.size / 2 * LEVEL) + LEVEL:
        return f"two streams depend on one another: correlation {product / first.size:.3g}"
    return normal_trouble("standard normal numbers", first) or _others(one)


def _others(rng: np.random.Generator) -> str | None:
    """Uniform numbers, integers and choices: the law by the same inequality, and no choice twice."""
    n = 4000
    allowed = sqrt(LEVEL / (2 * n))
    uniform = np.array(sorted(rng.uniform(-1, 3, size=n).tolist()))
    distance = float(np.abs((uniform + 1) / 4 - (np.arange(n) + 0.5) / n).max())
    if not distance <= allowed:
        return f"uniform numbers are {distance:.3g} from their law, at most {allowed:.3g}"
    whole = rng.integers(2, 6, size=n).tolist()
    if not set(whole) <= {2, 3, 4, 5} or any(abs(whole.count(i) / n - 0.25) > 2 * allowed for i in (2, 3, 4, 5)):
        return f"integers from 2 to 5 came {[whole.count(i) for i in (2, 3, 4, 5)]} times"
    chosen = rng.choice(50, size=50, replace=False).tolist()
    return None if sorted(chosen) == list(range(50)) else "a choice without replacement repeats itself"
