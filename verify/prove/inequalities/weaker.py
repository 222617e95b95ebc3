"""What is left of a conclusion when a hypothesis of its own is dropped, or a declared sign is widened.

Without it the conclusion is proved, if every line still has a certificate; refuted, if an instance, or one in which
up to three letters and numbers are multiplied by a factor, satisfies all that is left and breaks the goal; or unknown.
Of a symbol that a definition declares positive, that it is not 0 is such a hypothesis.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, combinations, islice, permutations
from typing import Any

import flint
import sympy as sp

from verify.claim import Identity, Step
from verify.prove.inequalities.chain import Fact, answer, facts_of
from verify.prove.inequalities.conclusion import Conclusion, all_steps
from verify.prove.inequalities.quantity import Columns, Diagonal, Letter, SumOf, free
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.trials import as_tried, broken, is_hypothesis, knows, sides
from verify.prove.inequalities.trust import text_of
from verify.prove.inequalities.values import PRECISION, Values, number
from verify.prove.matrices.sampling import Equation

FACTORS = (Fraction(1, 10), Fraction(10))  # by which a letter or number is multiplied, or two of them: signs are kept
WIDER = {"positive": {"nonnegative": True}, "nonnegative": {"real": True}}
OTHER = {"positive": Fraction(0), "nonnegative": Fraction(-1)}  # times what had the sign has it no more
INSTANCES = 5  # those on which the goal has the least room, from which others are made
MOST = 800  # of those others, one letter or number multiplied before two, two before three

Item = Any


@dataclass(frozen=True)
class Weaker:
    """What is supposed no more: a hypothesis, or the sign of a symbol, told as it is printed."""

    text: str
    item: Item = None
    symbol: Any = None

    @property
    def widened(self) -> bool:
        return self.symbol is not None


def weaker(conclusion: Conclusion) -> Iterator[Weaker]:
    """Each hypothesis that the conclusion uses itself, and each sign that its own facts and its goal rest on."""
    implied = [need for item in conclusion.own if getattr(item, "kind", "") == "defined" for need in _needs(item)]
    for item in conclusion.own:
        if is_hypothesis(item) and item not in implied:
            yield Weaker(text_of(item), item)
    relations = [conclusion.goal, *(item.relation for item in conclusion.own if isinstance(item, Fact))]
    both = [side for relation in relations for side in (relation.left, relation.right)]
    for symbol in sorted({each for relation in relations for each in _scalars(relation)}, key=str):
        sign = _sign(symbol)
        if sign and not any(_bound_to_sign(symbol, side) for side in both):
            yield Weaker(f"{symbol} {'> 0 → ≥ 0' if sign == 'positive' else '≥ 0 → any real'}", symbol=symbol)


def conclude_weaker(name: str, conclusion: Conclusion, less: Weaker) -> Identity:
    """The same goal from all but one of the hypotheses, or for more values of a symbol."""
    gone = [item for item in conclusion.items if less.item in (item, *_needs(item))] if less.item is not None else []
    told = Step(expression=f"without: {less.text}", rule="every line that rested on it is to be discharged again")
    doubt = next(_undischarged(conclusion, less, gone), None)
    if doubt is None:
        return Identity(name=name, residual="0", derivation=(told,))
    kept = [item for item in conclusion.items if _is_given(item) and not _rests_on(item, less)]
    witness = next(_counterexamples(conclusion, less, kept), None)
    return Identity(name=name, residual=doubt, derivation=(told,), witness=witness)


def _undischarged(conclusion: Conclusion, less: Weaker, gone: Iterable[Item]) -> Iterator[str]:
    lost = {item.relation for item in gone if isinstance(item, Fact)}
    lost |= {Relation(each.right, each.left, True) for each in lost if each.equal}
    wide = {less.symbol: sp.Dummy(str(less.symbol), **WIDER[_sign(less.symbol) or ""])} if less.widened else {}
    for goal, known in dict.fromkeys(all_steps(conclusion.chain)):
        try:
            left = tuple(_exchanged(each, wide) for each in known if each not in lost)
            proved = answer(_exchanged(goal, wide), left).proved
        except ValueError:  # what is divided by, or under a root, needs the sign
            proved = False
        if not proved:
            yield f"without {less.text} no certificate of a line"


def _exchanged(relation: Relation, wide: dict[Any, Any]) -> Relation:
    return (
        replace(relation, left=relation.left.xreplace(wide), right=relation.right.xreplace(wide)) if wide else relation
    )


def _counterexamples(conclusion: Conclusion, less: Weaker, kept: list[Item]) -> Iterator[str]:
    """Instances on which everything kept holds and the goal does not."""
    given = [as_tried(item) for item in kept]
    able = [values for values in conclusion.instances if _knows(values, conclusion.goal)]
    tight = sorted(able, key=lambda values: _room(values, conclusion.goal))[:INSTANCES]
    for values in chain(able, islice(_changed(tight, conclusion, less, given), MOST)):
        try:
            found = broken(values, conclusion.goal)
            if found is not None and all(knows(values, each) and broken(values, each) is None for each in given):
                yield found
        except (ArithmeticError, ValueError, TypeError):  # not to be enclosed there, or no longer a power of a number
            continue


def _changed(instances: list[Values], conclusion: Conclusion, less: Weaker, given: list[Any]) -> Iterator[Values]:
    """The instances with one, two or three letters and numbers multiplied by a factor, fewer of them first."""
    if less.widened:
        yield from (_times(values, {str(less.symbol): OTHER[_sign(less.symbol) or ""]}) for values in instances)
        return
    first, goal = _names(sides(as_tried(less.item))), _names((conclusion.goal.left, conclusion.goal.right))
    near = [name for each in given for name in _names(sides(each)) if set(_names(sides(each))) & set(first)]
    names = tuple(dict.fromkeys([*first, *goal, *near]))
    for count in (1, 2, 3):
        for group in (each for each in combinations(names, count) if set(goal) & set(each)):  # else the goal stays true
            for values in instances:
                if all(name in values.matrices or name in values.numbers for name in group):
                    yield from (_times(values, factors) for factors in _factors(group))


def _factors(names: tuple[str, ...]) -> Iterator[dict[str, Fraction]]:
    """The same factor for all, or for two one and its inverse."""
    yield from (dict.fromkeys(names, factor) for factor in FACTORS)
    if len(names) == 2:
        yield from (dict(zip(names, pair, strict=True)) for pair in permutations(FACTORS))


def _knows(values: Values, goal: Relation) -> bool:
    return values.knows(goal.left) and values.knows(goal.right)


def _room(values: Values, goal: Relation) -> float:
    """How far the sides are from each other where they are closest, relative to the larger one."""
    with flint.ctx.workprec(PRECISION):
        places = values.places(free(goal.left), free(goal.right))
        pairs = [[float(number(side, values, place).mid()) for side in (goal.left, goal.right)] for place in places]
    return min(((right - left) / max(abs(left), abs(right), sys.float_info.min) for left, right in pairs), default=2.0)


def _times(values: Values, factors: dict[str, Fraction]) -> Values:
    numbers, matrices = dict(values.numbers), dict(values.matrices)
    with flint.ctx.workprec(PRECISION):
        for name, factor in factors.items():
            ball = flint.arb(flint.fmpq(factor.numerator, factor.denominator))
            for home in (numbers, matrices):
                if name in home:
                    home[name] = _scaled(home[name], ball)
    told = ", ".join(f"{name} times {factor}" for name, factor in factors.items())
    return Values(f"{values.text}, {told}", values.sizes, numbers, matrices)


def _scaled(value: Any, factor: Any) -> Any:
    """A ball or a matrix times a factor, or a function that gives one."""
    if callable(value):
        function: Callable[..., Any] = value
        return lambda *place: function(*place) * factor
    return value * factor


def _needs(item: Item) -> tuple[Item, ...]:
    """What an item rests on, by way of others too."""
    own = (*getattr(item, "needs", ()), *getattr(item, "parts", ()))
    return (*own, *(below for need in own for below in _needs(need)))


def _is_given(item: Item) -> bool:
    """Whether it says something of the instance: no rule, and no chain of this proof, gives it."""
    if isinstance(item, (Columns, Diagonal, Equation)):
        return not getattr(item, "parts", ())
    if isinstance(item, SumOf):
        return item.kind != "derived" and not item.parts
    return item.kind in ("defined", "hypothesis", "cited", "quoted")


def _rests_on(item: Item, less: Weaker) -> bool:
    """Whether it may fail with what is supposed no more: it is that, needs it, or was proved from it."""
    if less.widened:  # it may only say that the symbol has the sign that it was declared to have
        return isinstance(item, Fact) and item.kind == "hypothesis" and item.left == 0
    below = (fact for chain in getattr(item, "because", ()) for fact in facts_of(chain))
    return any(less.item in (each, *_needs(each)) for each in (item, *below))


def _names(expressions: Iterable[Any]) -> list[str]:
    found = {each for expression in expressions for each in expression.atoms(Letter, sp.Symbol, sp.IndexedBase)}
    return sorted({each.name if isinstance(each, (Letter, sp.Symbol)) else str(each) for each in found})


def _scalars(relation: Relation) -> set[Any]:
    """The symbols of real numbers; those that only name a family of numbers are none."""
    both = (relation.left, relation.right)
    families = {each.base.label for side in both for each in side.atoms(sp.Indexed)}
    found = {each for side in both for each in side.free_symbols if type(each) is sp.Symbol}
    return {each for each in found - families if not each.is_integer}


def _sign(symbol: Any) -> str | None:
    return "positive" if symbol.is_positive else "nonnegative" if symbol.is_nonnegative else None


def _bound_to_sign(symbol: Any, expression: Any) -> bool:
    """Whether the expression says nothing for other signs: it is divided by, or under a root while it may be 0."""
    powers = [each.exp for each in expression.atoms(sp.Pow) if symbol in each.base.free_symbols]
    rooted = not symbol.is_positive and any(not exponent.is_integer for exponent in powers)
    return rooted or any(not exponent.is_number or exponent.is_negative for exponent in powers)
