"""Index calculus: identities between expressions with indices, for all ranges, proved or refuted exactly.

Expressions are written as on paper. With u a tensor with one index, softmax is e_i r:

>>> e = exponential("e", (i,), u[i])
>>> r = reciprocal("r", (), total(e[i], i))
>>> prove_indexed("softmax", derivative(e[i] * r[()], u[j]), e[i] * r[()] * (delta(i, j) - e[j] * r[()])).status
'proved'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from verify.claim import Identity, Step
from verify.prove.indices.calculus import Calculus
from verify.prove.indices.components import difference, first_difference, generic_instances, instances
from verify.prove.indices.contraction import subtract
from verify.prove.indices.tensors import (
    Derivative,
    Entry,
    Expression,
    Index,
    Known,
    Letter,
    Tensor,
    delta,
    derivative,
    exponential,
    lift,
    reciprocal,
    shorthand,
    square,
    total,
)
from verify.prove.matrices.derivation import UnsoundStepError
from verify.prove.matrices.identity import tried_out
from verify.prove.matrices.sampling import ENOUGH

__all__ = [
    "Expression",
    "Index",
    "Letter",
    "Tensor",
    "delta",
    "derivative",
    "exponential",
    "learn",
    "prove_indexed",
    "reciprocal",
    "shorthand",
    "square",
    "total",
]


def prove_indexed(name: str, left: Any, right: Any) -> Identity:
    """left = right for all ranges of all indices and at all values of the free ones.

    Refuted by an exact instance, at which derivatives are taken by dual numbers.

    Raises:
        UnsoundStepError: a line of the proof is false at an exact instance.
        ValueError: one name means two things, or an index has two ranges.
    """
    sides = lift(left), lift(right)
    calculus = Calculus.of(sides)
    shown = [Step(expression=text, rule="definition") for text in calculus.definitions()]
    forms = []
    for side, text in zip(sides, ("left side, expanded", "right side, expanded"), strict=True):
        forms.append(calculus.read(side))
        shown.append(Step(expression=calculus.show(forms[-1]), rule="; ".join((text, *calculus.used()))))
    goal = subtract(*forms)
    shown.append(Step(expression=calculus.show(goal), rule="left − right, summed indices renamed, deltas contracted"))
    remainder, rules = calculus.cancel(goal)
    if rules:
        shown.append(Step(expression=calculus.show(remainder), rule="; ".join(rules)))
    if not remainder:
        lines = [(side, calculus.write(form)) for side, form in zip(sides, forms, strict=True)]
        residual = tried_out(_try_out([*lines, (calculus.write(goal), lift(0)), sides]))
        return Identity(name=name, residual=residual, derivation=tuple(shown))
    found = next(filter(None, (first_difference(*sides, i) for i in instances(sides))), None)
    return Identity(name=name, residual=calculus.show(remainder), derivation=tuple(shown), witness=found)


def _try_out(lines: Sequence[tuple[Expression, Expression]]) -> int:
    """On how many exact instances, of those with different sizes from 2 on, every line of a proof is defined.

    Raises:
        UnsoundStepError: a line is false there.
    """
    count = 0
    for instance in generic_instances(side for line in lines for side in line):
        try:
            found = next(filter(None, (difference(*line, instance) for line in lines)), None)
        except ZeroDivisionError:
            continue
        if found is not None:
            raise UnsoundStepError(f"a line of a proof is false {found}")
        count += 1
        if count == ENOUGH:
            break
    return count


def learn(name: str, left: Expression, right: Expression) -> tuple[Identity, Letter]:
    """Prove left = right for a derivative of a letter; if proved, the letter returned knows it as `name`.

    Raises:
        ValueError: the left side is not the derivative of a shorthand at its own slots; or as in `prove_indexed`.
    """
    match left:
        case Derivative(body=Entry(of=Letter(kind="shorthand") as letter, indices=indices), by=by) if (
            indices == letter.slots and len({*indices, *by.indices}) == len(indices) + len(by.indices)
        ):
            found = prove_indexed(name, left, right)
        case _:
            raise ValueError(
                "only the derivative of a shorthand, at its own slots and by other indices, can be learned"
            )
    if found.status != "proved":
        return found, letter
    return found, replace(letter, kept=True, known=(*letter.known, Known(by, right, name)))
