"""Equality of scalar expressions with roots, such as the constants of a theorem: proved or refuted exactly."""

from __future__ import annotations

from typing import Any

import flint
import sympy as sp

from verify.claim import Identity, Step
from verify.prove.spelling import spell
from verify.prove.values import PRECISION, Values, number


def prove_scalars(
    name: str, left: Any, right: Any, rule: str = "the constant computed from the derivation"
) -> Identity:
    """left = right for all positive values of their symbols: the difference simplifies to 0.

    Where it does not, the two sides are evaluated in balls at distinct small integers; disjoint balls refute.
    """
    left, right = sp.sympify(left), sp.sympify(right)
    residual = sp.simplify(sp.radsimp(sp.expand(left - right)))
    lines = (Step(expression=spell(left), rule=rule), Step(expression=f"= {spell(right)}", rule="as stated"))
    if residual == 0:
        return Identity(name=name, residual="0", derivation=lines)
    symbols = sorted(residual.free_symbols, key=str)
    numbers = {str(symbol): flint.arb(value) for value, symbol in enumerate(symbols, 2)}
    with flint.ctx.workprec(PRECISION):
        given = Values("", {}, numbers)
        first, second = number(left, given, {}), number(right, given, {})
        text = ", ".join(f"{symbol} = {value}" for value, symbol in enumerate(symbols, 2))
        sides = f"left = {first.str(8, radius=False)}, right = {second.str(8, radius=False)}"
        witness = f"at {text or 'no symbols'}: {sides}" if first < second or first > second else None
    return Identity(name=name, residual=spell(residual), derivation=lines, witness=witness)
