"""Numbers as they are given, compared without rounding.

float64 stays float64, with differences compared exactly; what float64 does not hold (integers above 2⁵³, fractions,
decimals, long doubles) becomes a rational number, and a ball stays a ball that is compared whole.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any, NamedTuple

import flint
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]  # float64; or objects, each a rational number (fmpq) or a ball (arb)
Entry = Any

BITS = 1 << 15  # of differences between balls: those of 8192 bits, 10^±4000 apart, are subtracted without rounding
LARGEST = 2**53  # up to here float64 holds every whole number


class FindingError(ValueError):
    """A finding that makes no sense as it stands; the message names it and what is wrong with it."""


class Comparison(NamedTuple):
    """Of every entry: whether it is certainly at most, or certainly above. Neither: open, or not a number."""

    at_most: NDArray[np.bool_]
    above: NDArray[np.bool_]


def numbers(value: Any, what: str) -> Numbers:
    """The real numbers in a scalar or in nested lists and arrays, as a new array that cannot be written to.

    Raises:
        FindingError: an entry is no real number, or the lists are ragged; `what` opens the sentence.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise FindingError(f"{what} is a masked array; give the entries that count")
    if isinstance(value, (flint.arb_mat, flint.fmpq_mat, flint.fmpz_mat)):
        value = value.tolist()
    try:  # a list of a large integer and a float would be rounded by numpy before anyone looks
        given = np.array(value) if hasattr(value, "__array__") else np.array(value, dtype=object)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise FindingError(f"{what} is no array of numbers ({error})") from None
    if given.dtype.kind not in "fiuO":
        raise FindingError(f"{what} holds {given.dtype}, not real numbers")
    if given.dtype != object and given.dtype.itemsize <= 8 and _fits(given):
        result = given.astype(np.float64)
    else:
        result = np.empty(given.shape, dtype=object)
        result.ravel()[:] = [_entry(entry, what) for entry in given.ravel()]
        if all(isinstance(entry, float) for entry in result.ravel()):
            result = result.astype(np.float64)
    result.flags.writeable = False
    return result


def _fits(given: NDArray[Any]) -> bool:
    """Whether every entry is exactly a float64 number."""
    return given.dtype.kind == "f" or bool(np.all(given <= LARGEST) and np.all(given >= -LARGEST))


def _entry(entry: Any, what: str) -> Entry:
    """A float64 number, a rational number or a ball, equal to what was given."""
    if isinstance(entry, np.ndarray) and entry.ndim == 0:
        return _entry(entry[()], what)
    if isinstance(entry, (flint.arb, flint.fmpq)):
        return entry
    if isinstance(entry, flint.fmpz):
        return flint.fmpq(entry)
    if isinstance(entry, (Decimal, np.longdouble)) and math.isfinite(entry):
        return flint.fmpq(*map(int, entry.as_integer_ratio()))
    if isinstance(entry, (float, np.floating, Decimal)):
        return float(entry)
    if isinstance(entry, (int, np.integer, Rational)) and not isinstance(entry, bool):
        whole = Fraction(int(entry.numerator), int(entry.denominator))
        small = whole.denominator == 1 and abs(whole) <= LARGEST
        return float(whole) if small else flint.fmpq(whole.numerator, whole.denominator)
    raise FindingError(f"{what} holds {str(entry)[:40]!r} of type {type(entry).__name__}, which is no real number")


def enclosed(*arrays: Numbers) -> bool:
    """Whether every entry is a ball, where there are entries."""
    return all(isinstance(entry, flint.arb) for array in arrays for entry in array.ravel())


def middles(array: Numbers) -> NDArray[np.float64]:
    """The entries rounded to float64, of balls the midpoints."""
    if array.dtype != object:
        return array
    flat = [float(x.mid() if isinstance(x, flint.arb) else _ball(x)) for x in array.ravel()]
    return np.array(flat, dtype=np.float64).reshape(array.shape)


def minus(left: Numbers, right: Numbers) -> Numbers:
    """left − right: rounded where both are float64, else exact up to the radii."""
    if left.dtype != object and right.dtype != object:
        with np.errstate(invalid="ignore", over="ignore"):  # inf − inf is NaN
            return np.asarray(left - right)
    with flint.ctx.workprec(BITS):
        return np.asarray(exactly(left) - exactly(right), dtype=object)


def compare(left: Numbers, right: Numbers, room: Numbers) -> Comparison:
    """left − right ≤ room, entry by entry and without rounding; an entry that is not finite decides nothing."""
    left, right, room = np.broadcast_arrays(left, right, room)
    if not any(array.dtype == object for array in (left, right, room)):
        return _compare_floats(left, right, room)
    with flint.ctx.workprec(BITS):
        surplus = exactly(left) - exactly(right) - exactly(room)
        flat = [x if _finite(x) else flint.arb("nan") for x in np.ravel(surplus)]
        sides = ([bool(x <= 0) for x in flat], [bool(x > 0) for x in flat])
    return Comparison(*(np.array(side, dtype=bool).reshape(left.shape) for side in sides))


def _compare_floats(left: NDArray[Any], right: NDArray[Any], room: NDArray[Any]) -> Comparison:
    """The rounded difference decides, unless it is exactly `room`: then its rounding error, which is a float64 number.

    Rounding is monotone, so left − right ≤ room implies round(left − right) ≤ room, and likewise for ≥.
    """
    known = np.isfinite(left) & np.isfinite(right) & np.isfinite(room)
    with np.errstate(invalid="ignore", over="ignore"):
        rounded = left - right
        back = rounded - left
        error = (left - (rounded - back)) + (-right - back)  # Knuth 1969: rounded + error is left − right
        tie = rounded == room
        return Comparison(
            known & ((rounded < room) | (tie & (error <= 0))), known & ((rounded > room) | (tie & (error > 0)))
        )


def over(left: Numbers, right: Numbers) -> NDArray[np.float64]:
    """left / right, rounded to float64, of balls the midpoint of the quotient."""
    if left.dtype != object and right.dtype != object:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return np.asarray(left / right)
    pairs = zip(exactly(left).ravel(), exactly(right).ravel(), strict=True)
    return np.array([float((_ball(a) / _ball(b)).mid()) for a, b in pairs]).reshape(left.shape)


def largest(array: Numbers) -> Entry:
    """The entry with the largest midpoint; NaN if there is one, or no entry."""
    known = middles(array)
    if not array.size or np.any(np.isnan(known)):
        return math.nan
    return float(known.max()) if array.dtype != object else max(array.ravel(), key=lambda entry: _ball(entry).mid())


def widest(array: Numbers) -> Entry:
    """The largest radius of a ball among the entries."""
    return max((entry.rad() for entry in array.ravel() if isinstance(entry, flint.arb)), default=0.0)


def exactly(array: Numbers) -> Numbers:
    """The same entries as rational numbers and balls, whose sums and products nothing rounds."""
    result = np.empty(array.shape, dtype=object)
    result.ravel()[:] = [_exact(entry) for entry in array.ravel()]
    return result


def spelled(entry: Entry, digits: int) -> str:
    """An entry to so many digits, also where float64 has none for it."""
    if isinstance(entry, float):
        return f"{entry:.{digits}g}"
    middle = _ball(entry).mid()
    value = float(middle)
    lost = middle.is_finite() and (math.isinf(value) or (value == 0 and middle != 0))
    return str(middle.str(digits, radius=False)) if lost else f"{value:.{digits}g}"


def _ball(entry: Entry) -> flint.arb:
    return flint.arb(entry)


def _exact(entry: Entry) -> Entry:
    if not isinstance(entry, float):
        return entry
    return flint.fmpq(*entry.as_integer_ratio()) if math.isfinite(entry) else flint.arb(entry)


def _finite(entry: Entry) -> bool:
    return isinstance(entry, flint.fmpq) or bool(entry.is_finite())
