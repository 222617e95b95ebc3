"""Quantiles and tails of the laws that error rates rest on: closed forms, mpmath, and the other direction.

With an even number of degrees of freedom the tail of χ² is a finite sum, as the beta law's is with whole
parameters and the binomial's always: P(χ²_2a > x) = e^(−x/2) Σ_{k<a} (x/2)^k / k!, and
P(Beta(a, b) ≤ x) = Σ_{j≥a} C(n, j) x^j (1 − x)^(n−j) with n = a + b − 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import comb
from typing import Any

import mpmath
import numpy as np
from scipy import stats

from verify.ground.selftest import SelfTest

RATES = (0.5, 1e-3, 1e-4 / 6)  # the last is about what Holm's correction leaves of the family's rate
# scipy's incomplete gamma and beta functions (boost) state errors of some hundred units in the last place at these
# parameters; what a quantile errs by is that over the slope of the tail. A rate that is off by 1e-9 of itself
# changes no verdict.
RELATIVE = 1e-9


def _chi_square_tail(x: float, halves: int) -> Any:
    half = mpmath.mpf(x) / 2
    term = total = mpmath.mpf(1)
    for k in range(1, halves):
        term = term * half / k
        total += term
    return mpmath.exp(-half) * total


def _beta_below(x: float, a: int, b: int) -> Any:
    """P(Beta(a, b) ≤ x) by the recurrence of the binomial terms."""
    n, p = a + b - 1, mpmath.mpf(x)
    term = mpmath.binomial(n, a) * p**a * (1 - p) ** (n - a)
    total = term
    for j in range(a, n):
        term = term * (n - j) / (j + 1) * p / (1 - p)
        total += term
        if term < total * mpmath.mpf(10) ** -30:
            break
    return total


def _binomial_tail(at: int, trials: int, chance: Fraction) -> Fraction:
    return sum(
        (comb(trials, j) * chance**j * (1 - chance) ** (trials - j) for j in range(at + 1, trials + 1)), Fraction(0)
    )


def _close(cases: Iterable[tuple[str, float, Any]]) -> str | None:
    for name, found, truth in cases:
        if not (np.isfinite(found) and abs(mpmath.mpf(float(found)) - truth) <= RELATIVE * abs(truth)):
            return f"{name} is {float(found)!r}, expected {float(truth)!r}"
    return None


def _precisely(check: Callable[[], str | None]) -> Callable[[], str | None]:
    """The check at forty digits of mpmath."""

    def run() -> str | None:
        with mpmath.workdps(40):
            return check()

    return run


def _chi_square() -> str | None:
    cases: list[tuple[str, float, Any]] = []
    for degrees in (2, 6, 30, 400):
        law, halves = stats.chi2(degrees), degrees // 2
        for rate in RATES:
            high, low = float(law.isf(rate)), float(law.ppf(rate))
            cases += [
                (f"P(χ²_{degrees} > its upper quantile)", float(_chi_square_tail(high, halves)), mpmath.mpf(rate)),
                (f"P(χ²_{degrees} < its lower quantile)", float(1 - _chi_square_tail(low, halves)), mpmath.mpf(rate)),
                (f"sf of χ²_{degrees}", float(law.sf(high)), _chi_square_tail(high, halves)),
                (f"cdf of χ²_{degrees}", float(law.cdf(low)), 1 - _chi_square_tail(low, halves)),
            ]
    odd = stats.chi2(5)
    cases.append(("sf of χ²_5 at 9", float(odd.sf(9.0)), mpmath.gammainc(2.5, 4.5, regularized=True)))
    return _close(cases)


def _chi_square_large() -> str | None:
    """As many degrees as a run samples: the two directions agree, and quantiles are where Wilson and Hilferty say."""
    for degrees in (40_001, 600_000):
        law = stats.chi2(degrees)
        for rate in RATES:
            for side, there, back, sign in (("upper", law.isf, law.sf, 1), ("lower", law.ppf, law.cdf, -1)):
                quantile = float(there(rate))
                z = sign * float(mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * mpmath.mpf(rate)))
                guess = degrees * (1 - 2 / (9 * degrees) + z * (2 / (9 * degrees)) ** 0.5) ** 3
                # Wilson and Hilferty's cube root errs by less than 1/degrees of a standard deviation here.
                if not abs(quantile - guess) <= (2 * degrees) ** 0.5 / degrees * 10:
                    return f"the {side} quantile of χ²_{degrees} at {rate} is {quantile}, expected about {guess}"
                if not abs(float(back(quantile)) - rate) <= 1e-6 * rate:
                    return f"the {side} tail at the quantile of χ²_{degrees} is {float(back(quantile))!r}, not {rate}"
    return None


def _beta() -> str | None:
    cases: list[tuple[str, float, Any]] = []
    for a, b in ((1, 1), (3, 8), (40, 161), (1, 20_000), (120, 1_881)):
        for rate in RATES:
            high, low = float(stats.beta.isf(rate, a, b)), float(stats.beta.ppf(rate, a, b))
            cases += [
                (f"P(Beta({a}, {b}) < its lower quantile)", float(_beta_below(low, a, b)), mpmath.mpf(rate)),
                (f"P(Beta({a}, {b}) > its upper quantile)", float(1 - _beta_below(high, a, b)), mpmath.mpf(rate)),
            ]
    return _close(cases)


def _binomial() -> str | None:
    cases = [
        (
            f"P(Bin({n}, {p}) > {at})",
            float(stats.binom(n, float(p)).sf(at)),
            mpmath.mpf(tail.numerator) / tail.denominator,
        )
        for n, p, at in (
            (1, Fraction(1, 4), 0),
            (7, Fraction(1, 4), 3),
            (41, Fraction(1, 4), 20),
            (60, Fraction(1, 2), 45),
        )
        for tail in [_binomial_tail(at, n, p)]
    ]
    return _close(cases)


def _normal() -> str | None:
    cases: list[tuple[str, float, Any]] = []
    for x in (-4.5, -1.0, 0.25, 3.0):
        cases += [
            (f"cdf of the normal law at {x}", float(stats.norm.cdf(x)), mpmath.ncdf(x)),
            (f"sf of the normal law at {x}", float(stats.norm.sf(x)), mpmath.ncdf(-x)),
        ]
    cases += [("P(N < its quantile)", float(mpmath.ncdf(float(stats.norm.ppf(r)))), mpmath.mpf(r)) for r in RATES]
    return _close(cases)


TESTS = tuple(
    SelfTest(name=name, area="laws", against=against, check=_precisely(check))
    for name, against, check in (
        ("χ² quantiles and tails", "the finite sum and mpmath, both directions", _chi_square),
        ("χ² quantiles with many degrees of freedom", "the other direction, Wilson and Hilferty", _chi_square_large),
        ("normal tails and quantiles", "mpmath, both directions", _normal),
        ("beta quantiles", "binomial sums in mpmath", _beta),
        ("binomial tails", "sums of exact fractions", _binomial),
    )
)
