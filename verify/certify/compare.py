"""From balls to findings and to float64 numbers on the safe side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import flint
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike

from verify.claim import Bound, FindingError


def upper(ball: flint.arb) -> float:
    """A float64 number that no point of the ball exceeds."""
    value = float(ball.upper())
    return value if flint.arb(value) >= ball else float(np.nextafter(value, np.inf))


def lower(ball: flint.arb) -> float:
    """A float64 number that every point of the ball reaches."""
    return -upper(-ball)


def between(low: float, high: float) -> flint.arb:
    """The ball of all numbers from `low` to `high`."""
    return flint.arb((low + high) / 2, (high - low) / 2)


def midpoints(values: Sequence[flint.arb]) -> Float[ndarray, " n"]:
    """The midpoints, rounded to float64."""
    return np.array([float(value.mid()) for value in values])


def bound_of(
    name: str,
    observed: Sequence[flint.arb],
    bound: Sequence[flint.arb],
    reason: str,
    *,
    x: ArrayLike | None = None,
    x_label: str = "",
    elsewhere: str = "",
    quantities: Mapping[str, float] = MappingProxyType({}),
) -> Bound:
    """The finding observed <= bound, entry by entry, decided by whole balls.

    It passes only where every point of the balls obeys the inequality. A number that is not known at all (nan, or a
    ball without end) decides nothing.

    Raises:
        FindingError: the lists differ in length.
    """
    if len(observed) != len(bound):
        raise FindingError(f"{name}: {len(observed)} numbers were observed, for {len(bound)} bounds")
    return Bound(
        name=name,
        observed=list(observed),
        bound=list(bound),
        reason=reason,
        x=x,
        x_label=x_label,
        elsewhere=elsewhere,
        quantities=quantities,
    )
