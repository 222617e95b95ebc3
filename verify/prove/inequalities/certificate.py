"""Exact certificates: goal = Σ multiplier · known + what is plainly nonnegative, checked in rational arithmetic.

Where it suffices to remove one doubtful monomial of the goal after the other, that is done. Otherwise
the multipliers are found by linear programming in floating point, which only proposes which of them are
used; their values are then solved for. In both cases the identity is multiplied out, exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import flint
import numpy as np
from scipy.optimize import linprog

from verify.prove.inequalities.system import System, Variable

STEPS = 5  # how many doubtful monomials are removed one after the other before linear programming is tried
ROUNDS = 3  # how often monomials of accepted products are looked at for further multipliers
MOST_PRODUCTS = 4000
NEGLIGIBLE = 1e-9  # a multiplier this small in floating point is proposed as zero; the exact solution decides
Monomial = tuple[int, ...]
Polynomial = Any  # flint.fmpq_mpoly; flint ships no types


@dataclass(frozen=True)
class Product:
    """A multiplier monomial times known[place]; without place, the monomial itself, which is nonnegative."""

    monomial: Monomial
    place: int | None


@dataclass(frozen=True)
class Certificate:
    """goal = Σ coefficient · product, with coefficients ≥ 0 except on equations."""

    coefficients: tuple[Any, ...]
    products: tuple[Product, ...]

    @property
    def places(self) -> frozenset[int]:
        """Which of the known polynomials are used."""
        return frozenset(product.place for product in self.products if product.place is not None)

    @property
    def negated(self) -> Certificate:
        """A certificate for the negative of the goal, if only equations are used."""
        return Certificate(tuple(-value for value in self.coefficients), self.products)


def certificate(problem: System) -> Certificate | None:
    """A certificate that the goal is nonnegative, or None if none was found; products of two facts are tried last."""
    removed = _removed(problem.goal, problem, STEPS)
    if removed is not None:
        found = Certificate(tuple(value for value, _ in removed), tuple(product for _, product in removed))
        return found if is_valid(found, problem) else None
    return _programmed(problem) or _programmed(_with_products(problem))


def is_valid(found: Certificate, problem: System) -> bool:
    """Multiply out: every multiplier is nonnegative (or stands before an equation) and the sum is the goal."""
    remainder = problem.goal
    for coefficient, product in zip(found.coefficients, found.products, strict=True):
        equation = product.place is not None and problem.equal[product.place]
        if not equation and (coefficient < 0 or not _nonnegative(product.monomial, problem.variables)):
            return False
        remainder -= coefficient * _multiplied(product, problem)
    return bool(remainder.is_zero())


def _multiplied(product: Product, problem: System) -> Polynomial:
    multiplier = problem.goal.context().from_dict({product.monomial: flint.fmpq(1)})
    return multiplier if product.place is None else multiplier * problem.known[product.place]


def _nonnegative(monomial: Monomial, variables: tuple[Variable, ...]) -> bool:
    return all(power % 2 == 0 or v.nonnegative for power, v in zip(monomial, variables, strict=True))


def _removed(goal: Polynomial, problem: System, steps: int) -> tuple[tuple[Any, Product], ...] | None:
    """Coefficients and products whose sum is the goal: each step removes the first monomial that may be negative."""
    terms = list(goal.terms())
    doubtful = (term for term in terms if term[1] < 0 or not _nonnegative(term[0], problem.variables))
    monomial, value = next(doubtful, (None, 0))
    if monomial is None:
        return tuple((value, Product(monomial, None)) for monomial, value in terms)
    for product, coefficient in _containing(monomial, problem) if steps else ():
        ratio = value / coefficient
        if ratio > 0 or (product.place is not None and problem.equal[product.place]):
            rest = _removed(goal - ratio * _multiplied(product, problem), problem, steps - 1)
            if rest is not None:
                return ((ratio, product), *rest)
    return None


def _containing(target: Monomial, problem: System) -> Iterator[tuple[Product, Any]]:
    """The products in which the target occurs, with its coefficient there."""
    for place, polynomial in enumerate(problem.known):
        for monomial, coefficient in polynomial.terms():
            multiplier = tuple(a - b for a, b in zip(target, monomial, strict=True))
            if min(multiplier, default=0) >= 0 and (
                problem.equal[place] or _nonnegative(multiplier, problem.variables)
            ):
                yield Product(multiplier, place), coefficient


def _with_products(problem: System) -> System:
    """The problem with the products of any two of its inequalities, which are nonnegative too."""
    facts = [known for known, equal in zip(problem.known, problem.equal, strict=True) if not equal]
    products = [first * second for first, second in combinations_with_replacement(facts, 2)]
    return replace(problem, known=(*problem.known, *products), equal=(*problem.equal, *(False for _ in products)))


def _programmed(problem: System) -> Certificate | None:
    """A certificate by linear programming."""
    products = dict(_candidates(problem))
    chosen = _proposed(problem.goal, products, problem)
    found = None if chosen is None else _solved(problem.goal, {product: products[product] for product in chosen})
    return found if found is not None and is_valid(found, problem) else None


def _candidates(problem: System) -> Iterator[tuple[Product, Polynomial]]:
    """Products of known polynomials whose monomials can meet those of the goal, round by round."""
    wanted, met = set(problem.goal.monoms()), set[Monomial]()
    seen: dict[Product, Polynomial] = {}
    for _ in range(ROUNDS):
        for target in sorted(wanted - met):
            for product, _ in _containing(target, problem):
                if product not in seen and len(seen) < MOST_PRODUCTS:
                    seen[product] = _multiplied(product, problem)
        met |= wanted
        wanted.update(*(value.monoms() for value in seen.values()))
    yield from seen.items()
    for monomial in sorted(wanted):
        if _nonnegative(monomial, problem.variables):
            product = Product(monomial, None)
            yield product, _multiplied(product, problem)


def _proposed(goal: Polynomial, products: dict[Product, Polynomial], problem: System) -> list[Product] | None:
    """The products that carry a vertex of the linear program."""
    columns = [goal, *products.values()]
    rows = {monomial: row for row, monomial in enumerate(sorted({m for value in columns for m in value.monoms()}))}
    matrix = np.zeros((len(rows), len(columns)))
    for column, polynomial in enumerate(columns):
        for monomial, value in polynomial.terms():
            matrix[rows[monomial], column] = float(value)
    target, matrix = matrix[:, 0], matrix[:, 1:]
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


def _solved(goal: Polynomial, chosen: dict[Product, Polynomial]) -> Certificate | None:
    """The exact coefficients of the chosen products, if they represent the goal in exactly one way."""
    columns = [value.to_dict() for value in [*chosen.values(), goal]]
    rows = sorted({monomial for column in columns for monomial in column})
    augmented = flint.fmpq_mat([[column.get(m, 0) for column in columns] for m in rows] or [[0]])
    reduced, rank = augmented.rref()
    pivots = [next(c for c in range(len(columns)) if reduced[r, c] != 0) for r in range(rank)]
    if pivots != list(range(len(chosen))):
        return None
    return Certificate(tuple(reduced[row, len(chosen)] for row in range(rank)), tuple(chosen))
