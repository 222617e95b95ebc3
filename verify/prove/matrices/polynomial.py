"""Noncommutative polynomials: sums of words in matrices, with traces and exact scalars before them.

A word is a product of atoms (a matrix symbol, its transpose, or an inverse), read left to right.
A monomial is a word times some traces of words. Two facts are built into the representation: a
product that passes through dimension 1, such as y (yᵀ R y) yᵀ, has a scalar in it, which is taken
out as the trace it equals; and traces are cyclic and do not change under transposition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from verify.prove.matrices.scalars import Coefficient, Scalars

ONE = "1"


class Atom(NamedTuple):
    """One letter. The fields are in the order that compares letters: inverses come last, so they move right."""

    is_inverse: bool
    name: str
    transposed: bool
    rows: str
    cols: str
    symmetric: bool

    def flip(self) -> Atom:
        """The transpose."""
        if self.symmetric:
            return self
        return self._replace(transposed=not self.transposed, rows=self.cols, cols=self.rows)


Word = tuple[Atom, ...]


def flip(word: Word) -> Word:
    """The transpose of a product: the transposes in reverse."""
    return tuple(atom.flip() for atom in reversed(word))


def rotations(word: Word) -> Iterable[Word]:
    """The words with the same trace: every cyclic rotation, of the word and of its transpose."""
    for same in (word, flip(word)):
        for i in range(len(word)):
            yield same[i:] + same[:i]


def _closed(word: Word) -> Word:
    """The representative of a trace without inner scalars."""
    return min(word, flip(word)) if word[0].rows == ONE else min(rotations(word))


def trace_factors(word: Word) -> tuple[Word, ...]:
    """The trace of a nonempty word, as the product of representatives that it splits into at dimension 1."""
    cuts = [i for i, atom in enumerate(word) if atom.rows == ONE]
    if not cuts:
        return (_closed(word),)
    turned = word[cuts[0] :] + word[: cuts[0]]
    bounds = [cut - cuts[0] for cut in cuts] + [len(word)]
    return tuple(_closed(turned[a:b]) for a, b in pairwise(bounds))


class Monomial(NamedTuple):
    """Traces (sorted representatives) times a word."""

    traces: tuple[Word, ...]
    word: Word

    @property
    def key(self) -> tuple[int, Word, int, tuple[Word, ...]]:
        """The order that every rewriting descends: length of the word, letters, then the same for the traces.

        Only finitely many monomials over the letters of a proof lie below a given one with the same
        word, and only finitely many words below a given word: so no descent is infinite.
        """
        return len(self.word), self.word, sum(map(len, self.traces)), self.traces


def monomial(traces: Iterable[Word], word: Word) -> Monomial:
    """Traces times a word, with the scalars inside the word taken out."""
    cuts = [i for i, atom in enumerate(word) if atom.rows == ONE]
    if word and word[-1].cols == ONE:
        cuts.append(len(word))
    if len(cuts) < 2:
        return Monomial(tuple(sorted(traces)), word)
    scalars = [_closed(word[a:b]) for a, b in pairwise(cuts)]
    return Monomial(tuple(sorted([*traces, *scalars])), word[: cuts[0]] + word[cuts[-1] :])


UNIT = Monomial((), ())


@dataclass(frozen=True)
class Polynomial:
    """A rows × cols matrix, as the sum of coefficient · monomial. Zero coefficients are not kept."""

    scalars: Scalars
    rows: str
    cols: str
    terms: Mapping[Monomial, Coefficient]

    @classmethod
    def collect(
        cls, scalars: Scalars, rows: str, cols: str, pairs: Iterable[tuple[Monomial, Coefficient]]
    ) -> Polynomial:
        """The sum of the pairs, like terms together."""
        terms: dict[Monomial, Coefficient] = {}
        for key, value in pairs:
            terms[key] = terms[key] + value if key in terms else value
        return cls(scalars, rows, cols, {key: value for key, value in terms.items() if value})

    @classmethod
    def zero(cls, scalars: Scalars, rows: str, cols: str) -> Polynomial:
        return cls(scalars, rows, cols, {})

    @classmethod
    def scalar(cls, scalars: Scalars, value: Coefficient, size: str = ONE) -> Polynomial:
        """The value times the identity of the given size."""
        return cls.collect(scalars, size, size, [(UNIT, value)])

    @classmethod
    def product(cls, scalars: Scalars, word: Word) -> Polynomial:
        """A nonempty word."""
        return cls.collect(scalars, word[0].rows, word[-1].cols, [(monomial((), word), scalars.domain.one)])

    @property
    def shape(self) -> tuple[str, str]:
        return self.rows, self.cols

    @property
    def leading(self) -> Monomial:
        """The largest monomial of a nonzero polynomial."""
        return max(self.terms, key=lambda term: term.key)

    def descending(self) -> list[tuple[Monomial, Coefficient]]:
        """The terms, the largest first."""
        return sorted(self.terms.items(), key=lambda item: item[0].key, reverse=True)

    def _with(self, pairs: Iterable[tuple[Monomial, Coefficient]]) -> Polynomial:
        return Polynomial.collect(self.scalars, self.rows, self.cols, pairs)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Polynomial) -> Polynomial:
        if self.shape != other.shape:
            raise ValueError(f"cannot add a {' × '.join(other.shape)} matrix to a {' × '.join(self.shape)} one")
        return self._with([*self.terms.items(), *other.terms.items()])

    def __neg__(self) -> Polynomial:
        return self._with((key, -value) for key, value in self.terms.items())

    def __sub__(self, other: Polynomial) -> Polynomial:
        return self + -other

    def __mul__(self, other: Polynomial) -> Polynomial:
        if self.cols != other.rows:
            raise ValueError(f"cannot multiply a {' × '.join(self.shape)} matrix by a {' × '.join(other.shape)} one")
        return Polynomial.collect(self.scalars, self.rows, other.cols, _products(self, other))

    def scaled(self, factor: Polynomial) -> Polynomial:
        """The polynomial times a 1 × 1 one."""
        return self._with(_products(factor, self))

    def divided(self, value: Coefficient) -> Polynomial:
        """The polynomial over a nonzero scalar."""
        return self._with((key, term / value) for key, term in self.terms.items())

    def transpose(self) -> Polynomial:
        """The transpose."""
        flipped = ((Monomial(key.traces, flip(key.word)), value) for key, value in self.terms.items())
        return Polynomial.collect(self.scalars, self.cols, self.rows, flipped)

    def trace(self) -> Polynomial:
        """The trace of a square polynomial, 1 × 1."""
        if self.rows != self.cols:
            raise ValueError(f"only a square matrix has a trace, not a {' × '.join(self.shape)} one")
        size = self.scalars.dimensions[self.rows]
        pairs = [
            (monomial([*key.traces, *trace_factors(key.word)], ()), value) if key.word else (key, size * value)
            for key, value in self.terms.items()
        ]
        return Polynomial.collect(self.scalars, ONE, ONE, pairs)

    def placed(self, traces: tuple[Word, ...], before: Word, after: Word) -> Iterable[tuple[Monomial, Coefficient]]:
        """The terms of traces · before · self · after."""
        for key, value in self.terms.items():
            yield monomial(traces + key.traces, before + key.word + after), value


def _products(left: Polynomial, right: Polynomial) -> Iterable[tuple[Monomial, Coefficient]]:
    times = left.scalars.times
    for key, value in left.terms.items():
        for other, factor in right.terms.items():
            yield monomial(key.traces + other.traces, key.word + other.word), times(value, factor)
