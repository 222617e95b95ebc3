"""The exact scalars of a proof: rational functions of its scalar symbols and of its dimensions.

All coefficients of one proof live in one field, Q(c, τ, m, N, …), found by looking through its
expressions beforehand. A dimension is known by its canonical text ("K - N"), which is what shapes
are compared by, and has a value in the field, which is what the trace of an identity matrix is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.polys.polyerrors import CoercionFailed

Coefficient = Any  # an element of the field; sympy's domains carry no types


def dimension_text(dimension: Any) -> str:
    """The canonical name of a dimension, so that K - N and -N + K are the same."""
    return str(dimension if dimension.is_Atom else sympy.expand(dimension))


@dataclass(frozen=True, eq=False)
class Scalars:
    """The field, and the value in it of every dimension that occurs."""

    domain: Any
    symbols: tuple[Any, ...]
    dimensions: Mapping[str, Coefficient]

    @classmethod
    def of(cls, expressions: Iterable[Any]) -> Scalars:
        """The field of everything that occurs in the expressions.

        Raises:
            ValueError: two different symbols share a name, or an expression is no sympy expression.
        """
        shaped, free = set(), set()
        for expression in expressions:
            if not isinstance(expression, sympy.Basic):
                raise ValueError(f"expected a sympy expression, got {expression!r}")
            shaped |= expression.atoms(sympy.MatrixSymbol, sympy.Identity, sympy.ZeroMatrix)
            free |= expression.free_symbols
        sizes = {size for matrix in shaped for size in matrix.shape} | {sympy.Integer(1)}
        free |= {symbol for size in sizes for symbol in size.free_symbols}
        _refuse_namesakes(free | {matrix for matrix in shaped if isinstance(matrix, sympy.MatrixSymbol)})
        symbols = tuple(sorted((s for s in free if isinstance(s, sympy.Symbol)), key=str))
        for symbol in symbols:
            if not symbol.is_commutative:
                raise ValueError(f"the scalar {symbol} does not commute: use a MatrixSymbol")
        domain = sympy.ZZ.frac_field(*symbols) if symbols else sympy.QQ
        return cls(domain, symbols, {dimension_text(size): domain.from_sympy(size) for size in sizes})

    def read(self, expression: Any) -> Coefficient:
        """The scalar expression as an element of the field.

        Raises:
            ValueError: it is not a rational function of the scalar symbols.
        """
        if expression.has(sympy.Float):
            raise ValueError(f"{expression} has a float in it: write sympy.Rational, exactly")
        try:
            return self.domain.from_sympy(expression)
        except (CoercionFailed, ValueError, ZeroDivisionError):
            known = ", ".join(map(str, self.symbols)) or "numbers"
            raise ValueError(f"the scalar {expression} is not a rational function of {known}") from None

    def times(self, left: Coefficient, right: Coefficient) -> Coefficient:
        """left · right; the coefficient of most words is 1, the very object, and then nothing is to be done."""
        one = self.domain.one
        return right if left is one else left if right is one else left * right

    def write(self, value: Coefficient) -> Any:
        """The sympy expression of an element of the field."""
        return self.domain.to_sympy(value)

    def nonzero(self, value: Coefficient) -> bool:
        """Is the value known to differ from zero wherever the symbols' own assumptions hold?"""
        if not value:
            return False
        return value == self.domain.one or self.write(value).is_nonzero is True


def _refuse_namesakes(symbols: Iterable[Any]) -> None:
    seen: dict[str, Any] = {}
    for symbol in symbols:
        other = seen.setdefault(symbol.name, symbol)
        if other != symbol:
            raise ValueError(
                f"two different symbols are called {symbol.name!r} (other shape or assumptions): rename one of them"
            )
