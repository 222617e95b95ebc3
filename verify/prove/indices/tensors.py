"""Expressions with indices: tensors, Kronecker deltas, sums, exponentials, reciprocals and derivatives.

A tensor has entries that are free; a letter is a function of its indices with a body. The range of an
index is a sympy symbol, and scalars are rational in sympy symbols.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import sympy


@dataclass(frozen=True)
class Index:
    """An index, which runs from 1 to its size (a sympy symbol for a positive whole number).

    Raises:
        ValueError: it has no name, or its size is something else: a number, a sum, a symbol declared otherwise.
    """

    name: str
    size: Any

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError(f"an index up to {self.size} has no name: give it one")
        symbol = isinstance(self.size, sympy.Symbol)
        if not symbol or self.size.is_positive is False or self.size.is_integer is False:
            raise ValueError(
                f"the index {self.name} runs up to {self.size!r}, which is no symbol for a positive whole number: "
                "name its range"
            )


class Expression:
    """What can be added, multiplied and summed; operators accept sympy scalars and numbers."""

    def __add__(self, other: Any) -> Expression:
        return Sum((self, lift(other)))

    def __radd__(self, other: Any) -> Expression:
        return lift(other) + self

    def __mul__(self, other: Any) -> Expression:
        return Product((self, lift(other)))

    def __rmul__(self, other: Any) -> Expression:
        return lift(other) * self

    def __neg__(self) -> Expression:
        return Scalar(sympy.Integer(-1)) * self

    def __sub__(self, other: Any) -> Expression:
        return self + -lift(other)

    def __rsub__(self, other: Any) -> Expression:
        return lift(other) + -self

    def __truediv__(self, other: Any) -> Expression:
        return lift(1 / sympy.sympify(other)) * self

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        return ()

    @cached_property
    def free(self) -> frozenset[Index]:
        """The indices that are not summed over."""
        return frozenset[Index]().union(*(part.free for part in self.parts))

    def walk(self) -> Iterator[Expression]:
        """Every expression in this one, the bodies of letters included."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Scalar(Expression):
    """A rational function of sympy symbols."""

    value: Any


@dataclass(frozen=True)
class Sum(Expression):
    """terms[0] + terms[1] + …"""

    terms: tuple[Expression, ...]

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        return self.terms


@dataclass(frozen=True)
class Product(Expression):
    """factors[0] · factors[1] · …"""

    factors: tuple[Expression, ...]

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        return self.factors


@dataclass(frozen=True)
class Total(Expression):
    """The sum of the body over all values of the index."""

    body: Expression
    index: Index

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        return (self.body,)

    @cached_property
    def free(self) -> frozenset[Index]:
        return self.body.free - {self.index}

    @cached_property
    def in_order(self) -> tuple[Index, ...]:
        """The free indices, by name."""
        return tuple(sorted(self.free, key=lambda index: index.name))


@dataclass(frozen=True)
class Delta(Expression):
    """1 where the two indices are equal, else 0."""

    first: Index
    second: Index

    @cached_property
    def free(self) -> frozenset[Index]:
        return frozenset({self.first, self.second})


@dataclass(frozen=True)
class Entry(Expression):
    """A tensor or a letter at given indices."""

    of: Tensor | Letter
    indices: tuple[Index, ...]

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        if isinstance(self.of, Tensor):
            return ()
        return self.of.body, *(part for known in self.of.known for part in (known.by, known.value))

    @cached_property
    def free(self) -> frozenset[Index]:
        return frozenset(self.indices)


@dataclass(frozen=True)
class Derivative(Expression):
    """The partial derivative of the body with respect to one entry of a tensor."""

    body: Expression
    by: Entry

    @cached_property
    def parts(self) -> tuple[Expression, ...]:
        return (self.body, self.by)


@dataclass(frozen=True)
class Tensor:
    """An array of free numbers. In exact instances its entries are integers, times log 2 if `logarithmic`.

    Exponents that are linear in logarithmic tensors make every exponential a power of 2: exact.
    """

    name: str
    sizes: tuple[Any, ...]
    logarithmic: bool = False

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Entry:
        return _entry(self, indices, self.sizes)


@dataclass(frozen=True)
class Letter:
    """A function of its slots: the exponential or the reciprocal of its body, or a shorthand for the body itself.

    A shorthand is expanded unless it is `kept`. `known` are derivatives that were proved before. Neither
    changes what the letter means.
    """

    name: str
    slots: tuple[Index, ...]
    body: Expression
    kind: Literal["exponential", "reciprocal", "shorthand"]
    kept: bool = field(default=True, compare=False)
    known: tuple[Known, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if len(set(self.slots)) < len(self.slots):
            raise ValueError(f"the slots of {self.name} repeat an index")
        if strange := self.body.free - set(self.slots):
            names = ", ".join(sorted(index.name for index in strange))
            raise ValueError(f"the body of {self.name} has the free index {names}: sum over it or make it a slot")

    def __getitem__(self, indices: Index | tuple[Index, ...]) -> Entry:
        return _entry(self, indices, tuple(slot.size for slot in self.slots))


@dataclass(frozen=True)
class Known:
    """∂letter[slots]/∂by = value, proved as `name`."""

    by: Entry
    value: Expression
    name: str


def _entry(of: Tensor | Letter, indices: Index | tuple[Index, ...], sizes: tuple[Any, ...]) -> Entry:
    given = indices if isinstance(indices, tuple) else (indices,)
    if tuple(index.size for index in given) != sizes:
        shown = ", ".join(f"{index.name} up to {index.size}" for index in given) or "none"
        raise ValueError(f"the indices of {of.name} run up to {', '.join(map(str, sizes)) or 'nothing'}, got {shown}")
    return Entry(of, given)


def lift(value: Any) -> Expression:
    """The expression itself, or a number or sympy scalar as an expression.

    Raises:
        ValueError: a float, which is not exact, or an infinity.
    """
    if isinstance(value, Expression):
        return value
    scalar = sympy.sympify(value)
    if scalar.has(sympy.Float, sympy.zoo, sympy.oo, -sympy.oo, sympy.nan):
        raise ValueError(f"{value} has a float or an infinity in it: write sympy.Rational, exactly")
    return Scalar(scalar)


def delta(first: Index, second: Index) -> Expression:
    """Kronecker's delta.

    Raises:
        ValueError: the two indices have different ranges.
    """
    if first.size != second.size:
        raise ValueError(f"δ compares {first.name} up to {first.size} with {second.name} up to {second.size}")
    return Delta(first, second)


def total(body: Expression, *indices: Index) -> Expression:
    """The sum over the indices."""
    for index in reversed(indices):
        body = Total(body, index)
    return body


def square(value: Expression) -> Expression:
    return value * value


def derivative(body: Expression, by: Entry) -> Expression:
    """∂body/∂by, for one entry of a tensor.

    Raises:
        ValueError: `by` is not an entry of a tensor, or the body holds a derivative itself.
    """
    if not isinstance(by.of, Tensor):
        raise ValueError(f"a derivative is taken by an entry of a tensor, not of the letter {by.of.name}")
    if any(isinstance(part, Derivative) for part in body.walk()):
        raise ValueError("a derivative of a derivative is outside the calculus")
    return Derivative(body, by)


def exponential(name: str, slots: tuple[Index, ...], body: Expression) -> Letter:
    """name[slots] = exp(body)."""
    return Letter(name, slots, body, "exponential")


def reciprocal(name: str, slots: tuple[Index, ...], body: Expression) -> Letter:
    """name[slots] = 1 / body; to write it asserts that the body does not vanish."""
    return Letter(name, slots, body, "reciprocal")


def shorthand(name: str, slots: tuple[Index, ...], body: Expression, *, kept: bool = False) -> Letter:
    """name[slots] = body; `kept` leaves the name in derivations instead of its body."""
    return Letter(name, slots, body, "shorthand", kept)


def mentioned(part: Expression) -> tuple[Index, ...]:
    """The indices that one node names: its own, those it sums over, and the slots of its letter."""
    match part:
        case Total(_, index):
            return (index,)
        case Delta(first, second):
            return first, second
        case Entry(Letter(slots=slots), indices):
            return (*indices, *slots)
        case Entry(_, indices):
            return indices
    return ()
