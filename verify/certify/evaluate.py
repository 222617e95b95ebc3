"""The value of a sympy matrix expression on given data, enclosed in balls."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from functools import reduce, singledispatch
from typing import Any

import flint
import sympy as sp
from sympy.matrices import expressions as me

from verify.certify.balls import square_root

Values = Mapping[sp.Basic, Any]


def evaluate(expression: Any, values: Values) -> Any:
    """Enclose `expression`, given a ball, matrix of balls or integer for every symbol in it.

    Returns a `flint.arb` for scalars and a `flint.arb_mat` for matrices, at flint's precision.

    Raises:
        KeyError: a symbol has no value.
        ValueError: a size is not known to be one positive whole number, or a matrix is not of its symbol's shape.
        TypeError: the expression holds an operation that is not supported.
        verify.certify.balls.NotPositiveDefiniteError: a square root could not be certified.
    """
    if isinstance(expression, sp.Basic):
        _require_shapes(expression, values)
    return _value(expression, values)


def evaluate_fitting(expression: Any, values: Values) -> Any:
    """The same for matrices whose shapes are known to fit, because `evaluate` took others of the same shapes."""
    return _value(expression, values)


def _require_shapes(expression: sp.Basic, values: Values) -> None:
    """Matrices have the shapes of their symbols: the given sizes, or else one size for each letter."""
    matrices = [symbol for symbol in expression.atoms(sp.MatrixSymbol) if symbol in values]
    found: dict[Any, Any] = dict(values)
    ends: list[tuple[Any, Any, int]] = []
    for symbol in sorted(matrices, key=str):
        value = values[symbol]
        if not isinstance(value, flint.arb_mat):
            raise ValueError(f"{symbol} is a matrix, got {value!r}")
        ends += zip([symbol] * 2, symbol.shape, (value.nrows(), value.ncols()), strict=True)
    for _, size, actual in ends:
        if isinstance(size, sp.Symbol):
            found.setdefault(size, actual)
    for symbol, size, actual in ends:
        if size.free_symbols <= found.keys() and whole(size, found) != actual:
            raise ValueError(f"{symbol} has a side of length {actual}, but {size} is {whole(size, found)}")


def whole(size: Any, values: Values) -> int:
    """The value of a size: one positive whole number, known exactly.

    Raises:
        KeyError: a symbol in it has no value.
        ValueError: it is not known to be one, for its value is a ball, a fraction or below 1.
    """
    known: dict[Any, int] = {}
    for symbol in size.free_symbols:
        value = flint.arb(values[symbol])
        number = value.unique_fmpz() if value.is_exact() else None
        if number is None:
            raise ValueError(f"the size {symbol} is {value.str(10)}: give a whole number, exactly")
        known[symbol] = int(number)
    found = sp.sympify(size).subs(known)
    if not (found.is_Integer and found >= 1):
        raise ValueError(f"the size {size} is {found}, no positive whole number")
    return int(found)


@singledispatch
def _value(expression: Any, values: Values) -> Any:
    """The enclosure, once the shapes are known to fit."""
    raise TypeError(f"cannot evaluate {expression} of type {type(expression).__name__}")


@_value.register(sp.Symbol)
def _(expression: sp.Symbol, values: Values) -> Any:
    return flint.arb(values[expression])


@_value.register(me.MatrixSymbol)
def _(expression: Any, values: Values) -> Any:
    return values[expression]


@_value.register(sp.Rational)
def _(expression: sp.Rational, values: Values) -> Any:
    return flint.arb(flint.fmpq(int(expression.p), int(expression.q)))


@_value.register(sp.Add)
@_value.register(me.MatAdd)
def _(expression: Any, values: Values) -> Any:
    terms = [_value(term, values) for term in expression.args]
    return sum(terms[1:], terms[0])


@_value.register(sp.Mul)
@_value.register(me.MatMul)
def _(expression: Any, values: Values) -> Any:
    result: Any = None
    for factor in expression.args:
        value = _value(factor, values)
        result = value if result is None else result * value
    return result


@_value.register(sp.Pow)
def _(expression: sp.Pow, values: Values) -> Any:
    if not (expression.exp.is_Rational and expression.exp.q in (1, 2)):
        raise TypeError(f"cannot evaluate the power {expression}")
    base = _value(expression.base, values)
    return whole_power(base if expression.exp.q == 1 else base.sqrt(), int(expression.exp.p))


@_value.register(sp.log)
def _(expression: sp.log, values: Values) -> Any:
    return _value(expression.args[0], values).log()


def whole_power(base: Any, exponent: int) -> Any:
    """A whole power of a ball by repeated squaring, because flint's own power loses a ball that contains 0."""
    result = flint.arb(1)
    for digit in f"{abs(exponent):b}":
        result = result * result * base if digit == "1" else result * result
    return result if exponent >= 0 else 1 / result


@_value.register(me.Identity)
def _(expression: Any, values: Values) -> Any:
    n = whole(expression.shape[0], values)
    return flint.arb_mat([[int(i == j) for j in range(n)] for i in range(n)])


@_value.register(me.Transpose)
def _(expression: Any, values: Values) -> Any:
    return _value(expression.arg, values).transpose()


@_value.register(me.Trace)
def _(expression: Any, values: Values) -> Any:
    """Of a product AB without making AB, whose sides may be far longer than the one that A and B share."""
    inner = expression.arg
    if not (isinstance(inner, me.MatMul) and len(inner.as_coeff_matrices()[1]) > 1):
        return _value(inner, values).trace()
    *others, last = inner.args
    left, right = _value(inner.func(*others, evaluate=False), values), _value(last, values)
    return sum((a * b for a, b in zip(left.entries(), right.transpose().entries(), strict=True)), flint.arb(0))


@_value.register(me.MatPow)
def _(expression: Any, values: Values) -> Any:
    base, power = _value(expression.base, values), expression.exp
    if power.is_Integer and power != 0:
        factor = base.inv() if power < 0 else base
        return reduce(operator.mul, [factor] * abs(int(power)))
    if power == sp.Rational(1, 2):
        return square_root(base)
    raise TypeError(f"cannot evaluate the matrix power {expression}")
