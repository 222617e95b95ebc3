"""The value of a sympy matrix expression on given data, enclosed in balls."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import flint
import sympy as sp
from sympy.matrices import expressions as me

from verify.certify.balls import square_root

Values = Mapping[sp.Basic, Any]


@singledispatch
def evaluate(expression: Any, values: Values) -> Any:
    """Enclose `expression`, given a ball, matrix of balls or integer for every symbol in it.

    Returns a `flint.arb` for scalars and a `flint.arb_mat` for matrices, at flint's precision.

    Raises:
        KeyError: a symbol has no value.
        TypeError: the expression holds an operation that is not supported.
        verify.certify.balls.NotPositiveDefiniteError: a square root could not be certified.
    """
    raise TypeError(f"cannot evaluate {expression} of type {type(expression).__name__}")


@evaluate.register(sp.Symbol)
def _(expression: sp.Symbol, values: Values) -> Any:
    return flint.arb(values[expression])


@evaluate.register(me.MatrixSymbol)
def _(expression: Any, values: Values) -> Any:
    return values[expression]


@evaluate.register(sp.Rational)
def _(expression: sp.Rational, values: Values) -> Any:
    return flint.arb(flint.fmpq(int(expression.p), int(expression.q)))


@evaluate.register(sp.Add)
@evaluate.register(me.MatAdd)
def _(expression: Any, values: Values) -> Any:
    terms = [evaluate(term, values) for term in expression.args]
    return sum(terms[1:], terms[0])


@evaluate.register(sp.Mul)
@evaluate.register(me.MatMul)
def _(expression: Any, values: Values) -> Any:
    result: Any = None
    for factor in expression.args:
        value = evaluate(factor, values)
        result = value if result is None else result * value
    return result


@evaluate.register(sp.Pow)
def _(expression: sp.Pow, values: Values) -> Any:
    if not (expression.exp.is_Rational and expression.exp.q in (1, 2)):
        raise TypeError(f"cannot evaluate the power {expression}")
    base = evaluate(expression.base, values)
    return whole_power(base if expression.exp.q == 1 else base.sqrt(), int(expression.exp.p))


def whole_power(base: Any, exponent: int) -> Any:
    """A whole power of a ball by repeated squaring, because flint's own power loses a ball that contains 0."""
    result = flint.arb(1)
    for digit in f"{abs(exponent):b}":
        result = result * result * base if digit == "1" else result * result
    return result if exponent >= 0 else 1 / result


@evaluate.register(me.Identity)
def _(expression: Any, values: Values) -> Any:
    n = int(float(evaluate(expression.shape[0], values).mid()))
    return flint.arb_mat([[int(i == j) for j in range(n)] for i in range(n)])


@evaluate.register(me.Transpose)
def _(expression: Any, values: Values) -> Any:
    return evaluate(expression.arg, values).transpose()


@evaluate.register(me.Trace)
def _(expression: Any, values: Values) -> Any:
    return evaluate(expression.arg, values).trace()


@evaluate.register(me.MatPow)
def _(expression: Any, values: Values) -> Any:
    base, power = evaluate(expression.base, values), expression.exp
    if power == -1:
        return base.inv()
    if power == sp.Rational(1, 2):
        return square_root(base)
    raise TypeError(f"cannot evaluate the matrix power {expression}")
