"""Random exact instances of given expressions, at small sizes, on which the premises hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from verify.prove import rational
from verify.prove.instance import Instance

SEED = 0  # the draws are the same in every run, so a witness found once is found again
DRAWS = 60  # sizes and values drawn before giving up
SMALL = 4  # of these draws, so many with sizes of at most 2, for short witnesses; then up to 3
LARGEST = 12  # dimension of an instance; more comes only from sizes that are explicit in the expressions
Sample = Callable[[Mapping[Any, int], random.Random], Mapping[Any, Any] | None]
"""Values for the symbols that premises constrain, given the sizes; None where there are none of these sizes."""


@dataclass(frozen=True)
class Equation:
    """A premise left = right between sympy matrix expressions, and the name that derivations quote it by."""

    left: Any
    right: Any
    name: str


@dataclass(frozen=True)
class Unknowns:
    """What has to be drawn for some expressions: sizes, so that all dimensions are positive; scalars; matrices."""

    dimensions: frozenset[Any]
    sizes: tuple[Any, ...]
    scalars: tuple[Any, ...]
    matrices: tuple[Any, ...]

    @classmethod
    def of(cls, expressions: Iterable[Any]) -> Unknowns:
        known = list(expressions)
        shaped = {s for e in known for s in e.atoms(sympy.MatrixSymbol, sympy.Identity, sympy.ZeroMatrix)}
        dimensions = frozenset(size for matrix in shaped for size in matrix.shape)
        sizes = {symbol for size in dimensions for symbol in size.free_symbols}
        scalars = {s for e in known for s in e.free_symbols if isinstance(s, sympy.Symbol)} - sizes
        matrices = (matrix for matrix in shaped if isinstance(matrix, sympy.MatrixSymbol))
        return cls(dimensions, _sorted(sizes), _sorted(scalars), _sorted(matrices))


def _sorted(symbols: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(symbols, key=str))


def instances(expressions: Sequence[Any], premises: Sequence[Equation], sample: Sample | None) -> Iterator[Instance]:
    """Random instances of the expressions' symbols; none if there are premises and nothing to draw by.

    Raises:
        ValueError: the sample violates a premise, or gives a matrix of the wrong shape.
    """
    if premises and sample is None:
        return
    rng = random.Random(SEED)
    sides = [side for premise in premises for side in (premise.left, premise.right)]
    unknowns = Unknowns.of([*expressions, *sides])
    for draw in range(DRAWS):
        sizes = {symbol: rng.randint(1, 2 if draw < SMALL else 3) for symbol in unknowns.sizes}
        if not all(1 <= dimension.subs(sizes) <= LARGEST for dimension in unknowns.dimensions):
            continue
        given = sample(sizes, rng) if sample else {}
        if given is None:
            continue
        instance = _drawn(unknowns, sizes, given, rng)
        if _satisfies(instance, premises):
            yield instance


def _drawn(unknowns: Unknowns, sizes: Mapping[Any, int], given: Mapping[Any, Any], rng: random.Random) -> Instance:
    values: dict[Any, Any] = {symbol: Fraction(size) for symbol, size in sizes.items()}
    for symbol in unknowns.scalars:
        values[symbol] = Fraction(str(given[symbol])) if symbol in given else _scalar(symbol, rng)
    for symbol in unknowns.matrices:
        rows, cols = (int(size.subs(sizes)) for size in symbol.shape)
        value = rational.matrix(given[symbol]) if symbol in given else rational.draw(rng, rows, cols)
        if (len(value), len(value[0])) != (rows, cols):
            raise ValueError(f"the sample's {symbol} is {len(value)} × {len(value[0])}, expected {rows} × {cols}")
        values[symbol] = value
    return Instance(values)


def _scalar(symbol: Any, rng: random.Random) -> Fraction:
    """A small nonzero number of the symbol's declared sign."""
    size = Fraction(rng.randint(1, 4), 1 if symbol.is_integer else rng.choice((1, 1, 2, 3)))
    return size if symbol.is_nonnegative else -size if symbol.is_nonpositive else size * rng.choice((1, -1))


def _satisfies(instance: Instance, premises: Sequence[Equation]) -> bool:
    """Whether the premises are defined at the instance, where they must then hold."""
    for premise in premises:
        try:
            left, right = instance.evaluate(premise.left), instance.evaluate(premise.right)
        except ZeroDivisionError:
            return False
        if left != right:
            raise ValueError(f"the sample violates the premise {premise.name!r} at {instance}")
    return True
