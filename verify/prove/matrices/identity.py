"""Identities between matrix expressions of any size: proved, refuted by an exact instance, or unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice
from typing import Any

import sympy

from verify.claim import Identity, Step
from verify.prove.matrices.derivation import Trial, check, rewrite, search
from verify.prove.matrices.format_polynomial import show
from verify.prove.matrices.from_sympy import Reader
from verify.prove.matrices.instance import Instance, is_matrix
from verify.prove.matrices.polynomial import Polynomial
from verify.prove.matrices.rational import Matrix
from verify.prove.matrices.sampling import ENOUGH, Equation, Sample, generic_instances, instances

TRIALS = 8  # instances at which an identity is tried before it is called unknown


def prove(
    name: str,
    left: Any,
    right: Any,
    *,
    premises: Sequence[Equation] = (),
    sample: Sample | None = None,
    tried_elsewhere: bool = False,
) -> Identity:
    """Left = right for all sizes, given the premises.

    Args:
        left, right: sympy matrix expressions (symbols, sums, products, transposes, inverses, whole
            powers, traces, identity and zero matrices) or scalars, with dimensions symbolic or not;
            a 1 × 1 matrix and a scalar may be compared. An inverse asserts that it exists.
        premises: equations that the symbols satisfy.
        sample: gives random values to the symbols that premises constrain, from the sizes; without
            it a statement under premises cannot be tried, so it is neither proved nor refuted.
        tried_elsewhere: the caller tries what is proved on exact instances of its own.

    Raises:
        ValueError: shapes do not fit, an expression is outside the calculus, a premise cannot be
            used or contradicts the others, or the sample violates a premise.
        UnsoundStepError: a line of the proof is false at an instance; that would be a defect of the calculus.
    """
    reader = assuming([left, right], premises)
    first, second = reader.matrix(left), reader.matrix(right)
    goal = difference(first, second)
    opening = (_expanded("left", first), _expanded("right", second))
    given, generic = (
        trials(known, lambda instance: instance.evaluate(left), lambda instance: instance.evaluate(right))
        for known in (instances([left, right], premises, sample), generic_instances([left, right], premises, sample))
    )
    return settle(name, goal, reader, given, generic, opening, enough=0 if tried_elsewhere else ENOUGH)


def _expanded(side: str, value: Polynomial) -> Step:
    return Step(expression=show(value), rule=f"{side} side, expanded")


def prove_positive_definite(
    name: str,
    expression: Any,
    *,
    factor: Any,
    shift: Any,
    premises: Sequence[Equation] = (),
    sample: Sample | None = None,
) -> Identity:
    """expression = Xᵀ X + c I with X = `factor` and c = `shift`, which makes it positive definite if c > 0.

    Unknown if c is not known to be positive. A refutation is of the equation: the expression may be
    positive definite in another way. Raises as `prove`.
    """
    shift = sympy.sympify(shift)
    whole = _gram(factor) + shift * sympy.Identity(expression.rows)
    found = prove(name, expression, whole, premises=premises, sample=sample)
    if shift.is_positive is not True and found.witness is None:
        return replace(found, residual=f"{found.residual}, with {shift} not known to be positive")
    return _concluded(found, f"vᵀ M v = ‖X v‖² + c ‖v‖² > 0 for v ≠ 0, where {_shown(X=factor, c=shift)} > 0")


def prove_positive_semidefinite(
    name: str, expression: Any, *, factor: Any, premises: Sequence[Equation] = (), sample: Sample | None = None
) -> Identity:
    """expression = Xᵀ X with X = `factor`, which makes it positive semidefinite. Refuted and raises as above."""
    found = prove(name, expression, _gram(factor), premises=premises, sample=sample)
    return _concluded(found, f"vᵀ M v = ‖X v‖² ≥ 0, where {_shown(X=factor)}")


def _shown(**parts: Any) -> str:
    reader = Reader.of(parts.values())
    return ", ".join(f"{name} = {show(reader.matrix(part))}" for name, part in parts.items())


def _concluded(found: Identity, conclusion: str) -> Identity:
    """The finding, followed by what a sum of squares says of it if it is proved; anything else is an `Argument`."""
    if found.status != "proved":
        return found
    return replace(found, derivation=(*found.derivation, Step(expression=conclusion, rule="a sum of squares")))


def _gram(factor: Any) -> Any:
    return sympy.Transpose(factor) * factor


def assuming(expressions: Sequence[Any], premises: Sequence[Equation]) -> Reader:
    """A reader of the expressions that knows the premises.

    Raises:
        ValueError: two premises share a name, which derivations could not tell apart; or as in `prove`.
    """
    if len({premise.name for premise in premises}) < len(premises):
        raise ValueError(f"two premises share a name: {', '.join(premise.name for premise in premises)}")
    sides = [side for premise in premises for side in (premise.left, premise.right)]
    reader = Reader.of([*expressions, *sides])
    for premise in premises:
        reader.assume(difference(reader.matrix(premise.left), reader.matrix(premise.right)), premise.name)
    return reader


def difference(left: Polynomial, right: Polynomial) -> Polynomial:
    """left − right.

    Raises:
        ValueError: the shapes differ.
    """
    if left.shape != right.shape:
        raise ValueError(f"the left side is {' × '.join(left.shape)} and the right side {' × '.join(right.shape)}")
    return left - right


def trials(
    given: Iterator[Instance], left: Callable[[Instance], Matrix], right: Callable[[Instance], Matrix]
) -> Iterator[Trial]:
    """The instances at which both sides are defined, with their values."""
    for instance in given:
        try:
            yield Trial(instance, left(instance), right(instance))
        except ZeroDivisionError:
            continue


def settle(
    name: str,
    goal: Polynomial,
    reader: Reader,
    given: Iterator[Trial],
    generic: Iterator[Trial],
    opening: tuple[Step, ...],
    about: str = "",
    enough: int = ENOUGH,
) -> Identity:
    """Rewrite the goal; if it does not vanish, look for an instance against it, and only then for a longer proof.

    Every line of a proof is tried on `enough` of the `generic` instances; one that cannot be tried is no proof.

    Raises:
        UnsoundStepError: a line of the proof is false at an instance.
    """
    derivation = rewrite(goal, reader)
    tried = _until_refuted(given, TRIALS) if derivation.remainder else []
    refuted = bool(tried and not tried[-1].holds)
    if derivation.remainder and not refuted:
        derivation = search(goal, reader) or derivation
    residual = show(derivation.remainder)
    if not derivation.remainder:
        trials_made = list(islice(generic, enough))
        for trial in trials_made:
            check(derivation, trial, reader)
        residual = _told([trial.instance for trial in trials_made]) if enough else residual
    before, after = ([line.step for line in lines] for lines in (derivation.known, derivation.lines))
    return Identity(
        name=name,
        residual=residual,
        derivation=(*before, *opening, *after),
        witness=str(tried[-1]) + about if refuted else None,
    )


def _told(tried: Sequence[Instance]) -> str:
    """As `tried_out`; what was only ever defined where two sizes are the same one is not proved for all dimensions."""
    residual = tried_out(len(tried))
    alike = sorted(set.intersection(*map(_equal_sizes, tried)), key=str) if residual == "0" else []
    if not alike:
        return residual
    one, other = alike[0]
    return f"0, but every instance on which it is defined has {one} = {other}: state it with one size for both"


def _equal_sizes(instance: Instance) -> set[tuple[Any, Any]]:
    """The pairs of sizes that have one value at the instance."""
    shapes = (size for symbol in filter(is_matrix, instance.values) for size in symbol.shape)
    sizes = sorted({symbol for size in shapes for symbol in size.free_symbols}, key=str)
    return {pair for pair in combinations(sizes, 2) if instance.values[pair[0]] == instance.values[pair[1]]}


def tried_out(count: int) -> str:
    """The residual of a proof whose every line holds on so many exact instances: zero if they are enough."""
    if count >= ENOUGH:
        return "0"
    if not count:
        return "0, but it was tried on no exact instance: none was found on which its premises and inverses are defined"
    return f"0, but it was tried on {count} exact instances, not on {ENOUGH}"


def _until_refuted(given: Iterator[Trial], most: int) -> list[Trial]:
    tried: list[Trial] = []
    for trial in islice(given, most):
        tried.append(trial)
        if not trial.holds:
            break
    return tried
