"""What an inequality may speak about: exact, finite, real quantities, and nothing else."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp
from sympy.tensor.indexed import Indexed

from verify.prove.inequalities.quantity import Binder, Norm, from_below


@cache
def flaw(expression: Any) -> str | None:
    """Why the expression is no exact, finite, real quantity; None if it is one."""
    if isinstance(expression, (sp.Rational, sp.Idx)) or expression in (sp.E, sp.pi):
        return None
    if isinstance(expression, (sp.Symbol, Indexed)):
        return None if expression.is_real else f"{expression} is not declared real"
    if isinstance(expression, Norm):
        inside = expression.matrix.atoms(sp.Number, sp.NumberSymbol, sp.core.numbers.ImaginaryUnit, sp.Symbol)
        indices = {index.label for index in expression.matrix.atoms(sp.Idx)}
        return next(filter(None, map(flaw, inside - indices)), None)
    parts = (expression.body,) if isinstance(expression, Binder) else expression.args
    if isinstance(expression, sp.Pow) and not _is_real_power(*expression.args):
        return f"{expression} is not known to be real"
    if not parts or not isinstance(expression, (Binder, sp.Add, sp.Mul, sp.Pow, sp.Abs, sp.exp)):
        return f"{expression} is not an exact, finite, real quantity"
    return next(filter(None, map(flaw, parts)), None)


def _is_real_power(base: Any, exponent: Any) -> bool:
    """A rational power (whose base is looked at where it is multiplied out), or one that is real for every value."""
    lowest = from_below(exponent)
    whole = lowest.is_integer or base.is_nonnegative
    return bool(exponent.is_Rational or base.is_positive or (whole and lowest.is_nonnegative))
