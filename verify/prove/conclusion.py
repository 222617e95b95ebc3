"""From a chain to a finding: every line discharged and tried on exact instances, printed line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from verify.claim import Identity, Step
from verify.prove.derivation import UnsoundStepError
from verify.prove.inequality import Chain, Fact, answer, chains_of, facts_of, steps_of
from verify.prove.spelling import spell
from verify.prove.system import Relation
from verify.prove.values import Values, violation

Expr = Any


def conclude(
    name: str, left: Expr, right: Expr, chain: Chain, *given: Fact, instances: Iterable[Values] = ()
) -> Identity:
    """left ≤ right by the chain, which starts from `left` (from `right`, if it is downward), and the given facts.

    Proved when an exact certificate discharges every line, those of all conclusions used included. If none does,
    an instance on which the inequality is certainly false refutes it.

    Raises:
        ValueError: the chain starts elsewhere.
        UnsoundStepError: everything is discharged, but a fact or a line is false on an instance.
    """
    goal = Relation(left, right)
    start, target = (goal.right, goal.left) if chain.downward else (goal.left, goal.right)
    if chain.start != start:
        raise ValueError(f"the chain starts from {spell(chain.start)}, expected {spell(start)}")
    if given or chain.end != target:
        chain = chain.to(target, *given)
    doubts = tuple(_doubts(chain))
    tried = list(instances)
    trials = "" if doubts else _tried(chain, tried)
    able = [values for values in tried if values.knows(goal.left) and values.knows(goal.right)]
    witness = next(filter(None, (violation(values, goal) for values in able)), None) if doubts else None
    return Identity(
        name=name, residual="; ".join(doubts) or "0", derivation=tuple(_printed(chain, trials)), witness=witness
    )


def _all_steps(chain: Chain) -> Iterator[tuple[Relation, tuple[Relation, ...]]]:
    for below in chains_of(chain):
        yield from steps_of(below)
    yield from steps_of(chain)


def _doubts(chain: Chain) -> Iterator[str]:
    for goal, known in dict.fromkeys(_all_steps(chain)):
        found = answer(goal, known)
        if not found.proved:
            yield f"{spell(goal.left)} {'=' if goal.equal else '≤'} {spell(goal.right)}: {found.doubt}"


def _tried(chain: Chain, instances: Sequence[Values]) -> str:
    """How many of the facts and lines could be evaluated on instances, where all of them hold.

    Raises:
        UnsoundStepError: one is certainly false.
    """
    low, high = (chain.end, chain.start) if chain.downward else (chain.start, chain.end)
    facts, steps = [fact.relation for fact in facts_of(chain)], [goal for goal, _ in _all_steps(chain)]
    relations = dict.fromkeys([*facts, *steps, Relation(low, high)])
    evaluated = set()
    for values in instances:
        for relation in relations:
            if values.knows(relation.left) and values.knows(relation.right):
                evaluated.add(relation)
                found = violation(values, relation)
                if found is not None:
                    line = f"{spell(relation.left)} {'=' if relation.equal else '≤'} {spell(relation.right)}"
                    raise UnsoundStepError(f"{line} is false at {found}")
    count = f"{len(evaluated)} of {len(relations)} facts and lines"
    return f"; {count} evaluated on {len(instances)} exact instances, all true" if instances else ""


def _printed(chain: Chain, trials: str) -> Iterator[Step]:
    for title, below in dict.fromkeys(_unquoted(chain)):
        yield from _lines(below, title)
    yield from _lines(chain, "")
    cited: dict[str, dict[str, None]] = {}
    for fact in facts_of(chain):
        if fact.source:
            cited.setdefault(fact.source, {})[fact.rule] = None
    yield Step(
        expression="the larger side minus the smaller is a combination of the facts named with nonnegative "
        f"multipliers, found for every line and multiplied out exactly{trials}",
        rule="how each line was discharged",
    )  # fmt: skip
    for source, rules in cited.items():
        yield Step(expression="; ".join(rules), rule=f"not proved here: {source}")


def _unquoted(chain: Chain) -> Iterator[tuple[str, Chain]]:
    """The chains behind the conclusions used, without those that are printed elsewhere."""
    for line in chain.lines:
        for fact in line.facts:
            for below in () if fact.quoted else fact.because:
                yield from _unquoted(below)
                yield fact.rule, below


def _lines(chain: Chain, title: str) -> Iterator[Step]:
    rule = f"towards: {title}" if title else "to be bounded from below" if chain.downward else "to be bounded"
    yield Step(expression=spell(chain.start), rule=rule)
    for line in chain.lines:
        sign = "=" if line.equal else "≥" if chain.downward else "≤"
        yield Step(expression=f"{sign} {spell(line.expression)}", rule=line.rule)
