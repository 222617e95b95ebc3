"""From a chain to a finding: every line discharged, every fact traced and tried on exact instances, and printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from verify.claim import Identity, Step
from verify.prove.inequalities.chain import Chain, Fact, answer, chains_of, steps_of
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.trials import admissible, attempt
from verify.prove.inequalities.trust import Item, Trust, trust
from verify.prove.inequalities.values import Values, violation

Expr = Any
KINDS = {"defined": "definition", "hypothesis": "hypothesis", "cited": "not proved here", "quoted": "proved elsewhere"}


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """A goal, the chain towards it, everything between its leaves and itself, and all instances that were given.

    `own` are the items that it uses itself, not by way of a lemma.
    """

    goal: Relation
    chain: Chain
    items: tuple[Item, ...]
    own: tuple[Item, ...]
    instances: tuple[Values, ...]

    @property
    def lemmas(self) -> frozenset[Lemma]:
        """The lemmas behind it, those behind these included."""
        own = frozenset(item.lemma for item in self.items if isinstance(getattr(item, "lemma", None), Lemma))
        return own.union(*(found.conclusion.lemmas for lemma in own for found in lemma.proved if found.conclusion))


def conclude(
    name: str, left: Expr, right: Expr, chain: Chain, *given: Fact, instances: Iterable[Values] = ()
) -> Identity:
    """left ≤ right by the chain, which starts from `left` (from `right`, if it is downward), and the given facts.

    Proved when an exact certificate discharges every line, everything used comes from somewhere that is named, and
    every fact and line was evaluated on the instances, those of all conclusions and lemmas used included. If it
    is not, an instance that satisfies the hypotheses and on which the inequality is certainly false refutes it.

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
    ground = trust(chain)
    steps = dict.fromkeys(all_steps(chain))
    doubts = [*ground.doubts, *_undischarged(steps)]
    everywhere = tuple(instances)
    tried = admissible(ground.items, everywhere)
    told = ""
    if not doubts:
        trial = attempt(ground.items, [*(step for step, _ in steps), goal], tried)
        doubts, told = list(trial.doubts), trial.sentence
    able = [values for values in tried if values.knows(goal.left) and values.knows(goal.right)]
    witness = next(filter(None, (violation(values, goal) for values in able)), None) if doubts else None
    return Identity(
        name=name,
        residual="; ".join(doubts) or "0",
        derivation=tuple(_printed(chain, ground, told)),
        witness=witness,
        believes=ground.believes,
        rests_on=ground.rests_on,
        conclusion=Conclusion(goal=goal, chain=chain, items=ground.items, own=ground.own, instances=everywhere),
        hypotheses=tuple(leaf.text for leaf in ground.leaves if leaf.kind == "hypothesis"),
    )


def all_steps(chain: Chain) -> Iterator[tuple[Relation, tuple[Relation, ...]]]:
    """What each line asserts, and from what, those of the chains that it uses first."""
    for below in chains_of(chain):
        yield from steps_of(below)
    yield from steps_of(chain)


def _undischarged(steps: Iterable[tuple[Relation, tuple[Relation, ...]]]) -> Iterator[str]:
    for goal, known in steps:
        found = answer(goal, known)
        if not found.proved:
            yield f"{spell(goal.left)} {'=' if goal.equal else '≤'} {spell(goal.right)}: {found.doubt}"


def _printed(chain: Chain, ground: Trust, told: str) -> Iterator[Step]:
    for title, below in _behind(chain, set()):
        yield from _lines(below, title)
    yield from _lines(chain, "")
    how = (
        "the larger side minus the smaller is a combination of the facts named with nonnegative multipliers, "
        "found for every line and multiplied out exactly"
    )
    yield Step(expression=f"{how}; {told}" if told else how, rule="how each line was discharged")
    for leaf in ground.leaves:
        rule = f"{KINDS[leaf.kind]}: {leaf.source}" if leaf.source else KINDS[leaf.kind]
        yield Step(expression=leaf.text, rule=rule)
    for source in ground.believes:
        yield Step(expression="elementary rules and citations above", rule=f"not proved here: {source}")


def _behind(chain: Chain, seen: set[int]) -> Iterator[tuple[str, Chain]]:
    """The chains behind the conclusions used, each once; those of lemmas are printed with their own statement."""
    for line in chain.lines:
        for fact in line.facts:
            yield from _proofs(fact, seen)


def _proofs(fact: Fact, seen: set[int]) -> Iterator[tuple[str, Chain]]:
    for need in (each for each in fact.needs if isinstance(each, Fact)):
        yield from _proofs(need, seen)
    for below in fact.because if fact.kind != "quoted" else ():
        if id(below) not in seen:
            seen.add(id(below))
            yield from _behind(below, seen)
            yield fact.rule, below


def _lines(chain: Chain, title: str) -> Iterator[Step]:
    rule = f"towards: {title}" if title else "to be bounded from below" if chain.downward else "to be bounded"
    yield Step(expression=spell(chain.start), rule=rule)
    for line in chain.lines:
        sign = "=" if line.equal else "≥" if chain.downward else "≤"
        titles = "; ".join(fact.title for fact in line.facts)
        words = titles if line.rule in ("arithmetic", titles) and titles else f"{line.rule}; by {titles}"
        yield Step(expression=f"{sign} {spell(line.expression)}", rule=words if titles else line.rule)
