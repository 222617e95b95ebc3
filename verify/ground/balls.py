"""Ball arithmetic on cases whose true value is known in exact integers: both ends, and how wide the ball is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import flint

from verify.ground.compare import (
    Bracket,
    enclosing,
    ends,
    exponential,
    first_trouble,
    logarithm,
    over,
    point,
    root,
    shifted,
)
from verify.ground.selftest import SelfTest

BITS = (53, 128)  # the precisions at which functions are tried
# An enclosure of a value of size at most 2^8 may exceed it by a few units in the last place: 2^(12 − bits) in all.
SLACK_BITS = 12
RADIUS_SLACK = Fraction(1, 2**24)  # flint keeps a radius to 30 bits and rounds it up


def _ball(middle: int | Fraction, radius: int = 0) -> Any:
    value = flint.arb(flint.fmpq(middle.numerator, middle.denominator))
    return flint.arb(value.mid(), radius) if radius else value


def _enclosures(cases: Callable[[], Iterator[tuple[str, Any, Bracket | Fraction | int]]]) -> str | None:
    """Every case at every precision; the first that is wrong."""
    for bits in BITS:
        with flint.ctx.workprec(bits):
            for name, ball, truth in cases():
                trouble = enclosing(f"at {bits} bits, {name}", ball, truth, Fraction(1, 2 ** (bits - SLACK_BITS)))
                if trouble:
                    return trouble
    return None


def _wide(cases: Iterator[tuple[str, Any, int | Fraction, int | Fraction]]) -> str | None:
    """Balls that are wide themselves: the result must hold the true ends and little more."""
    for name, ball, low, high in cases:
        trouble = enclosing(name, ball, (Fraction(low), Fraction(high)), RADIUS_SLACK * 64)
        if trouble:
            return trouble
    return None


def _parts() -> str | None:
    third, exact, wide = _ball(Fraction(1, 3)), flint.arb(-3), flint.arb(3, 1)
    left, right = ends(third)
    cases = [
        ("midpoint of −3", point(exact.mid()), -3),
        ("radius of −3", point(exact.rad()), 0),
        ("midpoint of 3 ± 1", point(wide.mid()), 3),
        ("1/3 is enclosed", left < Fraction(1, 3) < right, True),
        ("radius of 3 ± 1 is 1", 1 <= point(wide.rad()) <= 1 + RADIUS_SLACK, True),
        ("float of 3/8", float(_ball(Fraction(3, 8))), 0.375),
        ("ball of 0.1", point(flint.arb(0.1)), Fraction(0.1)),
        ("−3 is exact", exact.is_exact(), True),
        ("3 ± 1 is exact", wide.is_exact(), False),
        ("integer in 7 ± 1/4", flint.arb(7, 0.25).unique_fmpz(), 7),
        ("integer in 7 ± 2", flint.arb(7, 2).unique_fmpz(), None),
        ("bits of 1 ± 2⁻⁴⁰", abs(int(flint.arb(1, 2.0**-40).rel_accuracy_bits()) - 40) <= 4, True),
        ("text of 1/4", _ball(Fraction(1, 4)).str(5), "0.25000"),
    ]
    return first_trouble(cases)


def _ends() -> str | None:
    third, wide = _ball(Fraction(1, 3)), flint.arb(3, 1)
    low, high = ends(third)
    for name, end, at_least, at_most in (
        ("upper end of 3 ± 1", wide.upper(), 4, 4 + RADIUS_SLACK),
        ("lower end of 3 ± 1", wide.lower(), 2 - RADIUS_SLACK, 2),
        ("upper end of 1/3", third.upper(), high, high + Fraction(1, 2**40)),
        ("lower end of 1/3", third.lower(), low - Fraction(1, 2**40), low),
        ("largest |x| of −3 ± 1", flint.arb(-3, 1).abs_upper(), 4, 4 + RADIUS_SLACK),
        ("least |x| of −3 ± 1", flint.arb(-3, 1).abs_lower(), 2 - RADIUS_SLACK, 2),
        ("least |x| of 1 ± 3", flint.arb(1, 3).abs_lower(), 0, 0),
    ):
        value = point(end.mid())
        if not at_least <= value <= at_most or point(end.rad()) != 0:
            return f"{name} is {end}, expected a point from {float(at_least)!r} to {float(at_most)!r}"
    return None


def _arithmetic() -> str | None:
    def cases() -> Iterator[tuple[str, Any, Fraction | int]]:
        third, seventh = _ball(Fraction(1, 3)), _ball(Fraction(1, 7))
        yield "1/3 + 1/7", third + seventh, Fraction(10, 21)
        yield "1/3 − 1/7", third - seventh, Fraction(4, 21)
        yield "1/3 · 1/7", third * seventh, Fraction(1, 21)
        yield "(1/3)/(1/7)", third / seventh, Fraction(7, 3)
        yield "1/3 + 2", third + 2, Fraction(7, 3)
        yield "2 − 1/3", 2 - third, Fraction(5, 3)
        yield "3 · 1/7", 3 * seventh, Fraction(3, 7)
        yield "1/(1/3)", 1 / third, 3
        yield "−(1/3)", -third, Fraction(-1, 3)
        yield "|−1/3|", abs(-third), Fraction(1, 3)
        yield "(1/3)³", third**3, Fraction(1, 27)
        yield "8^(1/3)", flint.arb(8) ** third, 2
        yield "0.1 from text", flint.arb("0.1"), Fraction(1, 10)
        yield "sum of three", sum((third, third, third), flint.arb(0)), 1

    return _enclosures(cases)


def _wide_arithmetic() -> str | None:
    a, b = flint.arb(2, 1), flint.arb(-4, 1)  # 1 to 3, and −5 to −3
    return _wide(
        iter(
            [
                ("(1 to 3) + (−5 to −3)", a + b, -4, 0),
                ("(1 to 3) − (−5 to −3)", a - b, 4, 8),
                ("(1 to 3) · (−5 to −3)", a * b, -15, -1),
                ("(1 to 3)/2", a / 2, Fraction(1, 2), Fraction(3, 2)),
                ("|−5 to −3|", abs(b), 3, 5),
                ("−(1 to 3)", -a, -3, -1),
                ("hull of 1 and 5", flint.arb(1).union(flint.arb(5)), 1, 5),
                ("hull of 5 and 1", flint.arb(5).union(flint.arb(1)), 1, 5),
                ("larger of (1 to 3) and (0 to 5)", a.max(flint.arb(2.5, 2.5)), 1, 5),
                ("smaller of (1 to 3) and (0 to 5)", a.min(flint.arb(2.5, 2.5)), 0, 3),
                ("larger of 2 and 7", flint.arb(2).max(flint.arb(7)), 7, 7),
                ("smaller of 2 and 7", flint.arb(2).min(flint.arb(7)), 2, 2),
                ("nonnegative part of −1 to 3", flint.arb(1, 2).nonnegative_part(), 0, 3),
                ("nonnegative part of 1 to 3", a.nonnegative_part(), 1, 3),
            ]
        )
    )


def _quotients() -> str | None:
    low, high = ends(flint.arb(2, 1) / flint.arb(4, 1))
    if not (low <= Fraction(1, 5) and high >= 1):
        return f"(1 to 3)/(3 to 5) is {float(low)!r} to {float(high)!r}, which misses 1/5 to 1"
    cases = [
        ("1/(−1 to 1) is finite", (1 / flint.arb(0, 1)).is_finite(), False),
        ("0/0 is finite", (flint.arb(0) / 0).is_finite(), False),
        ("7 is finite", flint.arb(7).is_finite(), True),
        ("0 is zero", flint.arb(0).is_zero(), True),
        ("±1 is zero", flint.arb(0, 1).is_zero(), False),
        ("1/3 is zero", _ball(Fraction(1, 3)).is_zero(), False),
        ("floor of 7/2", float(_ball(Fraction(7, 2)).floor()), 3.0),
        ("ceiling of 7/2", float(_ball(Fraction(7, 2)).ceil()), 4.0),
        ("floor of −7/2", float(_ball(Fraction(-7, 2)).floor()), -4.0),
    ]
    return first_trouble(cases)


def _comparisons() -> str | None:
    wide, two, four = flint.arb(3, 1), flint.arb(2), flint.arb(4)  # 2 to 4, a little more for its radius
    cases = [
        ("3 ± 1 < 5", wide < 5, True),
        ("3 ± 1 < 3.5", wide < 3.5, False),
        ("3 ± 1 <= 5", wide <= 5, True),
        ("3 ± 1 <= 3", wide <= 3, False),
        ("3 ± 1 > 1", wide > 1, True),
        ("3 ± 1 > 2.5", wide > 2.5, False),
        ("3 ± 1 >= 1", wide >= flint.arb(1), True),
        ("3 ± 1 >= 3", wide >= flint.arb(3), False),
        ("2 < 4", two < four, True),
        ("4 < 2", four < two, False),
        ("2 <= 2", two <= two, True),
        ("2 < 2", two < two, False),
        ("4 > 2", four > two, True),
        ("2 == 2", two == flint.arb(2), True),
        ("3 ± 1 == 3 ± 1", wide == flint.arb(3, 1), False),
        ("2 == 4", two == four, False),
        ("2 != 4", two != four, True),
        ("nan <= 1", flint.arb("nan") <= 1, False),
        ("nan > 1", flint.arb("nan") > 1, False),
        ("3 ± 1 contains 7/2", wide.contains(_ball(Fraction(7, 2))), True),
        ("3 ± 1 contains 5", wide.contains(5), False),
        ("3 ± 1 meets 5 ± 2", wide.overlaps(flint.arb(5, 2)), True),
        ("3 ± 1 meets 9 ± 2", wide.overlaps(flint.arb(9, 2)), False),
    ]
    return first_trouble((f"the truth of {name}", found, expected) for name, found, expected in cases)


def _exponentials() -> str | None:
    def cases() -> Iterator[tuple[str, Any, Bracket | int]]:
        for x in (Fraction(1), Fraction(1, 3)):
            growth = exponential(x)
            decay = over((Fraction(1), Fraction(1)), growth)
            yield f"exp({x})", _ball(x).exp(), growth
            yield f"exp(−{x})", (-_ball(x)).exp(), decay
            yield f"exp({x}) − 1", _ball(x).expm1(), shifted(growth, -1)
            yield f"exp(−{x}) − 1", (-_ball(x)).expm1(), shifted(decay, -1)
        double = exponential(Fraction(2, 3))
        yield "tanh(1/3)", _ball(Fraction(1, 3)).tanh(), over(shifted(double, -1), shifted(double, 1))
        yield "exp(0)", flint.arb(0).exp(), 1

    low, high = ends(flint.arb(0, 1).exp())
    most = exponential(Fraction(1))
    if not (low <= 1 / most[1] and high >= most[1]):
        return f"exp(−1 to 1) is {float(low)!r} to {float(high)!r}, which misses 1/e or e"
    return _enclosures(cases)


def _roots() -> str | None:
    def cases() -> Iterator[tuple[str, Any, Bracket | Fraction | int]]:
        yield "√2", flint.arb(2).sqrt(), root(Fraction(2))
        yield "√(1/3)", _ball(Fraction(1, 3)).sqrt(), root(Fraction(1, 3))
        yield "√(9/4)", _ball(Fraction(9, 4)).sqrt(), Fraction(3, 2)
        yield "log 2", flint.arb(2).log(), logarithm(Fraction(2))
        yield "log(4/3)", _ball(Fraction(4, 3)).log(), logarithm(Fraction(4, 3))
        yield "log 1", flint.arb(1).log(), 0

    low, high = ends(flint.arb(5, 4).sqrt())
    if not (low <= 1 and high >= 3):
        return f"√(1 to 9) is {float(low)!r} to {float(high)!r}, which misses 1 to 3"
    if (-flint.arb(1)).sqrt().is_finite() or flint.arb(0).log().is_finite():
        return "√(−1) or log 0 is finite"
    return _enclosures(cases)


INTEGERS = "exact integers"
SERIES = "power series in exact fractions"
TESTS = tuple(
    SelfTest(name=name, area="balls", against=against, check=check)
    for name, against, check in (
        ("midpoint, radius and text of a ball", INTEGERS, _parts),
        ("upper and lower end of a ball", INTEGERS, _ends),
        ("arithmetic of narrow balls", "exact fractions", _arithmetic),
        ("arithmetic of wide balls, hull, max, min", "exact fractions", _wide_arithmetic),
        ("quotients, what is finite, whole parts", "exact fractions", _quotients),
        ("comparisons of balls", INTEGERS, _comparisons),
        ("exp, expm1 and tanh of balls", SERIES, _exponentials),
        ("sqrt and log of balls", "integer square roots and power series in exact fractions", _roots),
    )
)
