"""Verdicts, and the findings that compute them.

A finding holds what was predicted and what was seen and computes its own verdict; nobody assigns
one. Uncertain comparisons are never rounded in the claim's favour: a comparison that its own error
could turn is undecided, and so is one with a value that is not a number or overflowed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Verdict(enum.IntEnum):
    """The four answers, ordered from best to worst."""

    PASS = 0
    UNDECIDED = 1
    FAIL = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; no evidence at all is undecided."""
    return max(verdicts, default=Verdict.UNDECIDED)


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
class Step:
    """One line of a derivation: the expression reached and the rule that leads to it."""

    expression: str
    rule: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An equation reduced to `residual = 0` by exact rules.

    `residual` is the normal form of left minus right: "0" is a proof. `witness` is an exact
    numerical instance at which the two sides differ: a refutation. Neither: unknown.
    """

    name: str
    residual: str
    derivation: tuple[Step, ...] = ()
    witness: str | None = None

    @property
    def status(self) -> Literal["proved", "refuted", "unknown"]:
        if self.witness is not None:
            return "refuted"
        return "proved" if self.residual == "0" else "unknown"

    @property
    def verdict(self) -> Verdict:
        return {"proved": Verdict.PASS, "refuted": Verdict.FAIL, "unknown": Verdict.UNDECIDED}[self.status]

    @property
    def reading(self) -> str:
        if self.status == "proved":
            return "proved for all dimensions"
        if self.status == "refuted":
            return f"refuted: {self.witness}"
        return f"not proved; what remains: {self.residual}"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Two computations of the same numbers: |predicted - observed| <= tolerance, entry by entry.

    Arrays broadcast. `reason` says where the tolerance comes from.
    """

    name: str
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
    def reading(self) -> str:
        error, tolerance = np.broadcast_arrays(self.error, _array(self.tolerance))
        if not error.size:
            return "nothing to compare"
        with np.errstate(over="ignore", invalid="ignore"):
            ratio = error / np.maximum(tolerance, np.finfo(float).tiny)
        worst_at = np.unravel_index(int(np.argmax(np.nan_to_num(ratio, nan=np.inf))), ratio.shape)
        return f"largest difference {error[worst_at]:.2g}, tolerance {tolerance[worst_at]:.2g} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An inequality observed <= bound, entry by entry.

    `rounding` is the absolute error of the comparison itself; within it the bound is undecided.
    `ceiling` is a value that `observed` can never exceed, if one is known: a bound above it is
    vacuous. `x` is what the entries are plotted against.
    """

    name: str
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
    def reading(self) -> str:
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
class Trend:
    """A curve that must fall (or rise) by at least `factor` from its first to its last point.

    `rounding` is the absolute error of each value of y; values below -rounding fail, because the
    quantity is one that cannot be negative.
    """

    name: str
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
    def reading(self) -> str:
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
class Estimate:
    """A parameter known through samples: a confidence interval against the values allowed.

    `interval(rate)` is the confidence interval that misses the parameter with probability at most
    `rate`. Inside `allowed` (widened by `resolution`, the smallest departure the sample is asked
    to resolve, for claims that name a single value) -> pass; disjoint from it -> fail; otherwise
    undecided. The runner sets `rate` by Holm's correction over a run.
    """

    name: str
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
    def reading(self) -> str:
        low, high = self.interval(self.rate)
        claim = (
            f"claimed {self.allowed[0]:.4g}, resolved to {self.resolution:.2g}"
            if self.allowed[0] == self.allowed[1]
            else f"claimed within [{self.allowed[0]:.4g}, {self.allowed[1]:.4g}]"
        )
        return f"in [{low:.4g}, {high:.4g}] at error rate {self.rate:.2g}; {claim} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A hypothesis of the claim on this instance: it holds when `margin` exceeds `rounding`.

    A violated hypothesis makes the claim undecided, not false.
    """

    name: str
    margin: float
    meaning: str
    rounding: float = 0.0

    @property
    def verdict(self) -> Verdict:
        return Verdict.PASS if self.margin > self.rounding else Verdict.UNDECIDED

    @property
    def reading(self) -> str:
        state = "holds" if self.verdict is Verdict.PASS else "does not hold"
        if self.verdict is Verdict.UNDECIDED and self.margin > -self.rounding:
            state = f"not decided beyond rounding {self.rounding:.2g}"
        return f"{state}, margin {self.margin:.3g}: {self.meaning}"


Finding = Identity | Agreement | Bound | Trend | Estimate | Assumption
