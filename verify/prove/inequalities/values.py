"""Quantities on an exact instance, enclosed in balls: where an inequality is tried, or refuted.

An instance gives every size an integer and every letter exact rationals or enclosures computed from
them. A comparison counts against an inequality only when the balls are disjoint.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from typing import Any

import flint
import sympy as sp
from sympy.tensor.indexed import Indexed

from verify.certify.evaluate import evaluate, evaluate_fitting, whole_power
from verify.prove.inequalities.enclosed_norms import norm_of_kind, root_of_square
from verify.prove.inequalities.quantity import (
    Binder,
    Columns,
    Diagonal,
    Index,
    Largest,
    Length,
    Letter,
    Norm,
    SumOf,
    bounds,
    free,
)
from verify.prove.inequalities.system import Relation

PRECISION = 200  # bits; instances are small and nothing is inverted beyond what the caller prepared

Expr = Any
Place = Mapping[Index, int]


@dataclass(frozen=True)
class Values:
    """An instance: `text` says exactly what it is, so that anyone can replay it.

    `matrices` gives a letter's value by its name, as a function of the values of its indices in the letter's order
    (counted as their ranges say: from 0 for `Idx("k", K)`); `numbers` gives scalars: a ball, or for an indexed
    scalar a function.

    Raises:
        ValueError: a size is no positive integer (no natural number, for a symbol that may be 0).
    """

    text: str
    sizes: Mapping[Any, int]
    numbers: Mapping[Any, Any]
    matrices: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for symbol, value in self.sizes.items():
            if type(value) is not int or value < bool(symbol.is_positive):
                raise ValueError(f"the size {symbol} is {value!r} on {self.text!r}; give a positive integer")

    def places(self, *indices: Iterable[Index]) -> Iterator[dict[Index, int]]:
        """All values of the indices; those on which the range of another depends come first."""
        found = dict.fromkeys(index for each in indices for index in sorted(each, key=str))
        return self._places(tuple(sorted(found, key=lambda index: len(free(index)))), {})

    def _places(self, indices: tuple[Index, ...], known: dict[Index, int]) -> Iterator[dict[Index, int]]:
        if not indices:
            yield known
        else:
            for value in self.range(indices[0], known):
                yield from self._places(indices[1:], {**known, indices[0]: value})

    def range(self, index: Index, place: Place) -> range:
        """The values that the index takes, from its lower to its upper bound.

        Raises:
            ValueError: a bound is no integer on the instance.
        """
        lower, upper = (self._whole(bound, index, place) for bound in (index.lower, index.upper))
        return range(lower, upper + 1)

    def _whole(self, bound: Any, index: Index, place: Place) -> int:
        value = self._rational(bound, place)
        if value is None or value.denominator != 1:
            raise ValueError(f"the range of {index} ends at {bound} = {value} on {self.text!r}: no integer")
        return int(value)

    def _rational(self, bound: Any, place: Place) -> Fraction | None:
        """The value of a sum of products of sizes, indices and rational numbers."""
        if bound.is_Rational:
            return Fraction(int(bound.p), int(bound.q))
        if bound in self.sizes or bound in place:
            return Fraction(self.sizes[bound] if bound in self.sizes else place[bound])
        parts = [self._rational(part, place) for part in bound.args]
        if not isinstance(bound, (sp.Add, sp.Mul)) or None in parts:
            return None
        return reduce(operator.add if isinstance(bound, sp.Add) else operator.mul, parts)

    def knows(self, expression: Expr) -> bool:
        """Whether every letter, size and scalar of the expression has a value."""
        letters, scalars = _ingredients(expression)
        return all(letter.name in self.matrices for letter in letters) and all(
            scalar in self.sizes or name in self.numbers for scalar, name in scalars
        )


@cache
def _in_order(expression: Expr) -> tuple[Index, ...]:
    """The free indices, by name."""
    return tuple(sorted(free(expression), key=str))


@cache
def _ingredients(expression: Any) -> tuple[tuple[Letter, ...], tuple[tuple[Any, str], ...]]:
    """The letters, and the sizes and scalars with their names; names of indices are neither."""
    letters = tuple(expression.atoms(Letter))
    indices = expression.atoms(sp.Idx).union(*(letter.indices for letter in letters))
    scalars = expression.atoms(sp.Symbol) - {index.label for index in indices}
    return letters, tuple((scalar, str(scalar)) for scalar in scalars)


def extended(values: Values, definitions: Mapping[Any, Expr]) -> Values:
    """The instance with the values of further symbols, each defined by an expression in what is known."""
    with flint.ctx.workprec(PRECISION):
        for symbol, expression in definitions.items():
            values = replace(values, numbers={**values.numbers, str(symbol): number(expression, values, {})})
    return values


def violation(values: Values, relation: Relation) -> str | None:
    """Where the relation is certainly false on the instance, with the two sides; None if nowhere. Looked for once.

    Raises:
        ArithmeticError: a side could not be enclosed.
    """
    if relation not in values.known:
        values.known[relation] = _violation(values, relation)
    found: str | None = values.known[relation]
    return found


def _violation(values: Values, relation: Relation) -> str | None:
    with flint.ctx.workprec(PRECISION):
        for place in values.places(free(relation.left), free(relation.right)):
            left, right = (number(side, values, place) for side in (relation.left, relation.right))
            if not (left.is_finite() and right.is_finite()):
                raise ArithmeticError(f"{relation.left} or {relation.right} is not enclosed at {values.text}")
            if left > right or (relation.equal and left < right):
                where = "".join(f"{index} = {value}, " for index, value in place.items())
                return f"{values.text}: {where}left = {left.str(8, radius=False)}, right = {right.str(8, radius=False)}"
    return None


def matrix_violation(values: Values, item: Any) -> str | None:
    """Where an equation between matrices is certainly false on the instance; None if nowhere. Looked for once.

    The item is an Equation, or says that a matrix is a sum (SumOf), has columns (Columns) or is diagonal (Diagonal).
    """
    key = type(item).__name__, item
    if key not in values.known:
        with flint.ctx.workprec(PRECISION):
            values.known[key] = next(_disagreements(values, item), None)
    found: str | None = values.known[key]
    return found


def _disagreements(values: Values, item: Any) -> Iterator[str]:
    for place in values.places(*_indices(item)):
        first, second = _both(values, item, place)
        fit = (first.nrows(), first.ncols()) == (second.nrows(), second.ncols())
        if not fit or not all(a.overlaps(b) for a, b in zip(first.entries(), second.entries(), strict=True)):
            where = ", ".join(f"{index} = {value}" for index, value in place.items())
            yield f"{values.text}: {where}" if where else values.text


def _indices(item: Any) -> tuple[frozenset[Index], ...]:
    if isinstance(item, SumOf):
        return free(item.whole), (free(item.part) - {item.index}) | bounds(item.index)
    if isinstance(item, Columns):
        return free(item.matrix), free(item.vector)
    sides = (item.matrix, item.entries) if isinstance(item, Diagonal) else (item.left, item.right)
    return tuple(map(free, sides))


def _both(values: Values, item: Any, place: Place) -> tuple[Any, Any]:
    """The two matrices that should be equal."""
    if isinstance(item, SumOf):
        terms = [_matrix(item.part, values, {**place, item.index: v}) for v in values.range(item.index, place)]
        whole = _matrix(item.whole, values, place)
        return whole, sum(terms, flint.arb_mat(whole.nrows(), whole.ncols()))
    if isinstance(item, Columns):
        whole, vector = _matrix(item.matrix, values, place), _matrix(item.vector, values, place)
        return vector, flint.arb_mat([[whole[row, place[item.index]]] for row in range(whole.nrows())])
    if isinstance(item, Diagonal):
        entries = _matrix(item.entries, values, place).entries()
        square = [[entry if row == col else 0 for col in range(len(entries))] for row, entry in enumerate(entries)]
        return _matrix(item.matrix, values, place), flint.arb_mat(square)
    return _matrix(item.left, values, place), _matrix(item.right, values, place)


def number(expression: Expr, values: Values, place: Place) -> Any:
    """A scalar quantity as a ball, computed once for each place; the precision must not change in between.

    Raises:
        KeyError: a letter has no value.
    """
    key = expression, *(place[index] for index in _in_order(expression))
    if key not in values.known:
        values.known[key] = _number(expression, values, place)
    return values.known[key]


def _number(expression: Expr, values: Values, place: Place) -> Any:
    if expression.is_Rational:
        return flint.arb(flint.fmpq(int(expression.p), int(expression.q)))
    if isinstance(expression, sp.Idx):
        return flint.arb(place[expression])
    if isinstance(expression, Norm):
        return norm_of_kind(_matrix(expression.matrix, values, place), expression.kind)
    if expression is sp.E or expression is sp.pi:
        return flint.arb.const_e() if expression is sp.E else flint.arb.pi()
    if isinstance(expression, Indexed):
        return values.numbers[str(expression.base)](*(place[index] for index in expression.indices))
    if isinstance(expression, Binder):
        return _bound(expression, values, place)
    if isinstance(expression, sp.Symbol):
        known = values.sizes.get(expression)
        return flint.arb(values.numbers[str(expression)] if known is None else known)
    parts = [number(part, values, place) for part in expression.args]
    if isinstance(expression, (sp.Abs, sp.exp)):
        return abs(parts[0]) if isinstance(expression, sp.Abs) else parts[0].exp()
    if isinstance(expression, (sp.Add, sp.Mul)):
        return reduce(lambda a, b: a + b if isinstance(expression, sp.Add) else a * b, parts)
    if isinstance(expression, sp.Pow):
        return _power(parts[0], expression.exp, parts[1])
    raise TypeError(f"cannot evaluate {expression} of type {type(expression).__name__}")


def _power(base: Any, exponent: Any, value: Any) -> Any:
    if exponent.is_Rational and exponent.q == 2:
        return whole_power(root_of_square(base), int(exponent.p))
    if exponent.is_Rational and not exponent.is_Integer:
        return base**value
    whole = int(exponent) if exponent.is_Integer else int(value.unique_fmpz())
    return whole_power(base, whole)


def _bound(expression: Binder, values: Values, place: Place) -> Any:
    ranges = [values.range(index, place) for index in expression.indices]
    bodies = [
        number(expression.body, values, {**place, **dict(zip(expression.indices, chosen, strict=True))})
        for chosen in product(*ranges)
    ]
    if isinstance(expression, Largest):
        if not bodies:
            raise ValueError(f"a maximum over no value of {expression.indices[0]} on the instance {values.text!r}")
        return reduce(lambda a, b: a.max(b), bodies)
    if isinstance(expression, Length):
        return root_of_square(sum((body * body for body in bodies), flint.arb(0)))
    return sum(bodies, flint.arb(0))


def _matrix(expression: Any, values: Values, place: Place) -> Any:
    if isinstance(expression, sp.ImmutableDenseMatrix):
        return flint.arb_mat([[number(entry, values, place) for entry in row] for row in expression.tolist()])
    letters, scalars = _ingredients(expression)
    known = {letter: values.matrices[letter.name](*(place[index] for index in letter.indices)) for letter in letters}
    for scalar, name in scalars:
        if scalar in values.sizes or name in values.numbers:
            known[scalar] = values.sizes[scalar] if scalar in values.sizes else values.numbers[name]
    if ("fits", expression) in values.known:
        return evaluate_fitting(expression, known)
    values.known["fits", expression] = True
    return evaluate(expression, known)
