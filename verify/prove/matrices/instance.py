"""Exact instances of explicit size: where false identities are caught and derivations are tried out.

An instance gives every symbol an exact rational value. Evaluation here walks the sympy expression
and shares nothing with the calculus, so the two can check one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

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
            f"{symbol.name} = {rational.show(value) if is_matrix(symbol) else value}"
            for symbol, value in sorted(self.values.items(), key=lambda item: is_matrix(item[0]))
        ]
        return ", ".join(shown)

    def evaluate(self, expression: Any) -> Matrix:
        """The exact value of a sympy matrix expression, or of a scalar one as a 1 × 1 matrix.

        Raises:
            ZeroDivisionError: an inverse in it does not exist here.
            ValueError: it holds a symbol without a value, or something that cannot be evaluated exactly.
        """
        return self._matrix(expression) if is_matrix(expression) else ((self._scalar(expression),),)

    def _matrix(self, expression: Any) -> Matrix:
        match expression:
            case sympy.MatrixSymbol() if expression in self.values:
                value: Matrix = self.values[expression]
                if (len(value), len(value[0])) != self.size(expression):
                    raise ValueError(f"{expression.name} is {len(value)} × {len(value[0])}, not {expression.shape}")
                return value
            case sympy.Identity():
                return rational.identity(self.whole(expression.rows))
            case sympy.ZeroMatrix():
                return rational.zeros(*map(self.whole, expression.shape))
            case sympy.Transpose():
                return rational.transpose(self._matrix(expression.arg))
            case sympy.Inverse():
                return rational.invert(self._matrix(expression.arg))
            case sympy.MatPow() if expression.exp.is_Integer:
                base = self._matrix(expression.base)
                factor = base if expression.exp > 0 else rational.invert(base)
                return _product([rational.identity(len(base)), *[factor] * abs(int(expression.exp))])
            case sympy.MatAdd():
                total, *others = map(self._matrix, expression.args)
                for other in others:
                    total = rational.add(total, other)
                return total
            case sympy.MatMul():
                scalar = prod(self._scalar(factor) for factor in expression.args if not is_matrix(factor))
                product = _product([self._matrix(factor) for factor in expression.args if is_matrix(factor)])
                return rational.scale(Fraction(scalar), product)
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
                return rational.trace(self._matrix(expression.arg))
        raise ValueError(f"cannot evaluate {expression} exactly")

    def value(self, polynomial: Polynomial, inverses: Iterable[Inverse]) -> Matrix:
        """The exact value of a polynomial, whose inverse letters are evaluated from their definitions."""
        letters = {symbol.name: value for symbol, value in self.values.items() if is_matrix(symbol)}
        for inverse in inverses:
            letters[inverse.atom.name] = rational.invert(self._sum(inverse.of, letters))
        return self._sum(polynomial, letters)

    def _sum(self, polynomial: Polynomial, letters: Mapping[str, Matrix]) -> Matrix:
        scalars = polynomial.scalars
        rows, cols = (self.whole(scalars.write(scalars.dimensions[size])) for size in polynomial.shape)

        def word(letter_word: Word) -> Matrix:
            return _product(
                [_transposed(letters[a.name], a.transposed) for a in letter_word] or [rational.identity(rows)]
            )

        total = rational.zeros(rows, cols)
        for key, coefficient in polynomial.terms.items():
            factor = prod((rational.trace(word(closed)) for closed in key.traces), start=Fraction(1))
            total = rational.add(
                total, rational.scale(factor * self._scalar(scalars.write(coefficient)), word(key.word))
            )
        return total


def _product(factors: Sequence[Matrix]) -> Matrix:
    total, *others = factors
    for other in others:
        total = rational.multiply(total, other)
    return total


def _transposed(value: Matrix, flag: bool) -> Matrix:
    return rational.transpose(value) if flag else value


def is_matrix(expression: Any) -> bool:
    """Whether a sympy expression is a matrix, not a scalar."""
    return isinstance(expression, MatrixExpr)
