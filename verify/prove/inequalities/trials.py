"""Trying a chain on exact instances: every fact that it uses and every line, wherever the hypotheses hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from verify.prove.inequalities.chain import Fact
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.quantity import Columns, Diagonal, SumOf
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import Values, matrix_violation, violation
from verify.prove.matrices.derivation import UnsoundStepError
from verify.prove.matrices.sampling import Equation

LEAST = 5  # instances with sizes in general position on which each fact and line must have been evaluated
Tried = Any  # Relation, Equation, SumOf, Columns or Diagonal


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What came of it: a doubt for everything that was tried on too few instances, and a sentence for the report."""

    doubts: tuple[str, ...]
    sentence: str


def admissible(items: Iterable[Any], instances: Iterable[Values]) -> list[Values]:
    """The instances on which every hypothesis can be enclosed and none is certainly false."""
    given = [as_tried(item) for item in items if is_hypothesis(item)]
    return [values for values in instances if all(_may_hold(values, each) for each in given)]


def _may_hold(values: Values, each: Tried) -> bool:
    try:
        return broken(values, each) is None
    except ArithmeticError:
        return False


def attempt(items: Sequence[Any], relations: Iterable[Relation], instances: Sequence[Values]) -> Tally:
    """Evaluate the items and relations on every admissible instance that knows what they speak of.

    Raises:
        UnsoundStepError: one is certainly false.
    """
    if not instances:
        return Tally(doubts=("tried on none: no instance satisfies the hypotheses",), sentence="")
    count: dict[Tried, int] = dict.fromkeys([*map(as_tried, items), *relations], 0)
    general = {id(values): is_general(values) for values in instances}
    for values in instances:
        for each in count:
            if knows(values, each):
                count[each] += general[id(values)]
                found = broken(values, each)
                if found is not None:
                    raise UnsoundStepError(f"{_told(each)} is false at {found}")
    given = [as_tried(item) for item in items if is_hypothesis(item)]
    together = any(all(knows(values, each) for each in given) for values in instances)
    doubts = [f"not tried: {_told(each)}" for each, times in count.items() if not times]
    doubts += [
        f"tried on {times} of the {LEAST} instances that it takes: {_told(each)}"
        for each, times in count.items()
        if 0 < times < LEAST
    ]
    if given and not together:
        doubts.append("vacuous, for all that is known: no instance satisfies all hypotheses at once")
    least = min(count.values(), default=0)
    told = (
        f"{len(count)} facts and lines evaluated, all true, each on {least} or more of {len(instances)} exact "
        "instances with sizes of 2 or more, pairwise different"
    )
    return Tally(doubts=tuple(doubts), sentence=told)


def is_general(values: Values) -> bool:
    """Whether no size hides another: all are 2 or more and pairwise different."""
    return min(values.sizes.values(), default=2) >= 2 and len(set(values.sizes.values())) == len(values.sizes)


def as_tried(item: Any) -> Tried:
    """What is evaluated of an item."""
    return item.relation if isinstance(item, Fact) else item


def knows(values: Values, each: Tried) -> bool:
    """Whether the instance gives a value to everything that it speaks of."""
    return all(map(values.knows, sides(each)))


def sides(each: Tried) -> tuple[Any, ...]:
    if isinstance(each, Columns):
        return each.matrix, each.vector
    if isinstance(each, Diagonal):
        return each.matrix, each.entries
    return (each.whole, each.part) if isinstance(each, SumOf) else (each.left, each.right)


def broken(values: Values, each: Tried) -> str | None:
    if not knows(values, each):
        return None
    return violation(values, each) if isinstance(each, Relation) else matrix_violation(values, each)


def is_hypothesis(item: Any) -> bool:
    return getattr(item, "kind", "hypothesis" if isinstance(item, Equation) else "defined") == "hypothesis"


def _told(each: Tried) -> str:
    if isinstance(each, Relation):
        return f"{spell(each.left)} {'=' if each.equal else '≤'} {spell(each.right)}"
    return " and ".join(map(str, sides(each)))
