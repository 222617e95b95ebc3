"""Ten thousand different random mutations of proved identities: no false one is proved.

A mutation is false when its two sides differ at an exact rational instance. All the ways to a proof
are open to it: rewriting, rules that completion deduces, and cancellation of invertible factors.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest
import sympy
from sympy import Identity, Inverse, MatAdd, MatMul, MatrixSymbol, Trace, Transpose
from sympy.matrices.expressions.matexpr import MatrixExpr

from tests.verify.prove.test_identity import TRUE
from tests.verify.prove.vocabulary import K, N, c, m
from verify.prove import Instance, rational
from verify.prove.completion import cancel, deduce
from verify.prove.identity import difference
from verify.prove.reading import Reader
from verify.prove.rewriting import Rules, reduce
from verify.prove.scalars import Scalars

MUTATIONS = 10_000
PARTS = 4  # tests, that may run side by side, each of its own identities
DEDUCTIONS = 4  # of completion: enough for push-through, Woodbury and the trace identities
FACTORS = (sympy.Integer(2), sympy.Integer(-1), sympy.Rational(1, 2), c, 1 / c)
Place = tuple[int, ...]


def places(expression: Any, at: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every matrix and trace in the expression, with the way there."""
    if isinstance(expression, MatrixExpr | Trace):
        yield at, expression
    if not isinstance(expression, MatrixSymbol | Identity):
        for index, argument in enumerate(expression.args):
            yield from places(argument, (*at, index))


def put(expression: Any, at: Place, new: Any) -> Any:
    """The expression with `new` at the place, otherwise as it is."""
    if not at:
        return new
    arguments = list(expression.args)
    arguments[at[0]] = put(arguments[at[0]], at[1:], new)
    return expression.func(*(arguments[:1] if isinstance(expression, Inverse) else arguments))


def scaled(node: Any, rng: random.Random) -> Any:
    factor = rng.choice(FACTORS)
    return MatMul(factor, node) if isinstance(node, MatrixExpr) else factor * node


def one_term_dropped(node: Any, rng: random.Random) -> Any:
    terms = list(node.args)
    del terms[rng.randrange(len(terms))]
    return MatAdd(*terms) if len(terms) > 1 else terms[0]


def factors_swapped(node: Any, rng: random.Random) -> Any:
    factors = list(node.args)
    swaps = [
        i
        for i in range(len(factors) - 1)
        if all(isinstance(f, MatrixExpr) and f.rows == f.cols == node.args[i].rows for f in factors[i : i + 2])
    ]
    if not swaps:
        return factor_dropped(node, rng)
    i = rng.choice(swaps)
    factors[i], factors[i + 1] = factors[i + 1], factors[i]
    return MatMul(*factors)


def factor_dropped(node: Any, rng: random.Random) -> Any:
    square = [i for i, f in enumerate(node.args) if not isinstance(f, MatrixExpr) or f.rows == f.cols]
    if not square or len(node.args) < 2:
        return scaled(node, rng)
    factors = list(node.args)
    del factors[rng.choice(square)]
    return MatMul(*factors) if any(isinstance(f, MatrixExpr) for f in factors) else scaled(node, rng)


def other_inverse(node: Any, rng: random.Random) -> Any:
    return rng.choice([node.arg, Inverse(node.arg.subs(c, 2 * c)), Inverse(Transpose(node.arg)), Identity(node.rows)])


def mutate(expression: Any, rng: random.Random, symbols: list[Any]) -> Any:
    """One change at a random place that keeps all shapes."""
    at, node = rng.choice(list(places(expression)))
    changes: list[Callable[[Any, random.Random], Any]] = [scaled]
    if isinstance(node, MatAdd):
        changes += [one_term_dropped] * 2
    if isinstance(node, MatMul):
        changes += [factors_swapped, factor_dropped]
    if isinstance(node, Inverse):
        changes += [other_inverse] * 2
    if isinstance(node, MatrixExpr) and node.rows == node.cols:
        changes.append(lambda square, _: Transpose(square))
    if others := [s for s in symbols if isinstance(node, MatrixSymbol) and s.shape == node.shape and s != node]:
        changes.append(lambda _, rng: rng.choice(others))
    return put(expression, at, rng.choice(changes)(node, rng))


def telling(expressions: list[Any], sizes: dict[Any, int], scalar: Fraction, seed: int) -> Instance:
    """No value is special: at size 1 everything commutes, with c = 1 its powers are lost, and so is all with 0."""
    rng = random.Random(seed)
    values: dict[Any, Any] = {**sizes, c: scalar}
    for symbol in sorted({s for e in expressions for s in e.atoms(MatrixSymbol)}, key=str):
        rows, cols = (int(size.subs(sizes)) for size in symbol.shape)
        values[symbol] = rational.matrix(
            [[rng.choice((-3, -2, -1, 1, 2, 4)) for _ in range(cols)] for _ in range(rows)]
        )
    return Instance(values)


@dataclass
class Bench:
    """One proved identity, what its mutations share, and the rules deduced for each set of inverses."""

    left: Any
    right: Any
    scalars: Scalars
    known: list[Instance]
    deduced: dict[Any, Rules] = field(default_factory=dict)

    @classmethod
    def of(cls, left: Any, right: Any) -> "Bench":
        both = [left, right, c]
        known = [
            telling(both, {m: 2, N: 2, K: 2}, Fraction(3, 2), 1),
            telling(both, {m: 2, N: 3, K: 2}, Fraction(5, 3), 2),
        ]
        return cls(left, right, Scalars.of(both), known)

    def mutant(self, rng: random.Random) -> tuple[Any, Any]:
        left, right = self.left, self.right
        symbols = sorted(left.atoms(MatrixSymbol) | right.atoms(MatrixSymbol), key=str)
        for _ in range(rng.choice((1, 2, 3))):
            if rng.random() < 0.5 and isinstance(left, MatrixExpr | Trace):
                left = mutate(left, rng, symbols)
            elif list(places(right)):
                right = mutate(right, rng, symbols)
        return left, right

    def holds(self, left: Any, right: Any) -> bool | None:
        """Whether the sides agree wherever both are defined; None if they are nowhere."""
        defined = False
        for instance in self.known:
            try:
                if instance.evaluate(left) != instance.evaluate(right):
                    return False
                defined = True
            except ZeroDivisionError:
                continue
        return True if defined else None

    def is_proved(self, left: Any, right: Any) -> bool:
        reader = Reader(self.scalars, "R")
        goal, _ = reduce(difference(reader.matrix(left), reader.matrix(right)), reader.rules)
        if not goal or cancel(goal, reader.rules, reader.inverses) is not None:
            return True
        traces = any(key.traces for key in goal.terms)
        key = traces, *((inverse.atom, frozenset(inverse.of.terms.items())) for inverse in reader.inverses)
        if key not in self.deduced:
            self.deduced[key] = [reader.rules, *islice(deduce(reader.rules, traces=traces), DEDUCTIONS)][-1]
        return not reduce(goal, self.deduced[key])[0]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_false_mutation_is_proved(part: int) -> None:
    rng = random.Random(part)
    plain = [(left, right) for left, right, premises in TRUE.values() if not premises and list(places(left))]
    benches = [Bench.of(left, right) for left, right in plain[part::PARTS]]
    seen: set[tuple[Any, Any]] = set()
    outcomes: Counter[tuple[bool | None, bool]] = Counter()  # does it hold, and is it proved
    while len(seen) < MUTATIONS // PARTS:
        for bench in benches:
            left, right = bench.mutant(rng)
            if (left, right) in seen:
                continue
            seen.add((left, right))
            outcome = bench.holds(left, right), bench.is_proved(left, right)
            assert outcome != (False, True), f"{left} = {right} is false and was proved"
            outcomes[outcome] += 1
    assert outcomes[False, False] > len(seen) * 0.8
    assert outcomes[True, True] > len(seen) * 0.03
    assert outcomes[True, False] < len(seen) * 0.01
