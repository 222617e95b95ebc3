"""Exact instances of expressions with indices: evaluation entry by entry, derivatives by dual numbers.

Shares nothing with the normal form, so the two can check one another. Numbers are polynomials in
log 2 with rational coefficients; log 2 is transcendental, so equal numbers are equal polynomials. A
tensor that is logarithmic holds whole multiples of log 2, so that exponentials are powers of 2.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, NamedTuple

import flint
import sympy

from verify.prove.indices import tensors
from verify.prove.indices.tensors import Entry, Expression, Index, Letter, Tensor

SEED = 0  # the draws are the same in every run, so a witness found once is found again
TRIALS = 12  # instances at which an identity is tried before it is called unknown
SMALL = 6  # of these, so many with sizes of at most 2
PLACES = 8  # values of the free indices at which an equation is tried on an instance
LARGEST = 2  # the entries of a tensor are integers from -LARGEST to LARGEST
ZERO, ONE, LOG2 = flint.fmpq_poly([]), flint.fmpq_poly([1]), flint.fmpq_poly([0, 1])
Place = tuple[int, ...]
ARRAY = re.compile(r"(\S+) = (log2 · )?(\[[^=]*\]|-?\d+(?:/\d+)?)(?=[,:]|$)")


class Dual(NamedTuple):
    """A number and its derivative, as polynomials in log 2."""

    value: Any
    slope: Any


@dataclass(frozen=True)
class Values:
    """An instance: the sizes, the scalars and the entries of the tensors, as integers."""

    symbols: Mapping[Any, Fraction]
    entries: Mapping[str, Mapping[Place, int]]
    logarithmic: frozenset[str] = frozenset()

    def __str__(self) -> str:
        shown = [f"{symbol.name} = {value}" for symbol, value in self.symbols.items()]
        for name, entries in self.entries.items():
            unit = "log2 · " if name in self.logarithmic else ""
            shown.append(f"{name} = {unit}{json.dumps(_nested(entries))}")
        return ", ".join(shown)

    @classmethod
    def read(cls, text: str, expressions: Iterable[Expression]) -> Values:
        """The instance that a witness describes, for the symbols and tensors of these expressions.

        Raises:
            ValueError: the text gives no value to one of them.
        """
        symbols, arrays = contents(expressions)
        found = {name: value for name, _, value in ARRAY.findall(text)}
        if missing := [item.name for item in (*symbols, *arrays) if item.name not in found]:
            raise ValueError(f"the witness gives no value to {missing[0]}: {text}")
        entries = {array.name: dict(_flat(json.loads(found[array.name]))) for array in arrays}
        logarithmic = frozenset(array.name for array in arrays if array.logarithmic)
        return cls({symbol: Fraction(found[symbol.name]) for symbol in symbols}, entries, logarithmic)

    def evaluate(self, expression: Expression, at: Mapping[Index, int]) -> Any:
        """The exact value, given the free indices (which count from 0).

        Raises:
            ZeroDivisionError: a reciprocal is of zero.
            ValueError: an exponent is no whole multiple of log 2.
        """
        return self.moved(None).dual(expression, at).value

    def moved(self, entry: tuple[str, Place] | None) -> _Evaluation:
        """The evaluation with derivatives by the entry (none), which remembers letters and sums."""
        return self.walks.setdefault(entry, _Evaluation(self, entry))

    @cached_property
    def walks(self) -> dict[tuple[str, Place] | None, _Evaluation]:
        """The evaluations made so far."""
        return {}

    @cached_property
    def scalars(self) -> dict[Any, Any]:
        """The values of scalar expressions met so far."""
        return {}

    def scalar(self, expression: Any) -> Any:
        """The exact value of a scalar expression, as a constant polynomial; it must be a rational function."""
        if expression not in self.scalars:
            value = sympy.cancel(expression).subs(self.symbols)
            if not value.is_Rational:
                raise ZeroDivisionError(f"{expression} is not defined, or not rational, at {self.symbols}")
            self.scalars[expression] = flint.fmpq_poly([flint.fmpq(value.p, value.q)])
        return self.scalars[expression]


def contents(expressions: Iterable[Expression]) -> tuple[list[Any], list[Tensor]]:
    """The symbols and the tensors in the expressions, in the order of their names."""
    symbols: set[Any] = set()
    arrays: set[Tensor] = set()
    for part in (part for expression in expressions for part in expression.walk()):
        symbols |= {symbol for index in tensors.mentioned(part) for symbol in index.size.free_symbols}
        match part:
            case tensors.Scalar(value):
                symbols |= value.free_symbols
            case Entry(Tensor() as tensor, _):
                arrays.add(tensor)
    return sorted(symbols, key=str), sorted(arrays, key=lambda array: array.name)


def instances(expressions: Iterable[Expression]) -> Iterator[Values]:
    """Random small instances of everything in the expressions, where a witness is looked for."""
    symbols, arrays, sizes = _unknowns(expressions)
    rng = random.Random(SEED)
    for draw in range(TRIALS):
        most = 2 if draw < SMALL else 3
        yield _drawn(symbols, arrays, {symbol: rng.randint(1, most) for symbol in sizes}, rng)


def generic_instances(expressions: Iterable[Expression]) -> Iterator[Values]:
    """Random instances with pairwise different sizes from 2 on, where proofs are tried."""
    symbols, arrays, sizes = _unknowns(expressions)
    rng = random.Random(SEED)
    for _ in range(TRIALS):
        chosen = rng.sample(range(2, len(sizes) + 2), len(sizes))
        yield _drawn(symbols, arrays, dict(zip(sizes, chosen, strict=True)), rng)


def _unknowns(expressions: Iterable[Expression]) -> tuple[list[Any], list[Tensor], list[Any]]:
    """The symbols and the tensors in the expressions, and those symbols that are sizes."""
    known = list(expressions)
    symbols, arrays = contents(known)
    sizes = {size for part in (part for e in known for part in e.walk()) for size in _sizes(part)}
    sizes |= {size for array in arrays for size in array.sizes}
    return sorted({*symbols, *sizes}, key=str), arrays, sorted(sizes, key=str)


def _drawn(symbols: Iterable[Any], arrays: Iterable[Tensor], sizes: Mapping[Any, int], rng: random.Random) -> Values:
    drawn = {symbol: Fraction(sizes[symbol]) if symbol in sizes else _scalar(symbol, rng) for symbol in symbols}
    entries = {
        array.name: {
            place: rng.randint(-LARGEST, LARGEST)
            for place in product(*(range(int(drawn[size])) for size in array.sizes))
        }
        for array in arrays
    }
    return Values(drawn, entries, frozenset(array.name for array in arrays if array.logarithmic))


def _sizes(part: Expression) -> set[Any]:
    return {index.size for index in tensors.mentioned(part)}


def _scalar(symbol: Any, rng: random.Random) -> Fraction:
    """A small nonzero number, positive unless the symbol may be negative."""
    size = Fraction(rng.randint(1, 4), 1 if symbol.is_integer else rng.choice((1, 2, 3)))
    return size if symbol.is_nonnegative else -size if symbol.is_nonpositive else size * rng.choice((1, -1))


def first_difference(left: Expression, right: Expression, values: Values) -> str | None:
    """Where the two sides differ on the instance, with their values there; None if nowhere or not defined."""
    try:
        return difference(left, right, values)
    except ZeroDivisionError:
        return None


def difference(left: Expression, right: Expression, values: Values) -> str | None:
    """Where the two sides differ on the instance, with their values there; None if nowhere.

    Raises:
        ZeroDivisionError: a side is not defined there.
    """
    free = sorted(left.free | right.free, key=lambda index: index.name)
    for place in _places([int(values.symbols[index.size]) for index in free], [index.size for index in free]):
        at = dict(zip(free, place, strict=True))
        sides = [values.evaluate(side, at) for side in (left, right)]
        if sides[0] != sides[1]:
            where = "".join(f", {index.name} = {value + 1}" for index, value in at.items())
            return f"at {values}{where}: left = {show_number(sides[0])}, right = {show_number(sides[1])}"
    return None


def _places(counts: list[int], sizes: list[Any]) -> Iterable[Place]:
    """All places; of more than `PLACES`, so many at random, every other one with equal indices of a size equal."""
    if prod(counts) <= PLACES:
        return product(*map(range, counts))
    rng = random.Random(SEED)
    drawn = [tuple(map(rng.randrange, counts)) for _ in range(PLACES)]
    alike = [tuple(place[sizes.index(size)] for size in sizes) for place in drawn[::2]]
    return [*drawn[1::2], *alike]


def show_number(value: Any) -> str:
    """A polynomial in log 2: 3/4, or 1/2 + −3·log2."""
    powers = ("", "·log2", *(f"·log2^{degree}" for degree in range(2, len(value.coeffs()))))
    terms = [f"{c}{power}" for c, power in zip(value.coeffs(), powers, strict=False) if c]
    return " + ".join(terms) or "0"


@dataclass
class _Evaluation:
    """One walk through an expression; `moving` is the entry by which derivatives are taken."""

    values: Values
    moving: tuple[str, Place] | None = None
    known: dict[tuple[str, Place], Dual] = field(default_factory=dict)
    sums: dict[tuple[int, Place], tuple[Expression, Dual]] = field(default_factory=dict)

    def dual(self, expression: Expression, at: Mapping[Index, int]) -> Dual:
        match expression:
            case tensors.Scalar(value):
                return Dual(self.values.scalar(value), ZERO)
            case tensors.Sum(terms):
                return _sum(self.dual(term, at) for term in terms)
            case tensors.Product(factors):
                return _product(self.dual(factor, at) for factor in factors)
            case tensors.Total():
                return self._total(expression, at)
            case tensors.Delta(first, second):
                return Dual(ONE if at[first] == at[second] else ZERO, ZERO)
            case tensors.Derivative(body, by):
                moved = self.values.moved((by.of.name, tuple(at[index] for index in by.indices)))
                return Dual(moved.dual(body, at).slope, ZERO)
            case Entry(of, indices):
                return self._entry(of, tuple(at[index] for index in indices))
        raise ValueError(f"cannot evaluate {expression!r}")

    def _total(self, expression: tensors.Total, at: Mapping[Index, int]) -> Dual:
        """A sum is taken once for each place of its free indices; kept beside it, it lives on and so does its id."""
        place = id(expression), tuple(at[index] for index in expression.in_order)
        if place not in self.sums:
            count = int(self.values.symbols[expression.index.size])
            bodies = (self.dual(expression.body, {**at, expression.index: value}) for value in range(count))
            self.sums[place] = expression, _sum(bodies)
        return self.sums[place][1]

    def _entry(self, of: Tensor | Letter, place: Place) -> Dual:
        if isinstance(of, Tensor):
            number = self.values.entries[of.name][place] * (LOG2 if of.logarithmic else ONE)
            return Dual(number, ONE if self.moving == (of.name, place) else ZERO)
        if (of.name, place) not in self.known:
            body = self.dual(of.body, dict(zip(of.slots, place, strict=True)))
            self.known[of.name, place] = _applied(of, body)
        return self.known[of.name, place]


def _applied(of: Letter, body: Dual) -> Dual:
    if of.kind == "shorthand":
        return body
    if of.kind == "reciprocal":
        if not body.value:
            raise ZeroDivisionError(f"{of.name} is the reciprocal of zero")
        if body.value.degree() > 0:
            raise ValueError(f"{of.name} divides by a number with log 2 in it: its tensors must not be logarithmic")
        inverse = ONE / body.value[0]
        return Dual(inverse, -body.slope * inverse * inverse)
    power = body.value[1]
    if body.value != power * LOG2 or power.q != 1:
        raise ValueError(f"the exponent of {of.name} is no whole multiple of log 2: declare its tensors logarithmic")
    value = ONE * flint.fmpq(2) ** int(power.p)
    return Dual(value, value * body.slope)


def _sum(terms: Iterable[Dual]) -> Dual:
    value, slope = ZERO, ZERO
    for term in terms:
        value, slope = value + term.value, slope + term.slope
    return Dual(value, slope)


def _product(factors: Iterable[Dual]) -> Dual:
    value, slope = ONE, ZERO
    for factor in factors:
        value, slope = value * factor.value, slope * factor.value + value * factor.slope
    return Dual(value, slope)


def _nested(entries: Mapping[Place, int]) -> Any:
    if () in entries:
        return entries[()]
    rows: dict[int, dict[Place, int]] = {}
    for place, value in entries.items():
        rows.setdefault(place[0], {})[place[1:]] = value
    return [_nested(row) for row in rows.values()]


def _flat(value: Any) -> Iterator[tuple[Place, int]]:
    if isinstance(value, list):
        for first, inner in enumerate(value):
            yield from (((first, *rest), number) for rest, number in _flat(inner))
    else:
        yield (), value
