"""How a self-test compares: exact ends of balls, brackets of true values, float64 against a true value."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isfinite, isqrt
from typing import Any

Bracket = tuple[Fraction, Fraction]
BITS = 192  # of the brackets below; flint is asked for at most 128
# Of a series: 1/60! < 2^−272, and (1/3)^121 < 2^−191. Counted, so that not even broken fractions go on for ever.
TERMS = 60
HALF_ULP = Fraction(1, 2**53)


def first_trouble(cases: Iterable[tuple[str, Any, Any]]) -> str | None:
    """The first case (name, found, expected) whose two values are not the same, in words."""
    for name, found, expected in cases:
        if not _same(found, expected):
            return f"{name} is {found}, expected {expected}"
    return None


def _same(found: Any, expected: Any) -> bool:
    return str(found) == str(expected)  # compared as text: what is tested may be the comparison itself


def point(ball: Any) -> Fraction:
    """The exact value of a midpoint or radius; its mantissa and exponent are integers."""
    mantissa, exponent = (int(part) for part in ball.man_exp())
    return Fraction(mantissa) * (Fraction(2) ** exponent)


def ends(ball: Any) -> Bracket:
    """The exact ends, from midpoint and radius."""
    middle, radius = point(ball.mid()), point(ball.rad())
    return middle - radius, middle + radius


def enclosing(name: str, ball: Any, truth: Bracket | Fraction | int, width: Fraction) -> str | None:
    """The ball must hold all of the true values, and exceed them on neither side by more than `width`."""
    low, high = truth if isinstance(truth, tuple) else (Fraction(truth), Fraction(truth))
    left, right = ends(ball)
    if not (left <= low and high <= right):
        return f"{name} = {ball} does not hold the true {float(low)!r} to {float(high)!r}"
    if low - left > width or right - high > width:
        return f"{name} = {ball} is wider than the true {float(low)!r} to {float(high)!r} by more than {float(width)!r}"
    return None


def near(name: str, found: float, truth: Fraction, error: Fraction) -> str | None:
    """A float64 number within `error`, relative to the true value."""
    value = float(found)
    if isfinite(value) and abs(Fraction(value) - truth) <= error * abs(truth):
        return None
    return f"{name} = {value!r}, but the true value is {float(truth)!r}"


def exponential(x: Fraction) -> Bracket:
    """exp x for 0 <= x <= 1, by its series: the tail after n terms is below twice the next."""
    total, term = Fraction(0), Fraction(1)
    for n in range(1, TERMS + 1):
        total = total + term
        term = term * x / n
    return total, total + 2 * term


def logarithm(y: Fraction) -> Bracket:
    """log y for 1 <= y <= 2, as 2 artanh((y − 1)/(y + 1)): the tail is below twice the next term."""
    z = (y - 1) / (y + 1)
    total, power = Fraction(0), z
    for n in range(TERMS):
        total, power = total + power / (2 * n + 1), power * z * z
    return 2 * total, 2 * total + 4 * power


def root(x: Fraction) -> Bracket:
    """√x, by the integer square root."""
    scale = 2**BITS
    whole = isqrt(x.numerator * scale * scale // x.denominator)
    return Fraction(whole, scale), Fraction(whole + 1, scale)


def over(above: Bracket, below: Bracket) -> Bracket:
    """The quotient of positive brackets."""
    return above[0] / below[1], above[1] / below[0]


def shifted(bracket: Bracket, by: Fraction | int) -> Bracket:
    return bracket[0] + by, bracket[1] + by
