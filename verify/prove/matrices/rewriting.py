"""Rewriting to normal form: oriented equations, one line of a derivation per round.

Every equation is used in one direction, from its largest monomial to smaller ones, so rewriting
always ends. What it ends in is equal to what it began with, because nothing but the equations is
used; that two equal polynomials end in the same one is sought by completion, and not guaranteed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from verify.prove.matrices.format_polynomial import show, show_monomial
from verify.prove.matrices.polynomial import (
    ONE,
    UNIT,
    Monomial,
    Polynomial,
    Word,
    monomial,
    rotations,
    trace_factors,
)
from verify.prove.matrices.scalars import Coefficient

Terms = list[tuple[Monomial, Coefficient]]


@dataclass(frozen=True, eq=False)
class Rule:
    """The oriented equation left → right, and why it holds: a premise, a definition, or a consequence of `parents`.

    An equation and its transpose give two rules with the same reason.
    """

    left: Monomial
    right: Polynomial
    reason: str
    parents: tuple[Rule, ...] = ()
    transposed: bool = False

    @property
    def equation(self) -> Polynomial:
        """left − right, which vanishes."""
        right = self.right
        left = Polynomial(right.scalars, right.rows, right.cols, {self.left: right.scalars.domain.one})
        return left - right

    def __str__(self) -> str:
        return f"{show_monomial(self.left, square=self.right.rows != ONE)} → {show(self.right)}"


def orient(equation: Polynomial, reason: str, parents: tuple[Rule, ...] = ()) -> Rule:
    """The nonzero polynomial that vanishes, solved for its largest monomial.

    Raises:
        ValueError: no equation can hold (a nonzero number would vanish), or the largest monomial's
            coefficient may be zero.
    """
    if not any(key.word for key in equation.terms):  # a scalar equation, perhaps times the identity
        equation = Polynomial(equation.scalars, ONE, ONE, equation.terms)
    left = equation.leading
    value = equation.terms[left]
    if not equation.scalars.nonzero(value):
        raise ValueError(
            f"{show(equation)} = 0 ({reason}) cannot be solved for {show_monomial(left)}: its coefficient "
            f"{equation.scalars.write(value)} may vanish; declare its symbols positive or nonzero"
        )
    if left == UNIT:
        raise ValueError(f"contradiction: {show(equation)} = 0 ({reason})")
    rest = {key: -term / value for key, term in equation.terms.items() if key != left}
    return Rule(left, Polynomial(equation.scalars, equation.rows, equation.cols, rest), reason, parents)


Moves = dict[str, tuple[Rule, Terms]]  # by the reason of the rule


@dataclass(frozen=True)
class Rules:
    """Rules, and where to look them up. Closed under transposition: see `both_ways`."""

    rules: tuple[Rule, ...] = ()

    @cached_property
    def by_word(self) -> dict[Word, list[Rule]]:
        table: dict[Word, list[Rule]] = {}
        for rule in self.rules:
            table.setdefault(rule.left.word, []).append(rule)
        return table

    @cached_property
    def order(self) -> dict[str, int]:
        """The place of each equation, by its reason."""
        return {rule.reason: place for place, rule in reversed(list(enumerate(self.rules)))}

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        return tuple(sorted({len(word) for word in self.by_word}))

    def __add__(self, more: Iterable[Rule]) -> Rules:
        return Rules((*self.rules, *more))

    def applicable(self, key: Monomial) -> Iterator[tuple[Rule, Terms]]:
        """The rules whose left side occurs in the monomial, each with the terms it turns the monomial into."""
        for start in range(len(key.word) + 1):
            for length in self.lengths:
                end = start + length
                if end > len(key.word) or (start and not length):
                    continue
                for rule in self.by_word.get(key.word[start:end], ()):
                    others = _without(key.traces, rule.left.traces)
                    if others is not None:
                        yield rule, list(rule.right.placed(others, key.word[:start], key.word[end:]))
        for index, closed in enumerate(key.traces):
            others = key.traces[:index] + key.traces[index + 1 :]
            for turned in rotations(closed):
                yield from self._inside(turned, others, key.word)

    def _inside(self, turned: Word, others: tuple[Word, ...], word: Word) -> Iterator[tuple[Rule, Terms]]:
        for length in self.lengths:
            for rule in self.by_word.get(turned[:length], ()) if 0 < length <= len(turned) else ():
                left = _without(others, rule.left.traces)
                if left is not None:
                    yield rule, list(_closing(rule.right, turned[length:], left, word))

    def moves(self, key: Monomial) -> Moves:
        """For each equation that can rewrite the monomial into smaller ones, the first way to do so."""
        bound = key.key
        found: Moves = {}
        for rule, terms in self.applicable(key):
            if rule.reason not in found and all(term.key < bound for term, _ in terms):
                found[rule.reason] = rule, terms
        return found


def _without(traces: tuple[Word, ...], taken: tuple[Word, ...]) -> tuple[Word, ...] | None:
    if not taken:
        return traces
    left = Counter(traces)
    left.subtract(taken)
    return None if min(left.values()) < 0 else tuple(sorted(left.elements()))


def _closing(
    right: Polynomial, rest: Word, traces: tuple[Word, ...], word: Word
) -> Iterator[tuple[Monomial, Coefficient]]:
    """The terms of tr(right · rest) · traces · word."""
    for key, value in right.terms.items():
        if closed := key.word + rest:
            yield monomial((*traces, *key.traces, *trace_factors(closed)), word), value
        else:
            yield monomial(traces + key.traces, word), value * right.scalars.dimensions[right.rows]


def both_ways(equation: Polynomial, reason: str, parents: tuple[Rule, ...] = ()) -> Iterator[Rule]:
    """The rule of an equation and the rule of its transpose."""
    yield orient(equation, reason, parents)
    if equation.transpose().terms not in (equation.terms, (-equation).terms):
        yield replace(orient(equation.transpose(), reason, parents), transposed=True)


@dataclass(frozen=True)
class Round:
    """An equation used wherever it applied, by these rules; the polynomial became `result`."""

    rules: tuple[Rule, ...]
    result: Polynomial


def reduce(polynomial: Polynomial, rules: Rules) -> tuple[Polynomial, list[Round]]:
    """The normal form, and the rounds that lead there; earlier equations are used up before later ones."""
    rounds: list[Round] = []
    known: dict[Monomial, Moves] = {}
    while True:
        for key in polynomial.terms.keys() - known.keys():
            known[key] = rules.moves(key)
        reasons = {reason for key in polynomial.terms for reason in known[key]}
        if not reasons:
            return polynomial, rounds
        rounds.append(_exhausted(polynomial, rules, min(reasons, key=rules.order.__getitem__), known))
        polynomial = rounds[-1].result


def _exhausted(polynomial: Polynomial, rules: Rules, reason: str, known: dict[Monomial, Moves]) -> Round:
    """One equation applied until no term is left that it rewrites."""
    used: dict[Rule, None] = {}
    done: list[tuple[Monomial, Coefficient]] = []
    pending = list(polynomial.terms.items())
    times = polynomial.scalars.times
    while pending:
        key, value = pending.pop()
        if key not in known:
            known[key] = rules.moves(key)
        if move := known[key].get(reason):
            used[move[0]] = None
            pending += [(term, times(value, factor)) for term, factor in move[1]]
        else:
            done.append((key, value))
    return Round(tuple(used), Polynomial.collect(polynomial.scalars, polynomial.rows, polynomial.cols, done))
