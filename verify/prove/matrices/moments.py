"""Second moments of words: the mean of a polynomial at most quadratic in one random letter.

For a random matrix X with independent entries of mean 0 and variance v, E[X_ij X_kl] = v δ_ik δ_jl.
Written without indices that is one rule for each way in which two X can stand in a monomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.prove.matrices.format_polynomial import show_atom
from verify.prove.matrices.polynomial import (
    ONE,
    Atom,
    Monomial,
    Polynomial,
    Word,
    flip,
    monomial,
    rotations,
    trace_factors,
)
from verify.prove.matrices.scalars import Coefficient


@dataclass(frozen=True)
class Pairing:
    """A monomial after its two X are contracted, up to the factor v: traces · tr(closed) · word, and the rule used.

    Each closed word comes with the dimension that its trace has when it is empty.
    """

    traces: tuple[Word, ...]
    closed: Sequence[tuple[Word, str]]
    word: Word
    rule: str


def mean(polynomial: Polynomial, name: str, variance: Coefficient, shown: str) -> tuple[Polynomial, tuple[str, ...]]:
    """The mean over the letter `name`, and the rules used, in which the variance appears as `shown`.

    Raises:
        ValueError: a term has three or more of the letter.
    """
    pairs: list[tuple[Monomial, Coefficient]] = []
    used: dict[str, None] = {}
    for key, value in polynomial.terms.items():
        degree = sum(atom.name == name for word in (key.word, *key.traces) for atom in word)
        if degree > 2:
            raise ValueError(f"only the first two moments of {name} are used, but it occurs {degree} times in one term")
        if degree == 0:
            pairs.append((key, value))
        elif degree == 1:
            used[f"E[{name}] = 0"] = None
        else:
            contraction = contract(key, name, shown)
            used[contraction.rule] = None
            pairs.append(_closed(contraction, polynomial, value * variance))
    return Polynomial.collect(polynomial.scalars, polynomial.rows, polynomial.cols, pairs), tuple(used)


def _closed(contraction: Pairing, polynomial: Polynomial, value: Coefficient) -> tuple[Monomial, Coefficient]:
    traces = list(contraction.traces)
    for word, size in contraction.closed:
        if word:
            traces += trace_factors(word)
        else:
            value *= polynomial.scalars.dimensions[size]
    return monomial(traces, contraction.word), value


def contract(key: Monomial, name: str, shown: str) -> Pairing:
    """The mean of a monomial that has the letter twice."""
    inside = _places(key.word, name)
    loops = [closed for closed in key.traces if _places(closed, name)]
    others = tuple(closed for closed in key.traces if not _places(closed, name))
    if len(inside) == 2:
        return _in_word(key.word, inside, others, shown)
    first, rest = _opened(loops[0], name)
    X = show_atom(first)
    if inside:  # tr(X M) … X …, or … Xᵀ …
        before, letter, after = key.word[: inside[0]], key.word[inside[0]], key.word[inside[0] + 1 :]
        middle = rest if letter.transposed else flip(rest)
        return Pairing(others, [], before + middle + after, f"E[tr({X} M) {X}] = {shown}Mᵀ")
    if len(loops) == 2:
        _, other = _opened(loops[1], name)
        rule = f"E[tr({X} M) tr({X} N)] = {shown}tr(M Nᵀ)"
        return Pairing(others, [(rest + flip(other), first.cols)], key.word, rule)
    return _in_loop(first, rest, key.word, others, shown)


def _in_word(word: Word, places: Sequence[int], others: tuple[Word, ...], shown: str) -> Pairing:
    i, j = places
    before, first, middle, second, after = word[:i], word[i], word[i + 1 : j], word[j], word[j + 1 :]
    X, Y = show_atom(first), show_atom(second)
    if first.transposed == second.transposed:
        return Pairing(others, [], before + flip(middle) + after, f"E[{X} M {Y}] = {shown}Mᵀ")
    rule = f"E[{X} {Y}] = {shown}I" if first.cols == ONE else f"E[{X} M {Y}] = {shown}tr(M) I"
    return Pairing(others, [(middle, first.cols)], before + after, rule)


def _in_loop(first: Atom, rest: Word, word: Word, others: tuple[Word, ...], shown: str) -> Pairing:
    """The two X in one trace; the word stays as it is."""
    (place,) = _places(rest, first.name)
    middle, second, tail = rest[:place], rest[place], rest[place + 1 :]
    X, Y = show_atom(first), show_atom(second)
    if not second.transposed:
        return Pairing(others, [(flip(middle) + tail, first.rows)], word, f"E[{X} M {Y}] = {shown}Mᵀ")
    closed = [(middle, first.cols), (tail, first.rows)]
    rule = f"E[{Y} M {X}] = {shown}tr(M)" if first.cols == ONE else f"E[{X} M {Y}] = {shown}tr(M) I"
    return Pairing(others, closed, word, rule)


def _places(word: Word, name: str) -> list[int]:
    return [i for i, atom in enumerate(word) if atom.name == name]


def _opened(closed: Word, name: str) -> tuple[Atom, Word]:
    """The trace written as tr(X M), the letter not transposed: X and M."""
    return next(
        (turned[0], turned[1:]) for turned in rotations(closed) if turned[0].name == name and not turned[0].transposed
    )
