"""Exact certificates: goal = Σ multiplier · known + what is plainly nonnegative, checked in rational arithmetic.

The multipliers are found by linear programming in floating point, which only proposes which of them
are used; their values are then solved for, and the identity is multiplied out, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import flint
import numpy as np
import sympy as sp
from scipy.optimize import linprog

from verify.prove.system import System

ROUNDS = 3  # how often monomials of accepted products are looked at for further multipliers
MOST_PRODUCTS = 4000
NEGLIGIBLE = 1e-9  # a multiplier this small in floating point is proposed as zero; the exact solution decides
Monomial = tuple[int, ...]
Terms = Mapping[Monomial, Any]


@dataclass(frozen=True)
class Product:
    """A multiplier monomial times known[place]; without place, the monomial itself, which is nonnegative."""

    monomial: Monomial
    place: int | None
    terms: Terms


@dataclass(frozen=True)
class Certificate:
    """goal = Σ coefficient · product, with coefficients ≥ 0 except on equations."""

    coefficients: tuple[Any, ...]
    products: tuple[Product, ...]

    @property
    def places(self) -> frozenset[int]:
        """Which of the known polynomials are used."""
        return frozenset(product.place for product in self.products if product.place is not None)


def certificate(problem: System) -> Certificate | None:
    """A certificate that the goal is nonnegative, or None if none was found; products of two facts are tried last."""
    return _found(problem) or _found(_with_products(problem))


def _with_products(problem: System) -> System:
    """The problem with the products of any two of its inequalities, which are nonnegative too."""
    facts = [known for known, equal in zip(problem.known, problem.equal, strict=True) if not equal]
    products = [first * second for first, second in combinations_with_replacement(facts, 2)]
    return replace(problem, known=(*problem.known, *products), equal=(*problem.equal, *(False for _ in products)))


def _found(problem: System) -> Certificate | None:
    goal = dict(problem.goal.terms())
    products = list(_candidates(problem))
    chosen = _proposed(goal, products, problem)
    found = _solved(goal, chosen) if chosen is not None else None
    return found if found is not None and is_valid(found, problem) else None


def is_valid(found: Certificate, problem: System) -> bool:
    """Multiply out: every multiplier is nonnegative (or stands before an equation) and the sum is the goal."""
    remainder = problem.goal
    for coefficient, product in zip(found.coefficients, found.products, strict=True):
        equation = product.place is not None and problem.equal[product.place]
        if not equation and (coefficient < 0 or not _nonnegative(product.monomial, problem.variables)):
            return False
        known = 1 if product.place is None else problem.known[product.place]
        remainder -= sp.Poly({product.monomial: coefficient}, *problem.variables) * known
    return bool(remainder.is_zero)


def _nonnegative(monomial: Monomial, variables: tuple[Any, ...]) -> bool:
    return all(power % 2 == 0 or v.is_nonnegative for power, v in zip(monomial, variables, strict=True))


def _candidates(problem: System) -> Iterator[Product]:
    """Products of known polynomials whose monomials can meet those of the goal, round by round."""
    wanted = {monomial for monomial, _ in problem.goal.terms()}
    seen: set[tuple[int, Monomial]] = set()
    for _ in range(ROUNDS):
        for place, polynomial in enumerate(problem.known):
            for target in sorted(wanted):
                for monomial in polynomial.monoms():
                    multiplier = tuple(a - b for a, b in zip(target, monomial, strict=True))
                    if min(multiplier) < 0 or (place, multiplier) in seen or len(seen) > MOST_PRODUCTS:
                        continue
                    if not (problem.equal[place] or _nonnegative(multiplier, problem.variables)):
                        continue
                    seen.add((place, multiplier))
                    yield Product(multiplier, place, _shifted(polynomial, multiplier))
        wanted |= {m for place, multiplier in seen for m in _shifted(problem.known[place], multiplier)}
    for monomial in sorted(wanted):
        if _nonnegative(monomial, problem.variables):
            yield Product(monomial, None, {monomial: sp.Integer(1)})


def _shifted(polynomial: Any, by: Monomial) -> Terms:
    return {tuple(a + b for a, b in zip(monomial, by, strict=True)): value for monomial, value in polynomial.terms()}


def _proposed(goal: Terms, products: list[Product], problem: System) -> list[Product] | None:
    """The products that carry a vertex of the linear program."""
    rows = {monomial: row for row, monomial in enumerate(sorted({*goal, *(m for p in products for m in p.terms)}))}
    matrix = np.zeros((len(rows), len(products)))
    for column, product in enumerate(products):
        for monomial, value in product.terms.items():
            matrix[rows[monomial], column] = float(value)
    target = np.zeros(len(rows))
    for monomial, value in goal.items():
        target[rows[monomial]] = float(value)
    if not products:
        return [] if not any(target) else None
    free = [product.place is not None and problem.equal[product.place] for product in products]
    split = np.hstack([matrix, -matrix[:, free]])  # an equation may be used with either sign
    answer = linprog(np.ones(split.shape[1]), A_eq=split, b_eq=target, method="highs")
    if answer.x is None or not answer.success:
        return None
    weight = answer.x[: len(products)].copy()
    weight[free] -= answer.x[len(products) :]
    return [product for product, value in zip(products, weight, strict=True) if abs(value) > NEGLIGIBLE]


def _solved(goal: Terms, chosen: list[Product]) -> Certificate | None:
    """The exact coefficients of the chosen products, if they represent the goal in exactly one way."""
    rows = sorted({*goal, *(m for p in chosen for m in p.terms)})
    augmented = flint.fmpq_mat(
        [[_fraction(p.terms.get(m, 0)) for p in chosen] + [_fraction(goal.get(m, 0))] for m in rows] or [[0]]
    )
    reduced, rank = augmented.rref()
    pivots = [next(c for c in range(len(chosen) + 1) if reduced[r, c] != 0) for r in range(rank)]
    if pivots != list(range(len(chosen))):
        return None
    values = [reduced[row, len(chosen)] for row in range(rank)]
    return Certificate(tuple(sp.Rational(int(v.p), int(v.q)) for v in values), tuple(chosen))


def _fraction(value: Any) -> Any:
    exact = sp.Rational(value)
    return flint.fmpq(int(exact.p), int(exact.q))
