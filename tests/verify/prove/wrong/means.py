"""Wrong means: words and traces over random and fixed letters, their mean by the calculus, then a change."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import sympy
from sympy import Identity, MatMul, MatrixSymbol, Trace, Transpose, ZeroMatrix
from sympy.matrices.expressions.matexpr import MatrixExpr

from tests.verify.prove.wrong.values import equal, value
from verify.prove import Random, expectation
from verify.prove.matrices.expectation import _mean
from verify.prove.matrices.identity import assuming, difference
from verify.prove.matrices.rewriting import reduce

m, N = sympy.symbols("m N", integer=True, positive=True)
tau = sympy.Symbol("tau", positive=True)
ONE = sympy.Integer(1)
x, X = MatrixSymbol("x", m, 1), MatrixSymbol("X", m, N)
FIXED = [
    MatrixSymbol("A", N, m),
    MatrixSymbol("B", m, m),
    MatrixSymbol("C", N, N),
    MatrixSymbol("a", m, 1),
    MatrixSymbol("b", N, 1),
    Identity(m),
]
RANDOMS = [Random(x), Random(X, tau)]
SIZES = ({m: 3, N: 2}, {m: 2, N: 4})
Rng = random.Random


def letter(rows: Any, rng: Rng) -> Any:
    """A letter or its transpose that begins with this many rows, a random one more often than not."""
    known = [(random_, 3) for random_ in (x, X)] + [(fixed, 1) for fixed in FIXED]
    both = [(turned, weight) for s, weight in known for turned in (s, Transpose(s)) if turned.rows == rows]
    return rng.choices([s for s, _ in both], [weight for _, weight in both])[0]


def chain(rows: Any, cols: Any, length: int, rng: Rng) -> Any | None:
    """A product of letters of this shape, if the draw happens to end there."""
    factors = [letter(rows, rng)]
    while len(factors) < length:
        factors.append(letter(factors[-1].cols, rng))
    if factors[-1].cols != cols:
        return None
    return MatMul(*factors) if len(factors) > 1 else factors[0]


def drawn(rows: Any, cols: Any, rng: Rng) -> Any:
    """As above, of some length, drawn until it ends there."""
    while True:
        if (found := chain(rows, cols, rng.choice((1, 1, 2, 2, 3, 4)), rng)) is not None:
            return found


def degree(expression: Any, symbol: Any) -> int:
    """How often the symbol occurs in a product."""
    if isinstance(expression, MatrixSymbol):
        return int(expression == symbol)
    if isinstance(expression, sympy.Pow):
        return int(expression.exp) * degree(expression.base, symbol)
    if isinstance(expression, sympy.MatAdd | sympy.Add):
        return max(degree(argument, symbol) for argument in expression.args)
    return sum(degree(argument, symbol) for argument in expression.args)


def statement(rng: Rng) -> Any:
    """A word or a scalar times some traces, of degree at most two in each random letter."""
    while True:
        rows, cols = rng.choice((ONE, m, N)), rng.choice((ONE, m, N))
        whole = drawn(rows, cols, rng)
        for _ in range(rng.choice((0, 1, 1, 2))):
            size = rng.choice((ONE, m, N))
            whole = Trace(drawn(size, size, rng)) * whole
        if degree(whole, x) + degree(whole, X) >= 1 and degree(whole, x) <= 2 and degree(whole, X) <= 2:
            return whole


def nodes(expression: Any, at: tuple[int, ...] = ()) -> Any:
    if isinstance(expression, MatrixExpr | Trace):
        yield at, expression
    if not isinstance(expression, MatrixSymbol | Identity):
        for place, argument in enumerate(expression.args):
            yield from nodes(argument, (*at, place))


def put(expression: Any, at: tuple[int, ...], new: Any) -> Any:
    if not at:
        return new
    arguments = list(expression.args)
    arguments[at[0]] = put(arguments[at[0]], at[1:], new)
    if isinstance(expression, sympy.MatMul | sympy.Mul):
        whole = arguments[0]
        for argument in arguments[1:]:
            whole = whole * argument
        return whole
    return expression.func(*arguments)


def changed(expression: Any, rng: Rng) -> Any:
    """One change that keeps the shape: a letter, term or trace dropped or put in, a size too many, a transpose."""
    known = list(nodes(expression))
    if not known:
        return rng.choice((2, m, N, tau)) * expression
    at, node = rng.choice(known)
    ways = [lambda: rng.choice((m, N, tau, 2, 1 / m, 1 / N, -1, 1 / tau)) * node]
    if isinstance(node, Trace):
        ways += [lambda: ONE, lambda: node.arg.rows + 0 * node, lambda: node**2]
    if isinstance(node, MatrixExpr) and node.rows == node.cols:
        ways += [lambda: Transpose(node), lambda: Identity(node.rows), lambda: Trace(node) * Identity(node.rows)]
    if isinstance(node, sympy.MatAdd):
        drop = rng.randrange(len(node.args))
        ways += [lambda: sympy.MatAdd(*(a for place, a in enumerate(node.args) if place != drop)).doit()] * 3
    if isinstance(node, MatrixSymbol):
        same = [s for s in (x, X, *FIXED) if s.shape == node.shape]
        ways += [lambda: rng.choice(same)] * 2
    return put(expression, at, rng.choice(ways)())


def mean(expression: Any, randoms: list[Random], given: dict[Any, Any]) -> Any:
    """The exact mean of what is at most quadratic in each random matrix: f(0) + v/2 Σ (f(e) + f(−e) − 2 f(0)).

    The sum is over the unit matrices e: odd moments and mixed ones of different entries vanish.
    """
    if not randoms:
        return value(expression, given)
    first, *others = randoms
    shape = [int(value(size, given)) for size in first.symbol.shape]
    at_zero = mean(expression, others, {**given, first.symbol: np.zeros(shape)})
    whole = at_zero
    for place in product(*map(range, shape)):
        unit = np.zeros(shape)
        unit[place] = 1
        around = [mean(expression, others, {**given, first.symbol: sign * unit}) for sign in (1, -1)]
        whole = whole + value(first.variance, given) / 2 * (around[0] + around[1] - 2 * at_zero)
    return whole


Statement = tuple[Any, Any]


def statements(rng: Rng) -> Iterator[Statement]:
    """Expressions with their means as the calculus gives them, and both after one or two changes, without end."""
    while True:
        expression = statement(rng)
        right = expectation(expression, RANDOMS)
        if (
            right == 0 or isinstance(right, ZeroMatrix)
        ) and rng.random() < 0.95:  # means that are zero look too much alike
            continue
        yield expression, right
        for _ in range(3):
            sides = [expression, right]
            for _ in range(rng.choice((1, 1, 2))):
                place = rng.randrange(2)
                sides[place] = changed(sides[place], rng)
            small = max(degree(sides[0], random_) for random_ in (x, X)) <= 2
            if small and not sides[1].has(x, X):
                yield sides[0], sides[1]


def is_proved(of: Statement) -> bool:
    reader = assuming([*of, tau], [])
    value_, _ = _mean(reader.matrix(of[0]), reader, RANDOMS)
    return not reduce(difference(value_, reader.matrix(of[1])), reader.rules)[0]


def holds(of: Statement) -> bool | None:
    """Whether E[expression] = right at two instances with different sizes; None if that cannot be told."""
    expression, right = of
    found = []
    for seed, sizes in enumerate(SIZES):
        rng = np.random.default_rng(seed)
        given: dict[Any, Any] = {**sizes, tau: 2.75}
        for symbol in (s for s in FIXED if isinstance(s, MatrixSymbol)):
            shape = [int(value(size, sizes)) for size in symbol.shape]
            given[symbol] = rng.choice((-3.0, -2.0, -1.0, 1.0, 2.0, 4.0), shape)
        found.append(equal(mean(expression, RANDOMS, given), value(right, given)))
    return False if False in found else None if None in found else True


def shown(of: Statement) -> str:
    return f"E[{of[0]}] = {of[1]}"
