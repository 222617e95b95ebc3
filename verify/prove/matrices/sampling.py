"""Random exact instances of given expressions, at small sizes, on which the premises hold."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy

from verify.prove.matrices import rational
from verify.prove.matrices.instance import Instance

SEED = 0  # the draws are the same in every run, so a witness found once is found again
DRAWS = 60  # sizes and values drawn before giving up
SMALL = 4  # of these draws, so many with sizes of at most 2, for short witnesses; then up to 3
LARGEST = 12  # dimension of an instance
ENOUGH = 5  # exact instances on which every line of a proof is tried
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
    """What has to be drawn for some expressions: sizes, so that all dimensions are whole; scalars; matrices."""

    dimensions: frozenset[Any]
    sizes: tuple[Any, ...]
    scalars: tuple[Any, ...]
    matrices: tuple[Any, ...]

    @classmethod
    def of(cls, expressions: Iterable[Any]) -> Unknowns:
        known = list(expressions)
        shaped = {s for e in known for s in e.atoms(sympy.MatrixSymbol, sympy.Identity, sympy.ZeroMatrix)}
        _require_sizes(shaped)
        dimensions = frozenset(size for matrix in shaped for size in matrix.shape)
        sizes = {symbol for size in dimensions for symbol in size.free_symbols}
        scalars = {s for e in known for s in e.free_symbols if isinstance(s, sympy.Symbol)} - sizes
        matrices = (matrix for matrix in shaped if isinstance(matrix, sympy.MatrixSymbol))
        return cls(dimensions, _sorted(sizes), _sorted(scalars), _sorted(matrices))


def _require_sizes(shaped: Iterable[Any]) -> None:
    """Sizes are told apart by their text, so that of a symbol must not look like a number or a sum.

    Raises:
        ValueError: it does, or two matrix symbols of one name have different shapes.
    """
    shapes: dict[str, Any] = {}
    for matrix in shaped:
        for symbol in (symbol for size in matrix.shape for symbol in size.free_symbols):
            if re.search(r"^\d|[\s+*/()−-]", symbol.name):
                raise ValueError(f"the size {symbol.name!r} looks like a number or an expression: rename it")
        if isinstance(matrix, sympy.MatrixSymbol) and shapes.setdefault(matrix.name, matrix.shape) != matrix.shape:
            raise ValueError(f"{matrix.name} has the shapes {shapes[matrix.name]} and {matrix.shape}: rename one")


def _sorted(symbols: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(sorted(symbols, key=str))


def instances(expressions: Sequence[Any], premises: Sequence[Equation], sample: Sample | None) -> Iterator[Instance]:
    """Random small instances of the expressions' symbols, where a witness is looked for.

    None if there are premises and nothing to draw by. Raises as `generic_instances`.
    """
    if not premises or sample is not None:
        rng = random.Random(SEED)
        unknowns = Unknowns.of([*expressions, *_sides(premises)])
        for draw in range(DRAWS):
            sizes = {symbol: rng.randint(1, 2 if draw < SMALL else 3) for symbol in unknowns.sizes}
            yield from _at(unknowns, sizes, premises, sample, rng)


def generic_instances(
    expressions: Sequence[Any], premises: Sequence[Equation], sample: Sample | None
) -> Iterator[Instance]:
    """Random instances with all sizes at least 2, and pairwise different where there are such: where proofs are tried.

    Raises:
        ValueError: the sample violates a premise, or gives a matrix of the wrong shape; a size is no whole number.
    """
    if premises and sample is None:
        return
    rng = random.Random(SEED)
    unknowns = Unknowns.of([*expressions, *_sides(premises)])
    for apart in (True, False):
        for _ in range(DRAWS):
            yield from _at(unknowns, _sizes(unknowns.sizes, rng, apart), premises, sample, rng)


def _sizes(symbols: Sequence[Any], rng: random.Random, apart: bool) -> dict[Any, int]:
    """A size from 2 on for each symbol; pairwise different if they shall be `apart`."""
    choices = range(2, max(len(symbols) + 2, 5))
    values = rng.sample(choices, len(symbols)) if apart else rng.choices(choices, k=len(symbols))
    return dict(zip(symbols, values, strict=True))


def _sides(premises: Sequence[Equation]) -> list[Any]:
    return [side for premise in premises for side in (premise.left, premise.right)]


def _at(
    unknowns: Unknowns,
    sizes: Mapping[Any, int],
    premises: Sequence[Equation],
    sample: Sample | None,
    rng: random.Random,
) -> Iterator[Instance]:
    """An instance of these sizes, if there is one on which the premises are defined."""
    values = [dimension.subs(sizes) for dimension in unknowns.dimensions]
    if not all(value.is_Integer and 1 <= value <= LARGEST for value in values):
        return
    given = sample(sizes, rng) if sample else {}
    if given is None:
        return
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
