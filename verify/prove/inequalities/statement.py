"""A stated inequality and the chains that may prove it, whatever the statement says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from verify.claim import Identity, Step
from verify.prove.inequalities.chain import Chain, Fact
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.rules import at_least_one
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import Values, violation


def conclude_stated(
    name: str,
    stated: Relation,
    chain: Chain,
    *sharper: Chain,
    given: tuple[Fact, ...] = (),
    instances: Iterable[Values] = (),
) -> Identity:
    """`conclude` for a statement that may have been changed: where no chain is about its quantity, it is unproved.

    The first chain is the proof. `sharper` ones, that sizes are at least 1, and that what was bounded has a sign are
    tried only where it falls short.
    An instance on which the statement is certainly false refutes it in any case. Raises as `conclude`.
    """
    tried = tuple(instances)
    start: Any = stated.right if chain.downward else stated.left
    if chain.start != start:
        return _unproved(name, stated, chain, tried)
    first = found = conclude(name, stated.left, stated.right, chain, *given, instances=tried)
    sizes = _at_least_one(stated)
    for other in (chain, *sharper):
        for facts in ((), sizes, (*sizes, other.fact("what was just derived"))):
            if found.status != "unknown":
                return found
            if other is not chain or facts:
                found = conclude(name, stated.left, stated.right, other, *given, *facts, instances=tried)
    return found if found.status == "proved" else first


def _unproved(name: str, stated: Relation, chain: Chain, tried: tuple[Values, ...]) -> Identity:
    able = [values for values in tried if values.knows(stated.left) and values.knows(stated.right)]
    witness = next(filter(None, (violation(values, stated) for values in able)), None)
    line = Step(expression=f"{spell(stated.left)} ≤ {spell(stated.right)}", rule="as stated")
    doubt = f"the derivation bounds {spell(chain.start)}, the statement another quantity"
    return Identity(name=name, residual=doubt, derivation=(line,), witness=witness)


def _at_least_one(stated: Relation) -> tuple[Fact, ...]:
    """1 ≤ √n for every size n that the statement names: sizes are positive integers."""
    symbols = stated.left.free_symbols | stated.right.free_symbols
    sizes = sorted((s for s in symbols if isinstance(s, sp.Symbol) and s.is_integer and s.is_positive), key=str)
    return tuple(map(at_least_one, sizes))
