"""Expectations of expressions that are at most quadratic in each of some independent random matrices.

Nothing is used but this: the entries of a random matrix are independent, of mean 0 and of one
variance, and different random matrices are independent. No distribution is assumed. A vector is a
matrix with one column, so that E[λ λᵀ] = v I and E[λᵀ M λ] = v tr(M).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import islice, product
from math import prod
from typing import Any

import sympy

from verify.claim import Identity, Step
from verify.prove.matrices import rational
from verify.prove.matrices.derivation import UnsoundStepError
from verify.prove.matrices.format_polynomial import show, show_name, show_scalar
from verify.prove.matrices.from_sympy import Reader
from verify.prove.matrices.identity import assuming, difference, settle, trials
from verify.prove.matrices.instance import Instance
from verify.prove.matrices.moments import mean
from verify.prove.matrices.polynomial import Polynomial
from verify.prove.matrices.rational import Matrix
from verify.prove.matrices.sampling import ENOUGH, Equation, Sample, generic_instances, instances
from verify.prove.matrices.to_sympy import write

MOST_ENTRIES = 6  # random entries of an instance whose mean is taken over all 2^6 outcomes
Outcome = tuple[Fraction, Fraction]  # a value and its probability


@dataclass(frozen=True)
class Random:
    """A matrix symbol with independent entries of mean 0 and the given variance, independent of all else.

    Raises:
        ValueError: the symbol is no matrix symbol, or the variance is no scalar known to be nonnegative.
    """

    symbol: Any
    variance: Any = sympy.S.One

    def __post_init__(self) -> None:
        if not isinstance(self.symbol, sympy.MatrixSymbol):
            raise ValueError(f"only a matrix symbol can be random, got {self.symbol!r}")
        if not isinstance(self.variance, sympy.Expr) or self.variance.is_nonnegative is not True:
            raise ValueError(
                f"the variance {self.variance!r} of {self.symbol} is no sympy expression known to be nonnegative: "
                "declare its symbols positive"
            )


def expectation(expression: Any, randoms: Sequence[Random]) -> Any:
    """E[expression] as a sympy expression, the mean taken over `randoms` with everything else fixed.

    Raises:
        ValueError: a symbol is random twice, the expression is of degree three or more in a random
            symbol, has one in an inverse, has shapes that do not fit, or is outside the calculus.
    """
    reader = assuming([expression, *(random.variance for random in randoms)], [])
    value, _ = _mean(reader.matrix(expression), reader, randoms)
    return write(value, expression.atoms(sympy.MatrixSymbol), reader.inverses)


def prove_expectation(
    name: str,
    expression: Any,
    right: Any,
    *,
    randoms: Sequence[Random],
    premises: Sequence[Equation] = (),
    sample: Sample | None = None,
) -> Identity:
    """E[expression] = right for all sizes, the mean taken over `randoms` with everything else fixed.

    An instance that refutes it is exact too: its random entries take two values each, with the
    right mean and variance, and the mean is taken over all outcomes.

    Raises:
        ValueError: a symbol is random twice, the expression is of degree three or more in a random
            symbol or has one in an inverse, the right side or a premise has one, or as in `prove`.
    """
    variances = [random.variance for random in randoms]
    reader = assuming([expression, right, *variances], premises)
    for side in (right, *(side for premise in premises for side in (premise.left, premise.right))):
        if side.has(*(random.symbol for random in randoms)):
            raise ValueError(f"{side} holds a random symbol, but it stands outside the expectation")
    value, lines = _mean(reader.matrix(expression), reader, randoms)
    goal = difference(value, reader.matrix(right))
    names = ", ".join(show_name(random.symbol.name) for random in randoms)
    about = f"; mean over entries of {names} that are v with probability 1/(1 + v), else −1, v the variance"
    everything = [expression, right, *variances, *(random.symbol for random in randoms)]
    found = (_without(instance, randoms) for instance in instances(everything, premises, sample))
    generic = list(islice(generic_instances(everything, premises, sample), ENOUGH))
    for instance in generic:
        _try_out(lines, instance, reader)
    given, moments = (
        trials(known, lambda i: average(expression, i, randoms), lambda i: i.evaluate(right))
        for known in (found, (_without(instance, randoms) for instance in generic))
    )
    return settle(name, goal, reader, given, moments, tuple(line.step for line in lines), about)


@dataclass(frozen=True)
class MeanLine:
    """A step, the polynomials before and after it, and the random matrix over which the mean was taken, if any."""

    step: Step
    before: Polynomial
    after: Polynomial
    over: Random | None = None


def _mean(value: Polynomial, reader: Reader, randoms: Sequence[Random]) -> tuple[Polynomial, tuple[MeanLine, ...]]:
    names = {random.symbol.name for random in randoms}
    if len(names) < len(randoms):
        raise ValueError(f"a symbol is random twice: {', '.join(random.symbol.name for random in randoms)}")
    for inverse in reader.inverses:
        if any(atom.name in names for key in inverse.of.terms for word in (key.word, *key.traces) for atom in word):
            raise ValueError(
                f"a random symbol stands in the inverse of {show(inverse.of)}: its mean is not a second moment"
            )
    lines = [MeanLine(Step(expression=f"E[{show(value)}]", rule="expand"), value, value)]
    for random in randoms:
        variance = show_scalar(random.variance)
        shown = "" if random.variance == 1 else f"({variance}) " if random.variance.is_Add else f"{variance} "
        before = value
        value, rules = mean(value, random.symbol.name, reader.scalars.read(random.variance), shown)
        about = f"mean over {show_name(random.symbol.name)}, entries independent of mean 0 and variance {variance}"
        step = Step(expression=show(value), rule=f"{about}: {'; '.join(rules) or 'it does not occur'}")
        lines.append(MeanLine(step, before, value, random))
    return value, tuple(lines)


def _try_out(lines: Sequence[MeanLine], instance: Instance, reader: Reader) -> None:
    """Every mean that was taken, at values of all that is still random then.

    Raises:
        UnsoundStepError: one is false.
    """
    for line in (line for line in lines if line.over):
        try:
            left = mean_at(partial(_value, line.before, reader), instance, [line.over])
            right = instance.value(line.after, reader.inverses)
        except ZeroDivisionError:
            continue
        if left != right:
            raise UnsoundStepError(f"{line.step.expression} [{line.step.rule}] is false at {instance}")


def _value(polynomial: Polynomial, reader: Reader, instance: Instance) -> Matrix:
    return instance.value(polynomial, reader.inverses)


def _without(instance: Instance, randoms: Sequence[Random]) -> Instance:
    symbols = {random.symbol for random in randoms}
    return Instance({symbol: value for symbol, value in instance.values.items() if symbol not in symbols})


def average(expression: Any, instance: Instance, randoms: Sequence[Random]) -> Matrix:
    """The exact mean of the expression over the random matrices.

    With few random entries over all outcomes, an entry being its variance v or −1 with mean 0; with more, from the
    second moments alone, on which the mean of an expression that is quadratic in each matrix depends.
    """
    if sum(prod(instance.size(random.symbol)) for random in randoms) > MOST_ENTRIES:
        return mean_at(lambda at: at.evaluate(expression), instance, randoms)
    terms = []
    for outcome in product(*_cells(instance, randoms)):
        entries = iter(value for value, _ in outcome)
        drawn: dict[Any, Matrix] = {}
        for random in randoms:
            rows, cols = instance.size(random.symbol)
            drawn[random.symbol] = tuple(tuple(next(entries) for _ in range(cols)) for _ in range(rows))
        weight = prod((probability for _, probability in outcome), start=Fraction(1))
        terms.append((weight, Instance({**instance.values, **drawn}).evaluate(expression)))
    return rational.weighted(terms)


def mean_at(value: Callable[[Instance], Matrix], instance: Instance, randoms: Sequence[Random | None]) -> Matrix:
    """E f = f(0) + (v/2) Σ_ij (f(E_ij) + f(−E_ij) − 2f(0)) over each matrix in turn, for f at most quadratic in it.

    E_ij is the matrix whose only entry is a 1 at i, j; entries are independent with mean 0 and variance v.
    """
    random, rest = (randoms[0], randoms[1:]) if randoms else (None, ())
    if random is None:
        return value(instance)
    rows, cols = instance.size(random.symbol)

    def at(place: tuple[int, int] | None, sign: int = 1) -> Matrix:
        entries = tuple(tuple(Fraction(sign * ((i, j) == place)) for j in range(cols)) for i in range(rows))
        return mean_at(value, Instance({**instance.values, random.symbol: entries}), rest)

    centre, half = at(None), instance.evaluate(random.variance)[0][0] / 2
    places = list(product(range(rows), range(cols)))
    around = [(half, at(place, sign)) for place in places for sign in (1, -1)]
    return rational.weighted([*around, (1 - 2 * half * len(places), centre)])


def _cells(instance: Instance, randoms: Sequence[Random]) -> list[list[Outcome]]:
    """The outcomes of every random entry, matrix after matrix and row after row."""
    cells: list[list[Outcome]] = []
    for random in randoms:
        rows, cols = instance.size(random.symbol)
        cells += [_two_points(instance.evaluate(random.variance)[0][0])] * (rows * cols)
    return cells


def _two_points(variance: Fraction) -> list[Outcome]:
    if not variance:
        return [(variance, Fraction(1))]
    return [(variance, 1 / (1 + variance)), (Fraction(-1), variance / (1 + variance))]
