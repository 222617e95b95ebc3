"""Inequalities between quantities as inequalities between polynomials in real variables.

Every atom (a symbol, norm, sum …) becomes a variable with the sign that sympy knows of it; x = r² where
square roots of x occur; a root of a sum, or a sum that is divided by, becomes a variable with its
defining equation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import flint
import sympy as sp

from verify.prove.inequalities.laurent import Terms, is_atom, laurent_terms, multiplied, plus, power, root
from verify.prove.inequalities.real import flaw

Expr = Any


@dataclass(frozen=True)
class Relation:
    """left ≤ right, or left = right, between exact, finite, real quantities.

    Raises:
        ValueError: a side is something else: a float, nan, an infinity, a symbol that is not declared real.
    """

    left: Expr
    right: Expr
    equal: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "left", sp.sympify(self.left))
        object.__setattr__(self, "right", sp.sympify(self.right))
        for side in (self.left, self.right):
            if (reason := flaw(side)) is not None:
                raise ValueError(f"an inequality of {side}: {reason}; give exact numbers and real symbols")


@dataclass(frozen=True)
class Variable:
    """The root of this degree of an expression, and what is known of its sign."""

    base: Expr
    degree: int
    positive: bool
    nonnegative: bool


@dataclass(frozen=True)
class System:
    """Known polynomials (flint.fmpq_mpoly), each ≥ 0 (or = 0 where `equal`), and the goal ≥ 0."""

    variables: tuple[Variable, ...]
    known: tuple[Any, ...]
    equal: tuple[bool, ...]
    goal: Any


def system(relations: Iterable[Relation], goal: Relation) -> System:
    """The relations and the goal over common variables.

    Raises:
        ValueError: a denominator is not known to be positive, or a root is not known to be one of a nonnegative number.
    """
    given = list(relations)
    differences = [_difference(relation) for relation in [*given, goal]]
    definitions = _definitions(differences)
    variables = _variables([*differences, *definitions])
    *known, wanted = (_polynomial(each, variables) for each in differences)
    return System(
        variables=variables,
        known=(*known, *(_polynomial(each, variables) for each in definitions)),
        equal=(*(relation.equal for relation in given), *(True for _ in definitions)),
        goal=wanted,
    )


@cache
def _difference(relation: Relation) -> Terms:
    """right − left."""
    return plus(laurent_terms(relation.right), laurent_terms(relation.left), -1)


def _definitions(given: Iterable[Terms]) -> list[Terms]:
    """What is 0 by the meaning of the roots, sums divided by and absolute values in the given terms."""
    found: dict[Expr, Terms | None] = {}
    waiting = list(given)
    while waiting:
        for base in {of.base: None for monomial in waiting.pop() for of, _ in monomial}:
            if base not in found:
                found[base] = _definition(base)
                waiting.append(found[base] or {})
    return [definition for _, definition in sorted(found.items(), key=lambda item: item[0].sort_key()) if definition]


@cache
def _definition(base: Expr) -> Terms | None:
    if isinstance(base, sp.Abs):
        inside = laurent_terms(base.args[0])
        return plus(power(root(base, 1), 2), multiplied(inside, inside), -1)
    return None if is_atom(base) else plus(laurent_terms(base), power(root(base, 1)), -1)


def _variables(given: Iterable[Terms]) -> tuple[Variable, ...]:
    """For each base a root of which all occurring roots are powers."""
    degrees: dict[Expr, int] = {}
    for of in {of: None for each in given for monomial in each for of, _ in monomial}:
        degrees[of.base] = math.lcm(degrees.get(of.base, 1), of.degree)
    return tuple(
        Variable(base, degrees[base], bool(base.is_positive), bool(base.is_nonnegative))
        for base in sorted(degrees, key=lambda base: base.sort_key())
    )


def _polynomial(given: Terms, variables: tuple[Variable, ...]) -> Any:
    """The terms, times what makes all exponents nonnegative.

    Raises:
        ValueError: that factor is not known to be positive.
    """
    places = {variable.base: (place, variable.degree) for place, variable in enumerate(variables)}
    values: dict[tuple[int, ...], Any] = {}
    for monomial, value in given.items():
        powers = [0] * len(variables)
        for of, exponent in monomial:
            place, degree = places[of.base]
            powers[place] += exponent * (degree // of.degree)
        values[tuple(powers)] = values.get(tuple(powers), 0) + value
    lowest = [min(0, *column) for column in zip(*values, strict=True)] or [0] * len(variables)
    for variable, exponent in zip(variables, lowest, strict=True):
        if exponent < 0 and not variable.positive:
            raise ValueError(f"the denominator {variable.base} is not known positive")
    raised = {tuple(a - b for a, b in zip(powers, lowest, strict=True)): value for powers, value in values.items()}
    return _ring(len(variables)).from_dict(raised)


@cache
def _ring(size: int) -> Any:
    return flint.fmpq_mpoly_ctx.get([f"x{place}" for place in range(size)], "lex")
