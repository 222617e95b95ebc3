"""Scalar expressions as exact sums of monomials in atoms and their roots, exponents of either sign.

An atom is whatever arithmetic does not look into: a symbol, a norm, a sum over an index. Each expression
is multiplied out once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

import flint
import sympy as sp

Expr = Any


@dataclass(frozen=True, eq=False, slots=True)
class Root:
    """base^(1/degree), of an atom, a number or a sum; `root` makes one object of each."""

    base: Expr
    degree: int


Monomial = frozenset[tuple[Root, int]]
Terms = Mapping[Monomial, Any]  # to coefficients, which are rational and not zero
ONE: Monomial = frozenset()


@cache
def root(base: Expr, degree: int) -> Root:
    """The root of a base that is nonnegative, or the base itself for degree 1.

    Raises:
        ValueError: the base of a proper root is not known to be nonnegative.
    """
    if degree > 1 and not base.is_nonnegative:
        raise ValueError(f"a root of {base}, which is not known to be nonnegative")
    return Root(base, degree)


def is_atom(expression: Expr) -> bool:
    """Whether arithmetic does not look into the expression."""
    if isinstance(expression, sp.Pow):
        return not expression.exp.is_Rational
    return not (expression.is_Rational or isinstance(expression, (sp.Add, sp.Mul)))


@cache
def laurent_terms(expression: Expr) -> Terms:
    """The expression multiplied out; negative powers of sums stay powers of that sum.

    Raises:
        ValueError: as `root`.
    """
    if expression.is_Rational:
        return {ONE: flint.fmpq(int(expression.p), int(expression.q))} if expression != 0 else {}
    if isinstance(expression, sp.Add):
        return reduce(plus, map(laurent_terms, expression.args))
    if isinstance(expression, sp.Mul):
        return reduce(multiplied, map(laurent_terms, expression.args))
    if isinstance(expression, sp.Pow) and expression.exp.is_Rational:
        return _power(expression.base, int(expression.exp.p), int(expression.exp.q))
    expanded = sp.expand_power_exp(expression)
    if expanded != expression:  # q^(s+1) = q · q^s
        return laurent_terms(expanded)
    return power(root(expression, 1))


def power(of: Root, exponent: int = 1) -> Terms:
    """One monomial."""
    return {frozenset({(of, exponent)}): flint.fmpq(1)}


def _power(base: Expr, exponent: int, degree: int) -> Terms:
    if degree == 1 and exponent > 0 and not is_atom(base):
        return reduce(multiplied, [laurent_terms(base)] * exponent)
    return power(root(base, degree), exponent)


def plus(first: Terms, second: Terms, factor: int = 1) -> Terms:
    """first + factor · second."""
    result = dict(first)
    for monomial, value in second.items():
        result[monomial] = result.get(monomial, 0) + factor * value
    return {monomial: value for monomial, value in result.items() if value != 0}


def multiplied(first: Terms, second: Terms) -> Terms:
    """first · second."""
    result: dict[Monomial, Any] = {}
    for one, value in first.items():
        for other, factor in second.items():
            monomial = _joined(one, other)
            result[monomial] = result.get(monomial, 0) + value * factor
    return {monomial: value for monomial, value in result.items() if value != 0}


def _joined(first: Monomial, second: Monomial) -> Monomial:
    if not first or not second:
        return first or second
    powers = dict(first)
    for of, exponent in second:
        powers[of] = powers.get(of, 0) + exponent
    return frozenset((of, exponent) for of, exponent in powers.items() if exponent)
