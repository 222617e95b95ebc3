"""Ways on when rewriting alone does not end in zero: cancel what is invertible, or deduce more rules.

Cancellation: G X = 0 with G invertible says X = 0. Completion (Knuth-Bendix, Buchberger): a word in
which the left sides of two rules overlap can be rewritten in two ways, and the difference of the
two outcomes is a new equation. Push-through is found that way and not assumed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from verify.prove.matrices.format_polynomial import show_monomial
from verify.prove.matrices.from_sympy import Inverse
from verify.prove.matrices.polynomial import ONE, Monomial, Polynomial, monomial, trace_factors
from verify.prove.matrices.rewriting import Round, Rule, Rules, Terms, both_ways, reduce

DEPTH = 2  # invertible factors multiplied onto an equation
LONGEST = 10  # letters in the left side of a deduced rule
MOST = 60  # rules deduced


@dataclass(frozen=True)
class Cancellation:
    """The product of the equation's polynomial and an invertible factor, the rounds that reduce it, and the end."""

    factor: Polynomial
    side: str
    product: Polynomial
    rounds: Sequence[Round]
    end: Polynomial


def cancel(
    goal: Polynomial, rules: Rules, inverses: Sequence[Inverse], depth: int = DEPTH
) -> list[Cancellation] | None:
    """Multiplications, by matrices whose inverses stand at an end of some word, that turn the goal into zero."""
    for factor, side in _factors(goal, inverses) if depth else ():
        product = factor * goal if side == "left" else goal * factor
        end, rounds = reduce(product, rules)
        rest = cancel(end, rules, inverses, depth - 1) if end else []
        if rest is not None:
            return [Cancellation(factor, side, product, rounds, end), *rest]
    return None


def _factors(goal: Polynomial, inverses: Sequence[Inverse]) -> Iterator[tuple[Polynomial, str]]:
    for inverse in inverses:
        pairs = {inverse.atom: inverse.of}  # one of them if the inverse is symmetric
        pairs.setdefault(inverse.atom.flip(), inverse.of.transpose())
        for atom, of in pairs.items():
            for side, end in (("left", 0), ("right", -1)):
                if any(key.word and key.word[end] == atom for key in goal.terms):
                    yield of, side


@dataclass(frozen=True, eq=False)
class Overlap:
    """A word, or a trace, that two rules rewrite in two ways; and the equation between the outcomes."""

    word: Monomial
    parents: tuple[Rule, ...]
    equation: Callable[[], Polynomial]  # built only if its turn comes

    @property
    def size(self) -> int:
        return len(self.word.word) + sum(map(len, self.word.traces))


def overlaps(first: Rule, second: Rule) -> Iterator[Overlap]:
    """The words in which the left side of `first` ends where that of `second` begins."""
    one, two = first.left, second.left
    for shared in range(1, min(len(one.word), len(two.word))):
        if one.word[-shared:] == two.word[:shared]:
            word = Monomial(one.traces + two.traces, one.word + two.word[shared:])
            yield Overlap(word, (first, second), partial(_outcomes, first, second, shared))


def _outcomes(first: Rule, second: Rule, shared: int) -> Polynomial:
    before, after = first.left.word[:-shared], second.left.word[shared:]
    terms = [*first.right.placed(second.left.traces, (), after)]
    terms += [(key, -value) for key, value in second.right.placed(first.left.traces, before, ())]
    rows = before[0].rows if before else second.right.rows
    return Polynomial.collect(first.right.scalars, rows, after[-1].cols if after else first.right.cols, terms)


def closings(rule: Rule, other: Rule) -> Iterator[Overlap]:
    """The trace of a rule's left side, which `other` rewrites in some place of the circle."""
    if rule.left.word and rule.right.rows == rule.right.cols:
        circle = monomial([*rule.left.traces, *trace_factors(rule.left.word)], ())
        for _, terms in Rules((other,)).applicable(circle):
            yield Overlap(circle, (rule, other), partial(_around, rule, terms))


def _around(rule: Rule, terms: Terms) -> Polynomial:
    return rule.right.trace() - Polynomial.collect(rule.right.scalars, ONE, ONE, terms)


@dataclass
class Agenda:
    """The overlaps still to be looked at, the shortest word first; traces only if they are wanted."""

    traces: bool
    queue: list[tuple[int, int, Overlap]] = field(default_factory=list)
    pushed: int = 0

    def push(self, overlap: Overlap) -> None:
        self.pushed += 1
        heapq.heappush(self.queue, (overlap.size, self.pushed, overlap))

    def pair(self, first: Rule, second: Rule) -> None:
        for overlap in overlaps(first, second):
            self.push(overlap)
        for overlap in closings(first, second) if self.traces else ():
            self.push(overlap)

    def pop(self) -> Overlap:
        return heapq.heappop(self.queue)[2]


def deduce(rules: Rules, *, traces: bool) -> Iterator[Rules]:
    """Larger and larger sets of rules that follow from the given ones, each simplified by the others.

    `traces`: also look at traces, of use only to a goal that has some.

    Raises:
        ValueError: the rules contradict each other.
    """
    agenda = Agenda(traces)
    for first, second in product(rules.rules, repeat=2):
        agenda.pair(first, second)
    deduced = 0
    while agenda.queue and deduced < MOST:
        overlap = agenda.pop()
        rest, rounds = reduce(overlap.equation(), rules)
        if not _usable(rest):
            continue
        reason = f"{show_monomial(overlap.word, square=False)} in two ways"
        if reason in rules.order:  # reasons tell equations apart
            reason += f", once more ({deduced})"
        used = (rule for step in rounds for rule in step.rules)
        fresh = tuple(both_ways(rest, reason, (*overlap.parents, *used)))
        stale = [old for old in rules.rules if any(_inside(new, old) for new in fresh)]
        for old in stale:
            agenda.push(Overlap(old.left, (old,), partial(getattr, old, "equation")))
        rules = Rules((*fresh, *(rule for rule in rules.rules if rule not in stale)))
        deduced += len(fresh)
        for new, other in product(fresh, rules.rules):
            agenda.pair(new, other)
            agenda.pair(other, new)
        yield rules


def _usable(equation: Polynomial) -> bool:
    """Whether the equation says something, is not too long, and can be solved for its largest monomial."""
    if not equation or len(equation.leading.word) > LONGEST:
        return False
    return all(side.scalars.nonzero(side.terms[side.leading]) for side in (equation, equation.transpose()))


def _inside(new: Rule, old: Rule) -> bool:
    short, long = new.left.word, old.left.word
    places = range(len(long) - len(short) + 1)
    return bool(short) and not new.left.traces and any(long[i : i + len(short)] == short for i in places)
