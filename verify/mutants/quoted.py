"""False versions of a lemma: each of its bounds halved, a tenth lower, or read from right to left.

The chain behind it then ends with a line that no fact gives, or its identities prove another statement. Whoever
quotes it must lose the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sympy as sp

from verify.prove.inequalities.chain import Chain
from verify.prove.inequalities.lemma import Lemma, Special
from verify.prove.inequalities.quantity import SumOf
from verify.prove.inequalities.system import Relation
from verify.prove.matrices.sampling import Equation

HALF, LESS = sp.Rational(1, 2), sp.Rational(9, 10)
WAYS = {
    "halved": lambda stated: falsified(stated, HALF),
    "a tenth lower": lambda stated: falsified(stated, LESS),
    "reversed": lambda stated: turned(stated),
}


def falsify(lemma: Lemma, way: str) -> None:
    """Let the lemma state something false, wherever it is quoted and under whatever name it was imported."""
    states: Callable[..., Any] = lemma.states
    object.__setattr__(lemma, "states", lambda *given, **options: WAYS[way](states(*given, **options)))
    lemma.forget()


def falsified(stated: Any, factor: Any) -> Any:
    """The upper bound times a factor below 1, a lower bound divided by it; of an equation, one side times it."""
    match stated:
        case Chain():
            return stated.to(stated.end / factor if stated.downward else stated.end * factor)
        case Special():
            return replace(stated, chain=falsified(stated.chain, factor))
        case Relation() | Equation():
            return replace(stated, right=factor * stated.right)
        case SumOf():
            return replace(stated, part=factor * stated.part)
    return stated


def turned(stated: Any) -> Any:
    """The inequality read from right to left; an equation with the sign of one side changed."""
    match stated:
        case Chain():
            return Chain(stated.end, downward=stated.downward).to(stated.start)
        case Special():
            return replace(stated, chain=turned(stated.chain))
        case Relation() if not stated.equal:
            return replace(stated, left=stated.right, right=stated.left)
    return falsified(stated, sp.Integer(-1))
