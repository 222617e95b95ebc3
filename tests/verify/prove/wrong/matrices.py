"""Wrong identities between matrices: proved ones, with and without premises, after one to three random changes.

All the ways to a proof are open: rewriting, rules that completion deduces, and cancellation of invertible factors.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import sympy
from sympy import Identity, Inverse, MatAdd, MatMul, MatrixSymbol, Trace, Transpose
from sympy.matrices.expressions.matexpr import MatrixExpr

from tests.verify.prove import test_identity as known
from tests.verify.prove import vocabulary as v
from tests.verify.prove.vocabulary import K, N, c, m
from tests.verify.prove.wrong.values import equal, value
from verify.prove import Equation
from verify.prove.matrices.completion import cancel, deduce
from verify.prove.matrices.identity import assuming, difference
from verify.prove.matrices.rewriting import Rules, reduce

DEDUCTIONS = 4  # of completion: enough for push-through, Woodbury and the trace identities
FACTORS = (sympy.Integer(2), sympy.Integer(-1), sympy.Rational(1, 2), c, 1 / c, m, N, 1 / N)
SIZES = ({m: 2, N: 3, K: 5}, {m: 3, N: 2, K: 4})
Place = tuple[int, ...]
Rng = random.Random


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


def scaled(node: Any, rng: Rng) -> Any:
    factor = rng.choice(FACTORS)
    return MatMul(factor, node) if isinstance(node, MatrixExpr) else factor * node


def one_term_dropped(node: Any, rng: Rng) -> Any:
    terms = list(node.args)
    del terms[rng.randrange(len(terms))]
    return MatAdd(*terms) if len(terms) > 1 else terms[0]


def factors_swapped(node: Any, rng: Rng) -> Any:
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


def factor_dropped(node: Any, rng: Rng) -> Any:
    square = [i for i, f in enumerate(node.args) if not isinstance(f, MatrixExpr) or f.rows == f.cols]
    if not square or len(node.args) < 2:
        return scaled(node, rng)
    factors = list(node.args)
    del factors[rng.choice(square)]
    return MatMul(*factors) if any(isinstance(f, MatrixExpr) for f in factors) else scaled(node, rng)


def other_inverse(node: Any, rng: Rng) -> Any:
    return rng.choice([node.arg, Inverse(node.arg.subs(c, 2 * c)), Inverse(Transpose(node.arg)), Identity(node.rows)])


def mutate(expression: Any, rng: Rng, symbols: list[Any]) -> Any:
    """One change at a random place that keeps all shapes."""
    at, node = rng.choice(list(places(expression)))
    changes: list[Callable[[Any, Rng], Any]] = [scaled]
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


def telling(symbols: list[Any], sizes: dict[Any, int], seed: int) -> dict[Any, Any]:
    """No value is special: at size 1 everything commutes, with c = 1 its powers are lost, and so is all with 0."""
    rng = np.random.default_rng(seed)
    given: dict[Any, Any] = {**sizes, c: 1.7 + seed, v.tau: 0.6}
    for symbol in symbols:
        given[symbol] = rng.uniform(0.5, 2.5, _shape(symbol, sizes)) * rng.choice((-1, 1), _shape(symbol, sizes))
    return given


def _shape(symbol: Any, sizes: dict[Any, int]) -> tuple[int, int]:
    rows, cols = (int(size.subs(sizes)) for size in symbol.shape)
    return rows, cols


def constrained(premises: tuple[Equation, ...], given: dict[Any, Any]) -> dict[Any, Any]:
    """The values with those exchanged that the premises constrain, so that they hold."""
    if premises in ((), known.UNIT, known.SYMMETRIC, known.COMMUTE):
        changed = dict(given)
        if premises == known.UNIT:
            changed[v.y] = given[v.y] / np.linalg.norm(given[v.y])
        if premises:
            square = given.get(v.A, np.ones((given[N], given[N])))
            changed[v.A] = square + square.T if premises == known.SYMMETRIC else square
            changed[v.B] = square @ square - 2 * square + 0.5 * np.eye(given[N]) if v.B in given else square
        return changed
    if premises == known.ROOT:
        square = given[known.root] + given[known.root].T + 4 * np.sqrt(given[c]) * np.eye(given[N])
        values, vectors = np.linalg.eigh(square @ square - given[c] * np.eye(given[N]))
        return {**given, m: given[N], known.root: square, v.Z: np.sqrt(values)[:, None] * vectors.T}
    every, n = np.eye(given[K]), given[N]
    wide = given.get(v.Z_all, np.random.default_rng(7).normal(size=(given[m], given[K])))
    unseen = {known.q: every[:, [-1]], known.z: wide[:, [-1]]}
    return {**given, **unseen, v.P: every[:n], v.Q: every[n:], v.Z_all: wide, v.Z: wide[:, :n]}


@dataclass
class Bench:
    """One proved identity, what its mutations share, and the rules deduced for each set of inverses."""

    left: Any
    right: Any
    premises: tuple[Equation, ...]
    known: list[dict[Any, Any]]
    deduced: dict[Any, Rules] = field(default_factory=dict)

    @classmethod
    def of(cls, left: Any, right: Any, premises: tuple[Equation, ...]) -> "Bench":
        sides = [left, right, *(side for each in premises for side in (each.left, each.right))]
        symbols = sorted({s for side in sides for s in side.atoms(MatrixSymbol)}, key=str)
        drawn = [constrained(premises, telling(symbols, sizes, seed)) for seed, sizes in enumerate(SIZES)]
        return cls(left, right, premises, drawn)

    def mutant(self, rng: Rng) -> tuple[Any, Any]:
        left, right = self.left, self.right
        symbols = sorted(left.atoms(MatrixSymbol) | right.atoms(MatrixSymbol), key=str)
        for _ in range(rng.choice((1, 2, 3))):
            if rng.random() < 0.5 and isinstance(left, MatrixExpr | Trace):
                left = mutate(left, rng, symbols)
            elif list(places(right)):
                right = mutate(right, rng, symbols)
        return left, right

    def holds(self, left: Any, right: Any) -> bool | None:
        """Whether the sides agree wherever both are defined; None if that cannot be told."""
        found = []
        for given in self.known:
            try:
                found.append(equal(value(left, given), value(right, given)))
            except np.linalg.LinAlgError:
                found.append(None)
        return False if False in found else True if True in found else None

    def is_proved(self, left: Any, right: Any) -> bool:
        reader = assuming([left, right, c], self.premises)
        goal, _ = reduce(difference(reader.matrix(left), reader.matrix(right)), reader.rules)
        if not goal or cancel(goal, reader.rules, reader.inverses) is not None:
            return True
        traces = any(key.traces for key in goal.terms)
        field_of = reader.scalars.symbols, reader.scalars.domain
        key = traces, field_of, *((inverse.atom, frozenset(inverse.of.terms.items())) for inverse in reader.inverses)
        if key not in self.deduced:
            self.deduced[key] = [reader.rules, *islice(deduce(reader.rules, traces=traces), DEDUCTIONS)][-1]
        return not reduce(goal, self.deduced[key])[0]


Statement = tuple[Bench, Any, Any]


def statements(rng: Rng) -> Iterator[Statement]:
    """Proved identities and mutations of them without end, each once; shapes that no longer fit are left out."""
    benches = [Bench.of(*each) for each in known.TRUE.values() if list(places(each[0]))]
    seen: set[tuple[int, Any, Any]] = set()
    while True:
        place = rng.randrange(len(benches))
        try:
            left, right = benches[place].mutant(rng)
        except (ValueError, NotImplementedError):
            continue
        if (place, left, right) not in seen:
            seen.add((place, left, right))
            yield benches[place], left, right


def is_proved(of: Statement) -> bool:
    return of[0].is_proved(of[1], of[2])


def holds(of: Statement) -> bool | None:
    return of[0].holds(of[1], of[2])


def shown(of: Statement) -> str:
    return f"{of[1]} = {of[2]}  given {', '.join(premise.name for premise in of[0].premises) or 'nothing'}"
