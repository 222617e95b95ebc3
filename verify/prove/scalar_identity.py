"""Equality of scalar expressions with roots, such as the constants of a theorem: proved or refuted exactly."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from verify.claim import Identity, Step
from verify.prove.derivation import UnsoundStepError
from verify.prove.spelling import spell
from verify.prove.values import PRECISION, Values, number


def prove_scalars(
    name: str, left: Any, right: Any, rule: str = "the constant computed from the derivation"
) -> Identity:
    """left = right for all positive values of their symbols: the difference simplifies to 0.

    The two sides are also evaluated in balls at distinct small integers; disjoint balls refute.

    Raises:
        UnsoundStepError: the difference simplifies to 0, but the balls are disjoint.
    """
    left, right = sp.sympify(left), sp.sympify(right)
    residual = sp.simplify(sp.radsimp(sp.expand(left - right)))
    lines = (Step(expression=spell(left), rule=rule), Step(expression=f"= {spell(right)}", rule="as stated"))
    witness = _difference(left, right)
    if residual == 0 and witness is not None:
        raise UnsoundStepError(f"{name}: the sides of a proved identity differ {witness}")
    return Identity(name=name, residual=spell(residual), derivation=lines, witness=witness)


def _difference(left: Any, right: Any) -> str | None:
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    given = Values("", {}, {str(symbol): flint.arb(value) for value, symbol in enumerate(symbols, 2)})
    with flint.ctx.workprec(PRECISION):
        first, second = number(left, given, {}), number(right, given, {})
        if not (first < second or first > second):
            return None
        where = ", ".join(f"{symbol} = {value}" for value, symbol in enumerate(symbols, 2)) or "no symbols"
        return f"at {where}: left = {first.str(8, radius=False)}, right = {second.str(8, radius=False)}"
