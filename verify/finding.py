"""Verdicts, and the findings that compute them.

A finding holds what was predicted and what was seen and computes its own verdict; nobody assigns
one. Uncertain comparisons are never rounded in the claim's favour: a comparison that its own error
could turn is undecided, and so is one with a value that is not a number or overflowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.proof import Argument, Identity
from verify.verdict import Verdict


def _array(value: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(value, dtype=np.float64)


def _decide(surplus: NDArray[np.float64], rounding: ArrayLike = 0.0) -> Verdict:
    """Pass when every entry of `surplus` is certainly ≥ 0, fail when some finite one is certainly < 0, else undecided.

    `rounding` is the absolute error of `surplus`. An entry that is not finite has overflowed: it decides nothing.
    """
    above, error = np.broadcast_arrays(surplus, np.asarray(rounding, dtype=np.float64))
    known = np.isfinite(above) & np.isfinite(error)
    if np.any(known & (above < -error)):
        return Verdict.FAIL
    return Verdict.PASS if known.size and np.all(known & (above >= error)) else Verdict.UNDECIDED


@dataclass(frozen=True, kw_only=True)
class OnInstance:
    """What every finding about an instance shares.

    `elsewhere` is the name of the instance that it was made on where that is not the record's: such a finding says
    nothing about the record's own.
    """

    name: str
    elsewhere: str = ""

    @property
    def reading(self) -> str:
        """What was found, in words, and where."""
        return self.found + (f", on the {self.elsewhere} instance" if self.elsewhere else "")

    @property
    def found(self) -> str:
        """What was found, in words."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Agreement(OnInstance):
    """Two computations of the same numbers: |predicted - observed| <= tolerance, entry by entry.

    Arrays broadcast. `reason` says where the tolerance comes from.
    """

    predicted: ArrayLike
    observed: ArrayLike
    tolerance: ArrayLike
    reason: str

    @property
    def difference(self) -> NDArray[np.float64]:
        """observed - predicted."""
        with np.errstate(invalid="ignore"):  # inf - inf is NaN
            return np.asarray(_array(self.observed) - _array(self.predicted))

    @property
    def error(self) -> NDArray[np.float64]:
        """|observed - predicted|."""
        return np.abs(self.difference)

    @property
    def verdict(self) -> Verdict:
        with np.errstate(invalid="ignore"):
            return _decide(_array(self.tolerance) - self.error)

    @property
    def found(self) -> str:
        error, tolerance = np.broadcast_arrays(self.error, _array(self.tolerance))
        if not error.size:
            return "nothing to compare"
        with np.errstate(over="ignore", invalid="ignore"):
            ratio = error / np.maximum(tolerance, np.finfo(float).tiny)
        worst_at = np.unravel_index(int(np.argmax(np.nan_to_num(ratio, nan=np.inf))), ratio.shape)
        return f"largest difference {error[worst_at]:.2g}, tolerance {tolerance[worst_at]:.2g} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Bound(OnInstance):
    """An inequality observed <= bound, entry by entry.

    `rounding` is the absolute error of the comparison itself; within it the bound is undecided.
    `ceiling` is a value that `observed` can never exceed, if one is known: a bound above it is
    vacuous. `x` is what the entries are plotted against.
    """

    observed: ArrayLike
    bound: ArrayLike
    reason: str
    rounding: ArrayLike = 0.0
    ceiling: float | None = None
    x: ArrayLike | None = None
    x_label: str = ""

    @property
    def excess(self) -> NDArray[np.float64]:
        """observed - bound."""
        with np.errstate(invalid="ignore"):  # inf - inf is NaN
            return np.asarray(_array(self.observed) - _array(self.bound))

    @property
    def verdict(self) -> Verdict:
        return _decide(-self.excess, self.rounding)

    @property
    def slack(self) -> float:
        """The smallest bound/observed over the entries: 1 is tight, below 1 is violated."""
        observed, bound = np.broadcast_arrays(_array(self.observed), _array(self.bound))
        tight = observed > 0
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.min(bound[tight] / observed[tight], initial=np.inf))

    @property
    def vacuous(self) -> bool:
        return bool(np.all(_array(self.bound) >= (np.inf if self.ceiling is None else self.ceiling)))

    @property
    def found(self) -> str:
        excess = self.excess
        if not excess.size:
            return "nothing to compare"
        text = f"slack {self.slack:.3g}" if np.isfinite(self.slack) else f"margin {-np.max(excess):.3g}"
        if not np.all(np.isfinite(excess)):
            text = "not a number, which decides nothing"
        elif self.verdict is Verdict.FAIL:
            text = f"violated: observed exceeds the bound by {np.max(excess):.3g}"
        elif self.verdict is Verdict.UNDECIDED:
            text = f"within rounding error {np.max(_array(self.rounding), initial=0.0):.2g}"
        return text + (", vacuous" if self.vacuous else "") + f" ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Trend(OnInstance):
    """A curve that must fall (or rise) by at least `factor` from its first to its last point.

    `rounding` is the absolute error of each value of y; values below -rounding fail, because the
    quantity is one that cannot be negative.
    """

    x: ArrayLike
    y: ArrayLike
    expected: Literal["falls", "rises"]
    factor: float
    reason: str
    rounding: float = 0.0
    x_label: str = ""
    y_label: str = ""

    @property
    def verdict(self) -> Verdict:
        y = _array(self.y)
        if not y.size:
            return Verdict.UNDECIDED
        if not np.all(np.isfinite(y)):
            return Verdict.UNDECIDED
        if np.any(y < -self.rounding):
            return Verdict.FAIL
        large, small = (y[0], y[-1]) if self.expected == "falls" else (y[-1], y[0])
        return _decide(np.array(large - self.factor * small), (1 + self.factor) * self.rounding)

    @property
    def found(self) -> str:
        y = _array(self.y)
        if not y.size:
            return "no points"
        bad = np.flatnonzero(~np.isfinite(y))
        if bad.size:
            return f"not a number at {self.x_label or 'x'} {_array(self.x)[bad[0]]:g}"
        if np.any(y < -self.rounding):
            return f"negative ({y.min():.3g}), which is impossible for this quantity"
        large, small = (y[0], y[-1]) if self.expected == "falls" else (y[-1], y[0])
        reached = f"a factor of {large / small:.3g}" if small > 0 else "to zero"
        return f"from {y[0]:.3g} to {y[-1]:.3g}, {reached}; required {self.factor:.3g} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Estimate(OnInstance):
    """A parameter known through samples: a confidence interval against the values allowed.

    `interval(rate)` is the confidence interval that misses the parameter with probability at most
    `rate`. Inside `allowed` (widened by `resolution`, the smallest departure the sample is asked
    to resolve, for claims that name a single value) -> pass; disjoint from it -> fail; otherwise
    undecided. The runner sets `rate` by Holm's correction over a run.
    """

    allowed: tuple[float, float]
    interval: Callable[[float], tuple[float, float]]
    reason: str
    resolution: float = 0.0
    rate: float = 1e-3

    @property
    def verdict(self) -> Verdict:
        return self.verdict_at(self.rate)

    def verdict_at(self, rate: float) -> Verdict:
        """The verdict of the interval with error rate `rate`."""
        low, high = self.interval(rate)
        if not np.all(np.isfinite([low, high, self.resolution])) or np.isnan(self.allowed).any():
            return Verdict.UNDECIDED
        if high < self.allowed[0] or low > self.allowed[1]:
            return Verdict.FAIL
        inside = low >= self.allowed[0] - self.resolution and high <= self.allowed[1] + self.resolution
        return Verdict.PASS if inside else Verdict.UNDECIDED

    @property
    def found(self) -> str:
        low, high = self.interval(self.rate)
        claim = (
            f"claimed {self.allowed[0]:.4g}, resolved to {self.resolution:.2g}"
            if self.allowed[0] == self.allowed[1]
            else f"claimed within [{self.allowed[0]:.4g}, {self.allowed[1]:.4g}]"
        )
        return f"in [{low:.4g}, {high:.4g}] at error rate {self.rate:.2g}; {claim} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Assumption(OnInstance):
    """A hypothesis of the claim on this instance: it holds when `margin` exceeds `rounding`.

    A violated hypothesis makes the claim undecided, not false.
    """

    margin: float
    meaning: str
    rounding: float = 0.0

    @property
    def verdict(self) -> Verdict:
        return Verdict.PASS if self.margin > self.rounding else Verdict.UNDECIDED

    @property
    def found(self) -> str:
        state = "holds" if self.verdict is Verdict.PASS else "does not hold"
        if self.verdict is Verdict.UNDECIDED and self.margin > -self.rounding:
            state = f"not decided beyond rounding {self.rounding:.2g}"
        return f"{state}, margin {self.margin:.3g}: {self.meaning}"


Finding = Identity | Argument | Agreement | Bound | Trend | Estimate | Assumption
