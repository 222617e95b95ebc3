"""Matrices of exact fractions, in which identities are evaluated without rounding: what is written, and read by flint.

A matrix is a tuple of rows, each a tuple of `Fraction`. Sizes are small and explicit here; this
is where a false identity is caught and where every line of a derivation is tried out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import flint

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


def unit_matrix(size: int) -> Matrix:
    return tuple(tuple(Fraction(i == j) for j in range(size)) for i in range(size))


def selection(rows: Sequence[int], cols: int) -> Matrix:
    """The 0-1 matrix that picks the entries `rows` out of `cols`: P Pᵀ = I and (Z Pᵀ) has those columns of Z."""
    return tuple(tuple(Fraction(j == i) for j in range(cols)) for i in rows)


def draw(rng: random.Random, rows: int, cols: int) -> Matrix:
    """Small random fractions: integers between -3 and 3, some of them halved."""
    return tuple(tuple(draw_fraction(rng) for _ in range(cols)) for _ in range(rows))


def draw_fraction(rng: random.Random) -> Fraction:
    return Fraction(rng.randint(-3, 3), rng.choice((1, 1, 1, 2)))


def transpose(value: Matrix) -> Matrix:
    return tuple(zip(*value, strict=True))


def trace(value: Matrix) -> Fraction:
    return sum((row[i] for i, row in enumerate(value)), Fraction(0))


def weighted(terms: Iterable[tuple[Fraction, Matrix]]) -> Matrix:
    """The sum of matrices times numbers."""
    scaled = [to_flint(value) * flint.fmpq(factor.numerator, factor.denominator) for factor, value in terms]
    return from_flint(sum(scaled[1:], scaled[0]))


def to_flint(value: Matrix) -> flint.fmpq_mat:
    """The same matrix as flint reckons with it."""
    return flint.fmpq_mat([[flint.fmpq(entry.numerator, entry.denominator) for entry in row] for row in value])


def from_flint(value: flint.fmpq_mat) -> Matrix:
    """The same matrix as a tuple of rows of fractions."""
    return tuple(tuple(Fraction(int(entry.p), int(entry.q)) for entry in row) for row in value.tolist())


def as_text(value: Matrix) -> str:
    """The matrix in text that reads back exactly: [[1, -1/2], [0, 3]]."""
    return "[" + ", ".join("[" + ", ".join(map(str, row)) + "]" for row in value) + "]"
