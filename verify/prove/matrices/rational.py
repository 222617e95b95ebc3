"""Matrices of exact fractions, just enough of them to evaluate an identity without rounding.

A matrix is a tuple of rows, each a tuple of `Fraction`. Sizes are small and explicit here; this
is where a false identity is caught and where every line of a derivation is tried out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

Matrix = tuple[tuple[Fraction, ...], ...]


def matrix(rows: Iterable[Iterable[Any]]) -> Matrix:
    """The rows as exact fractions; entries are integers, fractions, sympy rationals or strings such as "1/3".

    Raises:
        ValueError: the rows are empty or differ in length, or an entry is not an exact number.
    """
    exact = tuple(tuple(_fraction(entry) for entry in row) for row in rows)
    if not exact or not exact[0] or len({len(row) for row in exact}) > 1:
        raise ValueError(f"a matrix needs rows of one positive length, got {exact!r}")
    return exact


def _fraction(entry: Any) -> Fraction:
    if isinstance(entry, float):
        raise ValueError(f"the entry {entry!r} is a float: give an integer or a fraction, exactly")
    try:
        return Fraction(str(entry))  # by way of text, because sympy's rationals are no numbers.Rational
    except ValueError:
        raise ValueError(f"the entry {entry!r} is not an exact rational number") from None


def zeros(rows: int, cols: int) -> Matrix:
    return ((Fraction(0),) * cols,) * rows


def identity(size: int) -> Matrix:
    return tuple(tuple(Fraction(i == j) for j in range(size)) for i in range(size))


def selection(rows: Sequence[int], cols: int) -> Matrix:
    """The 0-1 matrix that picks the entries `rows` out of `cols`: P Pᵀ = I and (Z Pᵀ) has those columns of Z."""
    return tuple(tuple(Fraction(j == i) for j in range(cols)) for i in rows)


def draw(rng: random.Random, rows: int, cols: int) -> Matrix:
    """Small random fractions: integers between -3 and 3, some of them halved."""
    return tuple(tuple(draw_fraction(rng) for _ in range(cols)) for _ in range(rows))


def draw_fraction(rng: random.Random) -> Fraction:
    return Fraction(rng.randint(-3, 3), rng.choice((1, 1, 1, 2)))


def add(left: Matrix, right: Matrix) -> Matrix:
    return tuple(tuple(a + b for a, b in zip(row, other, strict=True)) for row, other in zip(left, right, strict=True))


def scale(factor: Fraction, value: Matrix) -> Matrix:
    return tuple(tuple(factor * entry for entry in row) for row in value)


def multiply(left: Matrix, right: Matrix) -> Matrix:
    columns = transpose(right)
    return tuple(
        tuple(sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns) for row in left
    )


def transpose(value: Matrix) -> Matrix:
    return tuple(zip(*value, strict=True))


def trace(value: Matrix) -> Fraction:
    return sum((row[i] for i, row in enumerate(value)), Fraction(0))


def invert(value: Matrix) -> Matrix:
    """The inverse, by Gauss-Jordan elimination.

    Raises:
        ZeroDivisionError: the matrix is singular.
    """
    size = len(value)
    rows = [list(row) + list(unit) for row, unit in zip(value, identity(size), strict=True)]
    for k in range(size):
        pivot = next((i for i in range(k, size) if rows[i][k]), None)
        if pivot is None:
            raise ZeroDivisionError("the matrix is singular")
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [entry / rows[k][k] for entry in rows[k]]
        for i in range(size):
            if i != k and rows[i][k]:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return tuple(tuple(row[size:]) for row in rows)


def show(value: Matrix) -> str:
    """The matrix in text that reads back exactly: [[1, -1/2], [0, 3]]."""
    return "[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in value) + "]"
