"""Derivations: what was rewritten, line by line, and the trial of every line on an exact instance.

Each line carries the polynomial that it says is zero, so a line can be tried: evaluated at a random
rational instance, it must be zero there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.claim import Step
from verify.prove.matrices import rational
from verify.prove.matrices.completion import Cancellation, cancel, deduce
from verify.prove.matrices.format_polynomial import show
from verify.prove.matrices.from_sympy import Reader
from verify.prove.matrices.instance import Instance
from verify.prove.matrices.polynomial import Polynomial
from verify.prove.matrices.rational import Matrix
from verify.prove.matrices.rewriting import Round, Rule, reduce


class UnsoundStepError(ArithmeticError):
    """A line of a derivation is false at an exact instance: the calculus itself is wrong."""


@dataclass(frozen=True)
class Trial:
    """An instance, and the exact values of the two sides there."""

    instance: Instance
    left: Matrix
    right: Matrix

    @property
    def holds(self) -> bool:
        return self.left == self.right

    def __str__(self) -> str:
        return f"at {self.instance}: left = {rational.as_text(self.left)}, right = {rational.as_text(self.right)}"


@dataclass(frozen=True)
class RewriteLine:
    """A step, and the polynomial that vanishes if the goal does."""

    step: Step
    vanishing: Polynomial


@dataclass(frozen=True)
class Derivation:
    """What the proof uses, the lines of the attempt, and what remains of the goal at its end: zero is a proof."""

    known: tuple[RewriteLine, ...]
    lines: tuple[RewriteLine, ...]
    remainder: Polynomial


def rewrite(goal: Polynomial, reader: Reader) -> Derivation:
    """The goal in normal form."""
    remainder, rounds = reduce(goal, reader.rules)
    return _written(goal, reader, remainder, rounds)


def search(goal: Polynomial, reader: Reader) -> Derivation | None:
    """A proof by cancellation of invertible factors or else by deduced rules; None if there is neither."""
    remainder, rounds = reduce(goal, reader.rules)
    cancelled = cancel(remainder, reader.rules, reader.inverses)
    if cancelled is not None:
        return _written(goal, reader, cancelled[-1].end, rounds, cancelled)
    for more in deduce(reader.rules, traces=any(key.traces for key in goal.terms)):
        remainder, rounds = reduce(goal, more)
        if not remainder:
            return _written(goal, reader, remainder, rounds)
    return None


def check(derivation: Derivation, trial: Trial, reader: Reader) -> None:
    """Evaluate the two sides and every line of a proof at the instance.

    Raises:
        UnsoundStepError: the sides differ there, or a line is false.
    """
    if not trial.holds:
        raise UnsoundStepError(f"the sides of a proved identity differ {trial}")
    for line in (*derivation.known, *derivation.lines):
        if any(entry for row in trial.instance.value(line.vanishing, reader.inverses) for entry in row):
            raise UnsoundStepError(f"{line.step.expression} [{line.step.rule}] is false at {trial.instance}")


def _written(
    goal: Polynomial,
    reader: Reader,
    remainder: Polynomial,
    rounds: Sequence[Round],
    cancelled: Sequence[Cancellation] = (),
) -> Derivation:
    every = [*rounds, *(step for each in cancelled for step in each.rounds)]
    deduced = _deduced([rule for step in every for rule in step.rules])
    label = {reason: f"({place})" for place, reason in enumerate(deduced, 1)}
    known = [RewriteLine(Step(expression=note.expression, rule=note.reason), note.vanishing) for note in reader.notes]
    known += [_consequence(rule, label) for rule in deduced.values()]
    lines = [
        RewriteLine(Step(expression=show(goal), rule="left − right"), goal),
        *(_round(step, label) for step in rounds),
    ]
    for each in cancelled:
        text = f"multiply on the {each.side} by {show(each.factor)}, which is invertible"
        lines.append(RewriteLine(Step(expression=show(each.product), rule=text), each.product))
        lines += [_round(step, label) for step in each.rounds]
    return Derivation(tuple(known), tuple(lines), remainder)


def _round(step: Round, label: dict[str, str]) -> RewriteLine:
    return RewriteLine(Step(expression=show(step.result), rule=_quoted(step.rules, label)), step.result)


def _quoted(rules: Sequence[Rule], label: dict[str, str]) -> str:
    """The rules, grouped by the equation that they come from: R Zᵀ Z → I − c R (definition of R)."""
    groups: dict[str, dict[str, None]] = {}
    for rule in rules:
        groups.setdefault(rule.reason, {})[str(rule)] = None
    return "; ".join(f"{', '.join(group)}  {label.get(reason, f'({reason})')}" for reason, group in groups.items())


def _consequence(rule: Rule, label: dict[str, str]) -> RewriteLine:
    turned = ", transposed" if rule.transposed else ""
    text = f"{label[rule.reason]} {rule.reason}{turned}: {_quoted(rule.parents, label)}"
    return RewriteLine(Step(expression=str(rule).replace(" → ", " = "), rule=text), rule.equation)


def _deduced(rules: Sequence[Rule]) -> dict[str, Rule]:
    """By its reason, each consequence among the rules and what it follows from; parents come first."""
    found: dict[str, Rule] = {}
    for rule in rules:
        if rule.parents and rule.reason not in found:
            found |= {reason: parent for reason, parent in _deduced(rule.parents).items() if reason not in found}
            found.setdefault(rule.reason, rule)
    return found
