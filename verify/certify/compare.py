"""From balls to findings: comparisons of float64 numbers whose stated error covers radii and conversion."""

from __future__ import annotations

from collections.abc import Sequence

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from verify.claim import Bound


def upper(ball: flint.arb) -> float:
    """A float64 number that no point of the ball exceeds."""
    value = float(ball.upper())
    return value if flint.arb(value) >= ball else float(np.nextafter(value, np.inf))


def lower(ball: flint.arb) -> float:
    """A float64 number that every point of the ball reaches."""
    return -upper(-ball)


def middles(values: Sequence[flint.arb]) -> Float[ndarray, " n"]:
    """The midpoints, rounded to float64."""
    return np.array([float(value.mid()) for value in values])


def bound_of(
    name: str, observed: Sequence[flint.arb], bound: Sequence[flint.arb], reason: str,
    *, x: ArrayLike | None = None, x_label: str = "", elsewhere: str = "",
) -> Bound:  # fmt: skip
    """The finding observed <= bound, entry by entry, decided by whole balls.

    `rounding` bounds the distance between the float64 difference and any point of the difference of
    the balls, so the finding passes only where every point of the balls obeys the inequality. A number
    that is not known at all (nan, or a ball without end) decides nothing: 0 against 0, with infinite error.
    """
    left, right = middles(observed), middles(bound)
    rounding = np.full(len(left), np.inf)
    for i, (a, b) in enumerate(zip(observed, bound, strict=True)):
        if np.isfinite(left[i]) and np.isfinite(right[i]) and np.isfinite(left[i] - right[i]):
            rounding[i] = upper(abs(a - b - flint.arb(float(left[i] - right[i]))))
        if not np.isfinite(rounding[i]):
            left[i] = right[i] = 0.0
            rounding[i] = np.inf
    return Bound(
        name=name, observed=left, bound=right, rounding=rounding, reason=reason, x=x, x_label=x_label,
        elsewhere=elsewhere,
    )  # fmt: skip
