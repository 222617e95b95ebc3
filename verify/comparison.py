"""Findings that compare numbers on an instance, entry by entry: agreement and inequality.

Numbers are compared as they were given, without rounding, and balls are compared whole (see `verify.exact`). A number
that is not finite decides nothing: it has overflowed, or a tolerance that allows everything was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.exact import (
    Entry,
    FindingError,
    Numbers,
    compare,
    enclosed,
    largest,
    middles,
    minus,
    numbers,
    over,
    spelled,
    widest,
)
from verify.verdict import Grade, Verdict

ZERO = numbers(0.0, "zero")


@dataclass(frozen=True, kw_only=True)
class OnInstance:
    """What every finding about an instance shares.

    `elsewhere` is the name of the instance that it was made on where that is not the record's: such a finding says
    nothing about the record's own. `quantities` names the numbers that its sentence speaks of, for programs.

    Raises:
        FindingError: the finding has no name, or a number in it makes no sense.
    """

    name: str
    elsewhere: str = ""
    quantities: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise FindingError(f"a finding is called {self.name!r}; give it a name")
        if not isinstance(self.elsewhere, str):
            raise FindingError(f"{self.name}: elsewhere is {self.elsewhere!r}; give the name of an instance")
        if not all(isinstance(value, (int, float)) for value in self.quantities.values()):
            raise FindingError(f"{self.name}: quantities are {dict(self.quantities)!r}; give numbers by name")

    @property
    def reading(self) -> str:
        """What was found, in words, and where."""
        return self.found + (f", on the {self.elsewhere} instance" if self.elsewhere else "")

    @property
    def found(self) -> str:
        """What was found, in words."""
        raise NotImplementedError

    @property
    def grade(self) -> Grade:
        """Certified where only balls were compared; a float tells nothing about its own error."""
        raise NotImplementedError

    def settle(self, *fields: str, least: float | None = None) -> None:
        """Replace the fields by arrays of numbers, none of them below `least`.

        Raises:
            FindingError: there is something else in them.
        """
        for name in fields:
            array = numbers(getattr(self, name), f"{self.name}: {name}")
            if least is not None and np.any(middles(array) < least):
                raise FindingError(f"{self.name}: {name} is {middles(array).min():g}, it cannot be below {least:g}")
            object.__setattr__(self, name, array)

    def alike(self, *fields: str) -> None:
        """Make sure that the fields broadcast.

        Raises:
            FindingError: they do not.
        """
        shapes = [getattr(self, name).shape for name in fields]
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            told = ", ".join(f"{name} {shape}" for name, shape in zip(fields, shapes, strict=True))
            raise FindingError(f"{self.name}: the shapes do not fit: {told}") from None


@dataclass(frozen=True, kw_only=True)
class Agreement(OnInstance):
    """Two computations of the same numbers: |predicted - observed| <= tolerance, entry by entry.

    Arrays broadcast; entries are float64, exact numbers or balls. `reason` says where the tolerance comes from.
    """

    predicted: Any
    observed: Any
    tolerance: Any
    reason: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle("predicted", "observed")
        self.settle("tolerance", least=0.0)
        self.alike("predicted", "observed", "tolerance")

    @property
    def difference(self) -> NDArray[np.float64]:
        """observed - predicted, rounded."""
        return middles(minus(self.observed, self.predicted))

    @property
    def error(self) -> Numbers:
        """|observed - predicted|."""
        return np.asarray(abs(minus(self.observed, self.predicted)))

    @property
    def verdict(self) -> Verdict:
        above = compare(self.observed, self.predicted, self.tolerance)
        below = compare(self.predicted, self.observed, self.tolerance)
        return decided(above.at_most & below.at_most, above.above | below.above)

    @property
    def grade(self) -> Grade:
        return Grade.CERTIFIED if enclosed(self.predicted, self.observed) and _zero_or_ball(self.tolerance) else NUMERIC

    @property
    def found(self) -> str:
        error, tolerance = np.broadcast_arrays(self.error, self.tolerance)
        if not error.size:
            return "nothing to compare"
        least = numbers(np.finfo(float).tiny, "least")
        share = over(error, np.where(middles(tolerance) > 0, tolerance, least))
        worst_at = np.unravel_index(int(np.argmax(np.nan_to_num(share, nan=np.inf))), share.shape)
        shown = spelled(error[worst_at], 2), spelled(tolerance[worst_at], 2)
        return f"largest difference {shown[0]}, tolerance {shown[1]} ({self.reason})"


@dataclass(frozen=True, kw_only=True)
class Bound(OnInstance):
    """An inequality observed <= bound, entry by entry.

    Entries are float64, exact numbers or balls. `rounding` is the absolute error of float64 entries; within it, and
    where balls overlap, the bound is undecided. `ceiling` is a value that `observed` can never exceed, if one is
    known: a bound above it is vacuous. `x` is what the entries are plotted against.
    """

    observed: Any
    bound: Any
    reason: str
    rounding: Any = 0.0
    ceiling: float | None = None
    x: Any = None
    x_label: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settle("observed", "bound")
        self.settle("rounding", least=0.0)
        if self.x is not None:
            self.settle("x")
        self.alike("observed", "bound", "rounding", *([] if self.x is None else ["x"]))
        if self.ceiling is not None and not np.isfinite(self.ceiling):
            raise FindingError(f"{self.name}: ceiling is {self.ceiling}; leave it out where there is none")

    @property
    def excess(self) -> NDArray[np.float64]:
        """observed - bound, rounded."""
        return middles(minus(self.observed, self.bound))

    @property
    def uncertainty(self) -> Entry:
        """The largest error of a comparison: `rounding`, or the radius of a difference of balls."""
        stated, radius = largest(self.rounding) if np.size(self.rounding) else 0.0, widest(self._excess)
        return radius if radius > stated else stated

    @property
    def verdict(self) -> Verdict:
        rounding = self.rounding
        return decided(
            compare(self.observed, self.bound, -rounding).at_most, compare(self.observed, self.bound, rounding).above
        )

    @property
    def grade(self) -> Grade:
        return Grade.CERTIFIED if enclosed(self.observed, self.bound) and _zero_or_ball(self.rounding) else NUMERIC

    @property
    def slack(self) -> float:
        """The smallest bound/observed over the entries: 1 is tight, below 1 is violated."""
        observed, bound = np.broadcast_arrays(self.observed, self.bound)
        tight = compare(observed, ZERO, ZERO).above
        return float(np.min(over(bound[tight], observed[tight]), initial=np.inf))

    @property
    def vacuous(self) -> bool:
        return bool(np.all(middles(self.bound) >= (np.inf if self.ceiling is None else self.ceiling)))

    @property
    def found(self) -> str:
        excess, slack = self._excess, self.slack
        if not excess.size:
            return "nothing to compare"
        text = f"slack {slack:.3g}" if np.isfinite(slack) else f"margin {spelled(-largest(excess), 3)}"
        if not np.all(np.isfinite(middles(excess))):
            text = "not a number, which decides nothing"
        elif self.verdict is Verdict.FAIL:
            text = f"violated: observed exceeds the bound by {spelled(largest(excess), 3)}"
        elif self.verdict is Verdict.UNDECIDED:
            text = f"within rounding error {spelled(self.uncertainty, 2)}"
        return text + (", vacuous" if self.vacuous else "") + f" ({self.reason})"

    @property
    def _excess(self) -> Numbers:
        return minus(self.observed, self.bound)


NUMERIC = Grade.NUMERIC


def decided(certain: NDArray[np.bool_], violated: NDArray[np.bool_]) -> Verdict:
    """Fail when some entry is violated, pass when every one is certain, else (or without entries) undecided."""
    if np.any(violated):
        return Verdict.FAIL
    return Verdict.PASS if certain.size and np.all(certain) else Verdict.UNDECIDED


def _zero_or_ball(allowance: Numbers) -> bool:
    """Whether an error that is allowed for is none, or itself enclosed."""
    return enclosed(allowance) or not np.any(middles(allowance))
