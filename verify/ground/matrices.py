"""Matrices of balls on cases whose true value is known in exact integers and fractions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import flint

from verify.ground.balls import BITS, RADIUS_SLACK, SLACK_BITS
from verify.ground.compare import enclosing, ends, first_trouble, point
from verify.ground.selftest import SelfTest

Rows = Sequence[Sequence[Fraction | int]]
REGULAR: Rows = ((2, 1, 0), (1, 3, 1), (0, 1, 4))  # determinant 18
# By Cramer's rule; multiplied back by hand: REGULAR times COFACTORS is 18 times the identity.
COFACTORS: Rows = ((11, -4, 1), (-4, 8, -2), (1, -2, 5))
OTHER: Rows = ((1, 2, 3), (4, 5, 6))
PRODUCT: Rows = ((4, 10, 14), (13, 25, 29))  # OTHER · REGULAR
GRAM: Rows = ((14, 32), (32, 77))  # OTHER · OTHERᵀ


def _scaled(rows: Rows, over: Fraction | int) -> Rows:
    return tuple(tuple(Fraction(entry) / over for entry in row) for row in rows)


def _matrix(rows: Rows) -> Any:
    return flint.arb_mat(
        [[flint.arb(flint.fmpq(Fraction(x).numerator, Fraction(x).denominator)) for x in r] for r in rows]
    )


def _entries(name: str, matrix: Any, truth: Rows, width: Fraction) -> str | None:
    if (matrix.nrows(), matrix.ncols()) != (len(truth), len(truth[0])):
        return f"{name} is {matrix.nrows()} × {matrix.ncols()}, expected {len(truth)} × {len(truth[0])}"
    for i, row in enumerate(truth):
        for j, value in enumerate(row):
            trouble = enclosing(f"entry ({i}, {j}) of {name}", matrix[i, j], Fraction(value), width)
            if trouble:
                return trouble
    return None


def _cases() -> Iterator[tuple[str, Any, Rows]]:
    a, b, third = _matrix(REGULAR), _matrix(OTHER), flint.arb(1) / 3
    yield "B A", b * a, PRODUCT
    yield "B Bᵀ", b * b.transpose(), GRAM
    yield "(B/3) (A/7)", _matrix(_scaled(OTHER, 3)) * _matrix(_scaled(REGULAR, 7)), _scaled(PRODUCT, 21)
    yield "B/3 + B/7", _matrix(_scaled(OTHER, 3)) + _matrix(_scaled(OTHER, 7)), _scaled(OTHER, Fraction(21, 10))
    yield "B · (1/3)", b * third, _scaled(OTHER, 3)
    yield "B/3", b / 3, _scaled(OTHER, 3)
    yield "inverse of A", a.inv(), _scaled(COFACTORS, 18)
    yield "solution of A X = I", a.solve(_matrix(((1, 0, 0), (0, 1, 0), (0, 0, 1)))), _scaled(COFACTORS, 18)
    yield "solution of A x = Be", a.solve(_matrix(((4,), (6,), (9,)))), _scaled(((29,), (14,), (37,)), 18)


def _products() -> str | None:
    for bits in BITS:
        with flint.ctx.workprec(bits):
            for name, matrix, truth in _cases():
                trouble = _entries(f"{name} at {bits} bits", matrix, truth, Fraction(1, 2 ** (bits - SLACK_BITS)))
                if trouble:
                    return trouble
    return None


def _numbers() -> str | None:
    a, b = _matrix(_scaled(REGULAR, 3)), _matrix(OTHER)
    width = Fraction(1, 2 ** (BITS[0] - SLACK_BITS))
    for name, ball, truth in (
        ("trace of A/3", a.trace(), Fraction(3)),
        ("determinant of A/3", a.det(), Fraction(2, 3)),
    ):
        trouble = enclosing(name, ball, truth, width)
        if trouble:
            return trouble
    return first_trouble(
        [
            ("entries of B in order", [float(x) for x in b.entries()], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
            ("rows of B", [[float(x) for x in row] for row in b.tolist()], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
            (
                "rows of Bᵀ",
                [[float(x) for x in r] for r in b.transpose().tolist()],
                [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]],
            ),
            ("midpoints of B", [point(x.mid()) for x in b.mid().entries()], [Fraction(x) for x in range(1, 7)]),
            (
                "rows of −B",
                [[float(x) for x in row] for row in (-b).tolist()],
                [[-1.0, -2.0, -3.0], [-4.0, -5.0, -6.0]],
            ),
            ("B − B", [float(x) for x in (b - b).entries()], [0.0] * 6),
            ("B[1, 2]", float(b[1, 2]), 6.0),
            ("shape of a fresh matrix", (flint.arb_mat(2, 3).nrows(), flint.arb_mat(2, 3).ncols()), (2, 3)),
        ]
    )


def _radii() -> str | None:
    """Entries that are balls: results must hold what every point of them gives."""
    wide = flint.arb_mat([[flint.arb(2, 1), 0], [0, flint.arb(4, 1)]])  # diagonal: 1 to 3, and 3 to 5
    ones = _matrix(((1, 1), (1, 1)))
    for name, ball, low, high in (
        ("corner of D J", (wide * ones)[0, 0], 1, 3),
        ("other corner of D J", (wide * ones)[1, 1], 3, 5),
        ("corner of D + J", (wide + ones)[0, 0], 2, 4),
        ("trace of D", wide.trace(), 4, 8),
        ("corner of Dᵀ", wide.transpose()[1, 1], 3, 5),
    ):
        trouble = enclosing(name, ball, (Fraction(low), Fraction(high)), RADIUS_SLACK * 64)
        if trouble:
            return trouble
    for name, ball, least, most in (
        ("corner of D⁻¹", wide.inv()[1, 1], Fraction(1, 5), Fraction(1, 3)),
        ("determinant of D", wide.det(), Fraction(3), Fraction(15)),
        ("corner of the solution of D X = J", wide.solve(ones)[1, 1], Fraction(1, 5), Fraction(1, 3)),
    ):
        left, right = ends(ball)
        if not (left <= least and most <= right):
            return f"{name} is {ball}, which misses {least} to {most}"
    return _singular()


def _singular() -> str | None:
    matrix = flint.arb_mat([[flint.arb(0, 1), 0], [0, 1]])  # may be singular
    try:
        inverse = matrix.inv()
    except ZeroDivisionError:
        return None
    return None if not inverse[0, 0].is_finite() else f"a matrix that may be singular has the inverse {inverse}"


TESTS = tuple(
    SelfTest(name=name, area="balls", against=against, check=check)
    for name, against, check in (
        ("products, sums, inverse and solution of matrices of balls", "integer matrices, Cramer's rule", _products),
        ("entries, trace, determinant, transpose, midpoints", "integer matrices", _numbers),
        ("matrices whose entries are wide balls", "the values at the ends", _radii),
    )
)
