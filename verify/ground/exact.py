"""Exact arithmetic: Python's fractions and flint's rationals, polynomials and rational matrices."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

import flint

from verify.ground.compare import first_trouble
from verify.ground.selftest import SelfTest

PAIRS = ((1, 3, 2, 7), (-5, 6, 9, 4), (7, 1, -3, 8), (0, 1, 5, 2), (10**20 + 1, 3, 3, 10**20))  # p/q and r/s


def _in_words(numerator: int, denominator: int) -> str:
    """p/q in lowest terms, by integers alone."""
    common = gcd(numerator, denominator) * (1 if denominator > 0 else -1)
    p, q = numerator // common, denominator // common
    return str(p) if q == 1 else f"{p}/{q}"


def _rationals(make: Any) -> str | None:
    """Sum, difference, product, quotient and order of rationals, written out and compared with integers."""
    for p, q, r, s in PAIRS:
        a, b = make(p, q), make(r, s)
        left, right = p * s, r * q
        trouble = first_trouble(
            [
                (f"{p}/{q} + {r}/{s}", a + b, _in_words(left + right, q * s)),
                (f"{p}/{q} − {r}/{s}", a - b, _in_words(left - right, q * s)),
                (f"{p}/{q} · {r}/{s}", a * b, _in_words(p * r, q * s)),
                (f"({p}/{q}) / ({r}/{s})", a / b, _in_words(p * s, q * r)),
                (f"−({p}/{q})", -a, _in_words(-p, q)),
                (f"({p}/{q}) + 2", a + 2, _in_words(p + 2 * q, q)),
                (f"2 · ({p}/{q})", 2 * a, _in_words(2 * p, q)),
                (f"({p}/{q})³", a**3, _in_words(p**3, q**3)),
                (f"{p}/{q} < {r}/{s}", a < b, left < right),
                (f"{p}/{q} > {r}/{s}", a > b, left > right),
                (f"{p}/{q} <= {r}/{s}", a <= b, left <= right),
                (f"{p}/{q} == {r}/{s}", a == b, False),
                (f"{p}/{q} == {3 * p}/{3 * q}", a == make(3 * p, 3 * q), True),
                (f"{p}/{q} is true", bool(a), p != 0),
            ]
        )
        if trouble:
            return trouble
    return None


def _fractions() -> str | None:
    return _rationals(Fraction) or first_trouble(
        [
            ("Fraction of 0.1", Fraction(0.1), "3602879701896397/36028797018963968"),
            ("Fraction of text", Fraction("-6/4"), "-3/2"),
            ("float of 1/3", float(Fraction(1, 3)).hex(), "0x1.5555555555555p-2"),
            ("sum of three", sum((Fraction(1, 2), Fraction(1, 3), Fraction(1, 7)), Fraction(0)), "41/42"),
            ("−1/2 in absolute value", abs(Fraction(-1, 2)), "1/2"),
            ("floor of −7/2", int(Fraction(-7, 2) // 1), -4),
        ]
    )


def _flint_rationals() -> str | None:
    return _rationals(flint.fmpq)


def _coefficients(polynomial: Any) -> list[str]:
    return [str(c) for c in polynomial.coeffs()]


def _polynomials() -> str | None:
    a, b = flint.fmpq_poly([1, flint.fmpq(1, 2)]), flint.fmpq_poly([-1, 0, 3])  # 1 + x/2 and 3x² − 1
    return first_trouble(
        [
            ("(1 + x/2)(3x² − 1)", _coefficients(a * b), ["-1", "-1/2", "3", "3/2"]),
            ("(1 + x/2) + (3x² − 1)", _coefficients(a + b), ["0", "1/2", "3"]),
            ("(1 + x/2) − (3x² − 1)", _coefficients(a - b), ["2", "1/2", "-3"]),
            ("2(1 + x/2)", _coefficients(a * 2), ["2", "1"]),
            ("−(3x² − 1)", _coefficients(-b), ["1", "0", "-3"]),
            ("(1 + x/2)/3", _coefficients(a / 3), ["1/3", "1/6"]),
            ("degree of 3x² − 1", b.degree(), 2),
            ("coefficient of x²", b[2], "3"),
            ("1 + x/2 equals itself", a == flint.fmpq_poly([1, flint.fmpq(1, 2)]), True),
            ("1 + x/2 equals 3x² − 1", a == b, False),
            ("0 is true", bool(flint.fmpq_poly([])), False),
        ]
    )


def _several_variables() -> str | None:
    ring = flint.fmpq_mpoly_ctx.get(["x0", "x1"], "lex")
    a = ring.from_dict({(1, 0): flint.fmpq(1), (0, 1): flint.fmpq(2)})  # x + 2y
    b = ring.from_dict({(1, 0): flint.fmpq(1, 2), (0, 0): flint.fmpq(-1)})  # x/2 − 1

    def terms(polynomial: Any) -> list[tuple[tuple[int, ...], str]]:
        return sorted((tuple(map(int, powers)), str(value)) for powers, value in polynomial.to_dict().items())

    return first_trouble(
        [
            ("(x + 2y)(x/2 − 1)", terms(a * b), [((0, 1), "-2"), ((1, 0), "-1"), ((1, 1), "1"), ((2, 0), "1/2")]),
            ("(x + 2y) + (x/2 − 1)", terms(a + b), [((0, 0), "-1"), ((0, 1), "2"), ((1, 0), "3/2")]),
            ("(x + 2y) − (x/2 − 1)", terms(a - b), [((0, 0), "1"), ((0, 1), "2"), ((1, 0), "1/2")]),
            ("(x + 2y)²", terms(a * a), [((0, 2), "4"), ((1, 1), "4"), ((2, 0), "1")]),
            ("x − x", terms(a - a), []),
            (
                "terms of x + 2y",
                sorted((tuple(map(int, p)), str(c)) for p, c in a.terms()),
                [((0, 1), "2"), ((1, 0), "1")],
            ),
            ("x + 2y equals itself", a == a * 1, True),
            ("x + 2y equals x/2 − 1", a == b, False),
        ]
    )


def _matrices() -> str | None:
    a = flint.fmpq_mat([[2, 1], [1, 3]])  # determinant 5
    wide = flint.fmpq_mat([[1, 2, 3], [4, 5, 6]])
    reduced, rank = flint.fmpq_mat([[1, 2, 3], [2, 4, 8]]).rref()

    def rows(matrix: Any) -> list[list[str]]:
        return [[str(matrix[i, j]) for j in range(matrix.ncols())] for i in range(matrix.nrows())]

    return first_trouble(
        [
            (
                "solution of A X = (1, 4; 2, 3)",
                rows(a.solve(flint.fmpq_mat([[1, 4], [2, 3]]))),
                [["1/5", "9/5"], ["3/5", "2/5"]],
            ),
            ("A A", rows(a * a), [["5", "5"], ["5", "10"]]),
            ("A², A⁻¹", [rows(a**2), rows(a**-1)], [[["5", "5"], ["5", "10"]], [["3/5", "-1/5"], ["-1/5", "2/5"]]]),
            ("inverse of A", rows(a.inv()), [["3/5", "-1/5"], ["-1/5", "2/5"]]),
            ("transpose of (1, 2, 3; 4, 5, 6)", rows(wide.transpose()), [["1", "4"], ["2", "5"], ["3", "6"]]),
            ("A + A/2 − 2A", rows(a + a * flint.fmpq(1, 2) - 2 * a), [["-1", "-1/2"], ["-1/2", "-3/2"]]),
            ("entries of a list", wide.tolist() == [[1, 2, 3], [4, 5, 6]], True),
            ("A equals A, and B", [a == a * 1, a == wide, a == 2 * a], [True, False, False]),
            ("reduced rows", rows(reduced), [["1", "2", "0"], ["0", "0", "1"]]),
            ("rank", rank, 2),
        ]
    )


INTEGERS = "integers"
TESTS = tuple(
    SelfTest(name=name, area="exact", against=against, check=check)
    for name, against, check in (
        ("Python's fractions", INTEGERS, _fractions),
        ("flint's rationals", INTEGERS, _flint_rationals),
        ("flint's rational polynomials", "products multiplied out by hand", _polynomials),
        ("flint's polynomials in several variables", "products multiplied out by hand", _several_variables),
        ("flint's rational matrices", "Cramer's rule and elimination by hand", _matrices),
    )
)
