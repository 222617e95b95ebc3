"""Verdicts, and the findings that compute them.

A finding holds what was predicted and what was seen and computes its own verdict; nobody assigns
one. Uncertain comparisons are never rounded in the claim's favour: a comparison that its own error
could turn is undecided, and so is one with a value that is not a number or overflowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import numpy as np

from verify.comparison import ZERO, Agreement, Bound, OnInstance, decided
from verify.exact import Entry, FindingError, compare, enclosed, exactly, middles, numbers, spelled, widest
from verify.proof import Argument, Identity
from verify.verdict import Grade, Verdict

__all__ = [
    "Agreement",
    "Argument",
    "Assumption",
    "Bound",
    "Estimate",
    "Finding",
    "FindingError",
    "Identity",
    "OnInstance",
    "Trend",
]


@dataclass(frozen=True, kw_only=True)
class Trend(OnInstance):
    """A curve that must fall (or rise) by at least `factor` from its first to its last point.

    `x` increases strictly. `rounding` is the absolute error of each value of y; values below -rounding fail, because
    the quantity is one that cannot be negative.
    """

    x: Any
    y: Any
    expected: Literal["falls", "rises"]
    factor: float
    reason: str
    rounding: Any = 0.0
    x_label: str = ""
    y_label: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle("x", "y")
        self.settle("rounding", least=0.0)
        if self.x.ndim != 1 or self.x.shape != self.y.shape or self.rounding.shape:
            raise FindingError(f"{self.name}: x {self.x.shape} and y {self.y.shape} must be lists of one length")
        if not np.all(np.diff(middles(self.x)) > 0):
            raise FindingError(f"{self.name}: x must increase from point to point")
        if self.expected not in ("falls", "rises"):
            raise FindingError(f"{self.name}: expected is {self.expected!r}; it is 'falls' or 'rises'")
        if not isfinite(self.factor) or self.factor < 1:
            raise FindingError(f"{self.name}: factor is {self.factor}; a factor below 1 asks for nothing")

    @property
    def verdict(self) -> Verdict:
        if not self.y.size or not np.all(np.isfinite(middles(self.y))):
            return Verdict.UNDECIDED
        if np.any(compare(ZERO, self.y, self.rounding).above):
            return Verdict.FAIL
        large, small = exactly(self.y[[0, -1] if self.expected == "falls" else [-1, 0]])
        factor, rounding = exactly(numbers(self.factor, "factor"))[()], exactly(self.rounding)[()]
        needed, room = np.array(factor * small), np.array((1 + factor) * rounding)
        return decided(compare(needed, np.array(large), -room).at_most, compare(needed, np.array(large), room).above)

    @property
    def grade(self) -> Grade:
        return Grade.CERTIFIED if enclosed(self.y) else Grade.NUMERIC

    @property
    def found(self) -> str:
        y = middles(self.y)
        if not y.size:
            return "no points"
        bad = np.flatnonzero(~np.isfinite(y))
        if bad.size:
            return f"not a number at {self.x_label or 'x'} {middles(self.x)[bad[0]]:g}"
        if np.any(compare(ZERO, self.y, self.rounding).above):
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
    undecided. The runner sets `rate` by Holm's correction over a claim.
    """

    allowed: tuple[float, float]
    interval: Callable[[float], tuple[float, float]]
    reason: str
    resolution: float = 0.0
    rate: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        ends = middles(numbers(list(self.allowed), f"{self.name}: allowed"))
        if ends.shape != (2,) or ends[0] > ends[1] or not np.any(np.isfinite(ends)):
            raise FindingError(f"{self.name}: allowed is {self.allowed}; give two ends in order, one of them finite")
        if not 0 <= self.resolution < np.inf:
            raise FindingError(f"{self.name}: resolution is {self.resolution}; it is finite and not negative")
        if not 0 < self.rate < 1:
            raise FindingError(f"{self.name}: rate is {self.rate}; it lies between 0 and 1")

    @property
    def verdict(self) -> Verdict:
        return self.verdict_at(self.rate)

    def verdict_at(self, rate: float) -> Verdict:
        """The verdict of the interval with error rate `rate`.

        Raises:
            FindingError: the interval ends before it begins.
        """
        low, high = self.ends(rate)
        if not isfinite(low) or not isfinite(high) or np.isnan(self.allowed).any():
            return Verdict.UNDECIDED
        if high < self.allowed[0] or low > self.allowed[1]:
            return Verdict.FAIL
        inside = low >= self.allowed[0] - self.resolution and high <= self.allowed[1] + self.resolution
        return Verdict.PASS if inside else Verdict.UNDECIDED

    def ends(self, rate: float) -> tuple[float, float]:
        """The interval with error rate `rate`.

        Raises:
            FindingError: it ends before it begins.
        """
        low, high = middles(numbers(list(self.interval(rate)), f"{self.name}: interval"))
        if low > high:
            raise FindingError(f"{self.name}: the interval [{low:g}, {high:g}] ends before it begins")
        return float(low), float(high)

    @property
    def grade(self) -> Grade:
        return Grade.STATISTICAL

    @property
    def found(self) -> str:
        low, high = self.ends(self.rate)
        claim = (
            f"claimed {self.allowed[0]:.4g}, resolved to {self.resolution:.2g}"
            if self.allowed[0] == self.allowed[1]
            else f"claimed within [{self.allowed[0]:.4g}, {self.allowed[1]:.4g}]"
        )
        return f"in [{low:.4g}, {high:.4g}] at error rate {self.rate:.2g}; {claim} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Assumption(OnInstance):
    """A hypothesis of the claim on this instance: it holds when `margin` exceeds `rounding`.

    `margin` is a number or a ball, which must be positive as a whole. A violated hypothesis makes the claim undecided,
    not false.
    """

    margin: Any
    meaning: str
    rounding: Any = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle("margin")
        self.settle("rounding", least=0.0)
        for field in ("margin", "rounding"):
            if getattr(self, field).shape:
                raise FindingError(f"{self.name}: {field} is a list; give one number, the smallest margin")

    @property
    def verdict(self) -> Verdict:
        return Verdict.PASS if compare(self.margin, self.rounding, ZERO).above else Verdict.UNDECIDED

    @property
    def grade(self) -> Grade:
        return Grade.CERTIFIED if enclosed(self.margin) else Grade.NUMERIC

    @property
    def found(self) -> str:
        state = "holds" if self.verdict is Verdict.PASS else "does not hold"
        if not np.isfinite([*middles(self.margin).ravel(), *middles(self.rounding).ravel()]).all():
            state = "not known"
        elif self.verdict is Verdict.UNDECIDED and not compare(self.margin, -self.rounding, ZERO).at_most:
            state = f"not decided beyond rounding {spelled(self.uncertainty, 2)}"
        return f"{state}, margin {spelled(self.margin[()], 3)}: {self.meaning}"

    @property
    def uncertainty(self) -> Entry:
        radius, stated = widest(self.margin), self.rounding[()]
        return radius if radius > stated else stated


Finding = Identity | Argument | Agreement | Bound | Trend | Estimate | Assumption
