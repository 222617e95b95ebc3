"""Stated results on float64 numbers: their own formulas are evaluated, so no check types a formula a second time.

Values of quantities have the head h as their last axis but one and the token k as their last; whatever stands before
these two (points, pairs, steps) is carried along, and an axis of length 1 stands for what does not depend on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from theorems.network.letters import h, k
from verify.claim import Bound
from verify.prove.inequalities.quantity import Binder, Largest, Length
from verify.prove.inequalities.system import Relation

AXES = {h: -2, k: -1}
Numbers = ArrayLike | float
Known = Mapping[Any, Any]  # a quantity, symbol or tensor's name, and its value

# Norms of float64 matrices err by a modest multiple of N u: by less than 1e-9 for every N below a million. A bound
# is a sum of products of at most four norms and of numbers that are exact or far more accurate.
BOUND_ERROR = 5e-9


def each(values: Numbers) -> ndarray:
    """One number for each point, as a value of a quantity that depends on neither head nor token."""
    return np.asarray(values, dtype=float)[..., None, None]


def evaluated(expression: Any, known: Known) -> ndarray:
    """A scalar quantity from the values of what it is made of.

    Raises:
        KeyError: something in it has no value.
        TypeError: it holds an operation that no statement needs.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_value(expression, known))


def _value(e: Any, known: Known) -> Any:
    if e in known:
        return np.asarray(known[e], dtype=float)
    if e.is_number:
        return float(e)
    if isinstance(e, Binder):
        body, axes = _value(e.body, known), tuple(AXES[index] for index in e.indices)
        if isinstance(e, Largest):
            return body.max(axis=axes, keepdims=True)
        sums = np.sum(body**2 if isinstance(e, Length) else body, axis=axes, keepdims=True)
        return np.sqrt(sums) if isinstance(e, Length) else sums
    if not e.args:
        raise KeyError(f"{e} has no value")
    if e.is_Add or e.is_Mul:
        return reduce(np.add if e.is_Add else np.multiply, [_value(part, known) for part in e.args])
    if e.is_Pow:
        return np.power(*(_value(part, known) for part in e.args))
    raise TypeError(f"cannot evaluate {e} of type {type(e).__name__}")


def held(
    name: str,
    relation: Relation,
    known: Known,
    error: Numbers,
    reason: str,
    *,
    uncertain: Known | None = None,
    steps: Numbers | None = None,
) -> Bound:
    """A stated inequality at every point, where its two sides are nearest to being exchanged.

    `error` bounds the rounding error of what was observed, `uncertain` that of the values it names, in which either
    side is monotone. The constants' relative error is `BOUND_ERROR`, of the smaller side: where the sides are as near
    as that, they are alike.
    """
    sides = [evaluated(side, known) for side in (relation.left, relation.right)]
    wrong = np.asarray(error, dtype=float) + BOUND_ERROR * np.minimum(*map(np.abs, sides))
    for quantity, off in (uncertain or {}).items():
        value = np.asarray(known[quantity], dtype=float)
        ends = [{**known, quantity: np.maximum(value + side * np.asarray(off), 0)} for side in (-1, 1)]
        for side in (relation.left, relation.right):
            wrong = wrong + abs(evaluated(side, ends[1]) - evaluated(side, ends[0]))
    observed, bound, rounding = _worst(*np.broadcast_arrays(*sides, wrong))
    label = "" if steps is None else "training step"
    return Bound(name=name, observed=observed, bound=bound, rounding=rounding, reason=reason, x=steps, x_label=label)


def _worst(*arrays: ndarray) -> tuple[ndarray, ...]:
    """Of each point the entry that violates most, or is nearest to it; one that is not a number comes first."""
    left, right, wrong = (a.reshape(a.shape[0] if a.ndim > 2 else 1, -1) for a in arrays)
    apart = left - right
    violated = (apart > wrong).any(axis=-1)
    chosen = np.where(violated, np.nan_to_num(apart - wrong, nan=-np.inf).argmax(-1), (apart + wrong).argmax(-1))
    return tuple(np.take_along_axis(a, chosen[:, None], axis=-1)[:, 0] for a in (left, right, wrong))
