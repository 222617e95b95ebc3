"""Equality of scalar expressions with roots, such as the constants of a theorem: proved or refuted exactly."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from verify.claim import Identity, Step
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.values import PRECISION, Values, number
from verify.prove.matrices.derivation import UnsoundStepError
from verify.prove.matrices.identity import tried_out

TRIALS = 8  # instances, of which a proof needs ENOUGH on which both sides are defined


def prove_scalars(
    name: str, left: Any, right: Any, rule: str = "the constant computed from the derivation"
) -> Identity:
    """left = right for all positive values of their symbols: the difference simplifies to 0.

    The two sides are also evaluated in balls, at distinct small integers; disjoint balls refute. What simplifies to
    0 is proved if that is so on `ENOUGH` such instances on which both sides are defined.

    Raises:
        ValueError: a side holds a float, an infinity or what is no number, which are not exact.
        UnsoundStepError: the difference simplifies to 0, but the balls are disjoint.
    """
    left, right = sp.sympify(left), sp.sympify(right)
    for side in (left, right):
        if side.has(sp.Float, sp.nan, sp.oo, -sp.oo, sp.zoo):
            raise ValueError(f"{name}: {side} is not exact: write sympy.Rational, and no infinity")
    residual = sp.simplify(sp.radsimp(sp.expand(left - right)))
    lines = (Step(expression=spell(left), rule=rule), Step(expression=f"= {spell(right)}", rule="as stated"))
    answers = [_difference(left, right, step) for step in range(TRIALS)]
    witness = next(filter(None, answers), None)
    if residual == 0 and witness is not None:
        raise UnsoundStepError(f"{name}: the sides of a proved identity differ {witness}")
    doubt = spell(residual) if residual != 0 else tried_out(sum(answer is not None for answer in answers))
    return Identity(name=name, residual=doubt, derivation=lines, witness=witness or None)


def _difference(left: Any, right: Any, step: int) -> str | None:
    """Where the sides differ on the instance of this number; empty if nowhere, None if a side is not defined there."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    chosen = {symbol: 2 + step + place * (step + 1) for place, symbol in enumerate(symbols)}
    given = Values("", {}, {str(symbol): flint.arb(value) for symbol, value in chosen.items()})
    with flint.ctx.workprec(PRECISION):
        first, second = number(left, given, {}), number(right, given, {})
        if not (first.is_finite() and second.is_finite()):
            return None
        if not (first < second or first > second):
            return ""
        where = ", ".join(f"{symbol} = {value}" for symbol, value in chosen.items()) or "no symbols"
        return f"at {where}: left = {first.str(8, radius=False)}, right = {second.str(8, radius=False)}"
