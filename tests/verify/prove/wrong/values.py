"""Sympy matrix expressions evaluated by numpy: an oracle that shares nothing with the calculi."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy
from sympy.matrices.expressions.matexpr import MatrixExpr

CLOSE, APART = 1e-9, 1e-6  # relative; statements between the two are not judged
WORST = 1e6  # condition of a matrix that is inverted: CLOSE is far above the rounding that this allows


def value(expression: Any, given: Mapping[Any, Any]) -> Any:
    """The value as an array with two axes, or a number. Singular inverses raise numpy's LinAlgError."""
    match expression:
        case sympy.MatrixSymbol() | sympy.Symbol():
            return given[expression]
        case sympy.Identity():
            return np.eye(int(value(expression.rows, given)))
        case sympy.ZeroMatrix():
            return np.zeros([int(value(size, given)) for size in expression.shape])
        case sympy.Transpose():
            return value(expression.arg, given).T
        case sympy.Inverse():
            return _inverse(value(expression.arg, given))
        case sympy.Trace():
            return np.trace(value(expression.arg, given))
        case sympy.MatPow() | sympy.Pow() if expression.exp.is_Integer:
            base, power = value(expression.base, given), int(expression.exp)
            base = _inverse(base) if np.ndim(base) and power < 0 else base
            return np.linalg.matrix_power(base, abs(power)) if np.ndim(base) else base ** float(power)
        case sympy.MatAdd() | sympy.Add():
            return sum(value(term, given) for term in expression.args)
        case sympy.MatMul() | sympy.Mul():
            numbers = [value(f, given) for f in expression.args if not isinstance(f, MatrixExpr)]
            matrices = [value(f, given) for f in expression.args if isinstance(f, MatrixExpr)]
            whole = reduce(np.matmul, matrices) if matrices else 1.0
            return reduce(lambda a, b: a * b, numbers, 1.0) * whole
        case sympy.Rational():
            return float(expression)
    raise AssertionError(f"the oracle does not know {expression!r}")


def _inverse(matrix: Any) -> Any:
    """The inverse; what rounding alone keeps from being singular counts as singular."""
    if np.linalg.cond(matrix) > WORST:
        raise np.linalg.LinAlgError("singular to rounding")
    return np.linalg.inv(matrix)


def equal(left: Any, right: Any) -> bool | None:
    """Whether two values are equal; None if that cannot be told."""
    one, two = np.atleast_2d(left), np.atleast_2d(right)
    if one.shape != two.shape:
        return False
    if not (np.all(np.isfinite(one)) and np.all(np.isfinite(two))):
        return None
    gap = np.max(np.abs(one - two)) / (1 + np.max(np.abs(one)) + np.max(np.abs(two)))
    return True if gap < CLOSE else False if gap > APART else None
