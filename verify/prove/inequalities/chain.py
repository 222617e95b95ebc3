"""Inequalities as calculations: a chain of expressions, each line below the next by a named fact.

A `Fact` is an inequality that a rule (`rules`) made from terms, a definition, a hypothesis, a citation, a lemma
(`lemma`), or the conclusion of another chain; it holds for all values of its free
indices. A chain starts from a quantity and replaces parts of it by what bounds them, so constants are computed,
not typed. Every line is then discharged by an exact certificate and tried on exact instances, and every fact is
asked where it comes from (verify.prove.inequalities.trust).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import sympy as sp

from verify.prove.inequalities.quantity import Binder, Largest, Length, Total, largest, length, total
from verify.prove.inequalities.solver import Discharge, discharge
from verify.prove.inequalities.system import Relation

Expr = Any


Kind = Literal["rule", "defined", "hypothesis", "cited", "quoted", "derived", "unfounded"]


@dataclass(frozen=True)
class Made:
    """How something was made, so that it can be made again and compared: the function and its arguments."""

    by: Any
    arguments: tuple[Any, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def again(self) -> Any:
        return self.by(*self.arguments, **dict(self.options))


@dataclass(frozen=True, kw_only=True)
class Fact:
    """left ≤ right (or =) for all values of the free indices, and by what.

    `kind` says where it comes from; what is made by hand is unfounded and proves nothing. `about` is printed with
    the rule. `source` names the textbook of what is not proved here. `because` holds the chain that proves a
    conclusion, `needs` what a rule or a citation rests on (facts, and equations between matrices). `made` is how it
    was made, and `lemma` what it quotes.
    """

    left: Expr
    right: Expr
    rule: str
    equal: bool = False
    about: str = ""
    source: str = ""
    kind: Kind = "unfounded"
    because: tuple[Chain, ...] = ()
    needs: tuple[Any, ...] = ()
    made: Made | None = field(default=None, repr=False, compare=False)
    lemma: Any = field(default=None, repr=False, compare=False)

    @property
    def title(self) -> str:
        """What is printed beside the line."""
        return f"{self.rule}; {self.about}" if self.about else self.rule

    @property
    def relation(self) -> Relation:
        return Relation(self.left, self.right, self.equal)

    def reversed(self) -> Fact:
        """The same equation read from right to left.

        Raises:
            ValueError: it is an inequality.
        """
        if not self.equal:
            raise ValueError(f"{self.rule}: an inequality cannot be read from right to left; only an equation can")
        return replace(self, left=self.right, right=self.left)


@dataclass(frozen=True)
class Lift:
    """A sum, maximum or length, before and after a replacement in its body; increasing, so lifted from the bodies."""

    before: Expr
    after: Expr
    lifts: tuple[Lift, ...]
    body: tuple[Expr, Expr]


@dataclass(frozen=True)
class Line:
    """The expression reached, by which facts, and the lifts that a replacement below a sum needed."""

    expression: Expr
    facts: tuple[Fact, ...]
    rule: str
    equal: bool = False
    lifts: tuple[Lift, ...] = ()


@dataclass(frozen=True)
class Chain:
    """start ≤ … ≤ end, or start ≥ … ≥ end when `downward`."""

    start: Expr
    lines: tuple[Line, ...] = ()
    downward: bool = False

    def __hash__(self) -> int:
        """Without what the lines rest on, which may be deep."""
        return hash((self.start, self.end, len(self.lines), self.downward))

    @property
    def end(self) -> Expr:
        return self.lines[-1].expression if self.lines else self.start

    def by(self, *facts: Fact) -> Chain:
        """Replace the smaller side of each fact by the larger (the other way round in a downward chain).

        Raises:
            ValueError: the expression does not contain the side of a fact that would be replaced.
        """
        result = self
        for fact in facts:
            result = result._by(fact)
        return result

    def _by(self, fact: Fact) -> Chain:
        old, new = (fact.right, fact.left) if self.downward else (fact.left, fact.right)
        after, lifts = replaced(self.end, old, new)
        if after == self.end and fact.equal:
            after, lifts = replaced(self.end, new, old)
        if after == self.end:
            raise ValueError(f"{fact.rule}: {old} does not occur in {self.end}")
        line = Line(after, (fact,), fact.title, fact.equal, lifts)
        return replace(self, lines=(*self.lines, line))

    def to(self, expression: Expr, *facts: Fact, rule: str = "") -> Chain:
        """Go on to an expression that follows from the facts by arithmetic alone."""
        line = Line(sp.sympify(expression), facts, rule or "arithmetic")
        return replace(self, lines=(*self.lines, line))

    @property
    def conclusion(self) -> Relation:
        """start ≤ end (end ≤ start of a downward chain)."""
        return Relation(self.end, self.start) if self.downward else Relation(self.start, self.end)

    def fact(self, rule: str) -> Fact:
        """The conclusion, for use in other chains of the same file."""
        found = self.conclusion
        return Fact(left=found.left, right=found.right, rule=rule, kind="derived", because=(self,))


def at_most(start: Expr) -> Chain:
    """Begin a chain of upper bounds."""
    return Chain(sp.sympify(start))


def at_least(start: Expr) -> Chain:
    """Begin a chain of lower bounds."""
    return Chain(sp.sympify(start), downward=True)


def facts_of(chain: Chain) -> Iterator[Fact]:
    """Every fact that the chain rests on, in the order of use, each after what it rests on itself."""
    for line in chain.lines:
        for fact in line.facts:
            yield from _below(fact)
            yield fact


def _below(fact: Fact) -> Iterator[Fact]:
    for chain in fact.because:
        yield from facts_of(chain)
    for need in fact.needs:
        if isinstance(need, Fact):
            yield from _below(need)
            yield need


def chains_of(chain: Chain) -> Iterator[Chain]:
    """The chains that prove what this one uses, each after those that it uses itself."""
    for fact in facts_of(chain):
        yield from fact.because


def steps_of(chain: Chain) -> Iterator[tuple[Relation, tuple[Relation, ...]]]:
    """What each line asserts, and from what: those of lifted bodies, then those of the lines."""
    before = chain.start
    for line in chain.lines:
        given = tuple(fact.relation for fact in line.facts)
        for lift in line.lifts:
            yield from _lifted(lift, given, chain, line)
        known = given + tuple(_relation(lift.before, lift.after, chain, line) for lift in line.lifts)
        yield _relation(before, line.expression, chain, line), known
        before = line.expression


def _lifted(
    lift: Lift, given: tuple[Relation, ...], chain: Chain, line: Line
) -> Iterator[tuple[Relation, tuple[Relation, ...]]]:
    for inner in lift.lifts:
        yield from _lifted(inner, given, chain, line)
    known = given + tuple(_relation(inner.before, inner.after, chain, line) for inner in lift.lifts)
    yield _relation(*lift.body, chain, line), known


def _relation(before: Expr, after: Expr, chain: Chain, line: Line) -> Relation:
    """before ≤ after, the other way round in a downward chain."""
    low, high = (after, before) if chain.downward else (before, after)
    return Relation(low, high, line.equal)


@cache
def answer(goal: Relation, known: tuple[Relation, ...]) -> Discharge:
    """`discharge`, remembered."""
    return discharge(known, goal)


@cache
def replaced(expression: Expr, old: Expr, new: Expr) -> tuple[Expr, tuple[Lift, ...]]:
    """The expression with `old` replaced by `new` wherever it occurs, under sums too."""
    if expression == old:
        return new, ()
    if isinstance(expression, Binder):
        body, inner = replaced(expression.body, old, new)
        if body == expression.body:
            return expression, ()
        after = _rebuilt(expression, body)
        return after, (Lift(expression, after, inner, (expression.body, body)),)
    if isinstance(expression, (sp.Add, sp.Mul, sp.Abs)) or (
        isinstance(expression, sp.Pow) and expression.exp.is_Rational
    ):
        factors = _divided(expression, old)
        if factors is not None:
            return factors * new, ()
        parts = [replaced(part, old, new) for part in expression.args]
        return expression.func(*(part for part, _ in parts)), tuple(lift for _, lifts in parts for lift in lifts)
    return expression, ()


def _divided(expression: Expr, old: Expr) -> Expr | None:
    """What remains of a product that contains the product or power `old` as a factor."""
    if not isinstance(old, (sp.Mul, sp.Pow)) or isinstance(expression, sp.Add):
        return None
    powers, wanted = expression.as_powers_dict(), old.as_powers_dict()
    inside = all(powers.get(base, 0) >= power for base, power in wanted.items() if power.is_Number)
    return expression / old if inside and all(base in powers for base in wanted) else None


def _rebuilt(binder: Binder, body: Expr) -> Expr:
    if isinstance(binder, Length):
        return length(binder.indices, body)
    make = {Total: total, Largest: largest}[type(binder)]
    return make(binder.indices[0], body)
