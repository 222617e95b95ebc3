"""Exact instances of explicit size: where false identities are caught and derivations are tried out.

An instance gives every symbol an exact rational value. Evaluation here walks the sympy expression
and shares nothing with the calculus, so the two can check one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import prod
from operator import add, mul
from typing import Any

import flint
import sympy
from sympy.matrices.expressions.matexpr import MatrixExpr

from verify.prove.matrices import rational
from verify.prove.matrices.from_sympy import Inverse
from verify.prove.matrices.polynomial import Polynomial, Word
from verify.prove.matrices.rational import Matrix

ASSIGNMENT = re.compile(r"(\S+) = (\[\[.*?\]\]|-?\d+(?:/\d+)?)")


@dataclass(frozen=True)
class Instance:
    """The values of the symbols: a fraction for a scalar or a dimension, a matrix of fractions for a matrix."""

    values: Mapping[Any, Any]

    @classmethod
    def read(cls, text: str, symbols: Iterable[Any]) -> Instance:
        """The instance that a witness describes, for these symbols.

        Raises:
            ValueError: the text gives no value to one of the symbols.
        """
        found = dict(reversed(ASSIGNMENT.findall(text)))  # the first of a name: "left" and "right" come last
        values: dict[Any, Any] = {}
        for symbol in symbols:
            if symbol.name not in found:
                raise ValueError(f"the witness gives no value to {symbol}: {text}")
            rows = [row.split(", ") for row in found[symbol.name].strip("[]").split("], [")]
            values[symbol] = rational.matrix(rows) if is_matrix(symbol) else Fraction(found[symbol.name])
        return cls(values)

    def size(self, symbol: Any) -> tuple[int, int]:
        """The explicit shape of a matrix symbol."""
        rows, cols = (self.whole(size) for size in symbol.shape)
        return rows, cols

    def whole(self, size: Any) -> int:
        """The explicit value of a dimension.

        Raises:
            ValueError: it is no positive whole number.
        """
        value = self._scalar(size)
        if value.denominator != 1 or value < 1:
            raise ValueError(f"the size {size} is {value} here, no positive whole number")
        return int(value)

    def __str__(self) -> str:
        shown = [
            f"{symbol.name} = {rational.as_text(value) if is_matrix(symbol) else value}"
            for symbol, value in sorted(self.values.items(), key=lambda item: is_matrix(item[0]))
        ]
        return ", ".join(shown)

    def evaluate(self, expression: Any) -> Matrix:
        """The exact value of a sympy matrix expression, or of a scalar one as a 1 × 1 matrix.

        Raises:
            ZeroDivisionError: an inverse in it does not exist here.
            ValueError: it holds a symbol without a value, or something that cannot be evaluated exactly.
        """
        if not is_matrix(expression):
            return ((self._scalar(expression),),)
        return rational.from_flint(self._matrix(expression))

    def _matrix(self, expression: Any) -> flint.fmpq_mat:
        match expression:
            case sympy.MatrixSymbol() if expression in self.values:
                value: Matrix = self.values[expression]
                if (len(value), len(value[0])) != self.size(expression):
                    raise ValueError(f"{expression.name} is {len(value)} × {len(value[0])}, not {expression.shape}")
                return rational.to_flint(value)
            case sympy.Identity():
                return _identity(self.whole(expression.rows))
            case sympy.ZeroMatrix():
                return flint.fmpq_mat(*map(self.whole, expression.shape))
            case sympy.Transpose():
                return self._matrix(expression.arg).transpose()
            case sympy.Inverse():
                return self._matrix(expression.arg).inv()
            case sympy.MatPow() if expression.exp.is_Integer:
                return self._matrix(expression.base) ** int(expression.exp)
            case sympy.MatAdd():
                return reduce(add, map(self._matrix, expression.args))
            case sympy.MatMul():
                scalar = prod(self._scalar(factor) for factor in expression.args if not is_matrix(factor))
                product = reduce(mul, [self._matrix(factor) for factor in expression.args if is_matrix(factor)])
                return product * _number(Fraction(scalar))
        raise ValueError(f"cannot evaluate {expression}")

    def _scalar(self, expression: Any) -> Fraction:
        match expression:
            case sympy.Symbol() if expression in self.values:
                return Fraction(self.values[expression])
            case sympy.Rational():
                return Fraction(expression.p, expression.q)
            case sympy.Add():
                return sum(map(self._scalar, expression.args), Fraction(0))
            case sympy.Mul():
                return prod(map(self._scalar, expression.args), start=Fraction(1))
            case sympy.Pow() if expression.exp.is_Integer:
                return self._scalar(expression.base) ** int(expression.exp)
            case sympy.Trace():
                return _trace(self._matrix(expression.arg))
        raise ValueError(f"cannot evaluate {expression} exactly")

    def value(self, polynomial: Polynomial, inverses: Iterable[Inverse]) -> Matrix:
        """The exact value of a polynomial, whose inverse letters are evaluated from their definitions."""
        letters = {symbol.name: rational.to_flint(value) for symbol, value in self.values.items() if is_matrix(symbol)}
        for inverse in inverses:
            letters[inverse.atom.name] = self._sum(inverse.of, letters).inv()
        return rational.from_flint(self._sum(polynomial, letters))

    def _sum(self, polynomial: Polynomial, letters: Mapping[str, flint.fmpq_mat]) -> flint.fmpq_mat:
        scalars = polynomial.scalars
        rows, cols = (self.whole(scalars.write(scalars.dimensions[size])) for size in polynomial.shape)

        def word(of: Word) -> flint.fmpq_mat:
            factors = [letters[a.name].transpose() if a.transposed else letters[a.name] for a in of]
            return reduce(mul, factors or [_identity(rows)])

        total = flint.fmpq_mat(rows, cols)
        for key, coefficient in polynomial.terms.items():
            factor = prod((_trace(word(closed)) for closed in key.traces), start=Fraction(1))
            total += word(key.word) * _number(factor * self._scalar(scalars.write(coefficient)))
        return total


def _identity(size: int) -> flint.fmpq_mat:
    return rational.to_flint(rational.unit_matrix(size))


def _number(value: Fraction) -> flint.fmpq:
    return flint.fmpq(value.numerator, value.denominator)


def _trace(value: flint.fmpq_mat) -> Fraction:
    return rational.trace(rational.from_flint(value))


def is_matrix(expression: Any) -> bool:
    """Whether a sympy expression is a matrix, not a scalar."""
    return isinstance(expression, MatrixExpr)
