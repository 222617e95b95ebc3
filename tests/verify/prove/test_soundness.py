"""Soundness: on random expressions, reading, rewriting, deduced rules and writing keep the exact value."""

import random
from typing import Any

import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Identity, Inverse, MatAdd, MatMul, MatrixSymbol, Trace, Transpose, ZeroMatrix

from tests.verify.prove import vocabulary as v
from tests.verify.prove.vocabulary import N, c, m
from verify.prove import Instance
from verify.prove.matrices import rational
from verify.prove.matrices.completion import deduce
from verify.prove.matrices.from_sympy import Reader
from verify.prove.matrices.identity import assuming
from verify.prove.matrices.rewriting import Rules, reduce
from verify.prove.matrices.to_sympy import write

ONE = sympy.Integer(1)
SIZES = (ONE, m, N)
DEDUCTIONS = 6  # of completion, enough to have push-through and resolvent identities among the rules
CHECKED = settings(max_examples=150, deadline=None, derandomize=True)
MANY = settings(max_examples=600, deadline=None, derandomize=True)


@st.composite
def expressions(draw: st.DrawFn, rows: Any, cols: Any, depth: int = 3) -> Any:
    """A well-typed expression of the given shape."""
    kinds = ["symbol", "symbol", "transpose"]
    if rows == cols:
        kinds += ["identity", "inverse"]
    if depth:
        kinds += ["sum", "product", "product", "product", "scaled"]
    kind = draw(st.sampled_from(kinds))
    if kind == "symbol":
        return MatrixSymbol(f"{draw(st.sampled_from('AB'))}_{rows}{cols}", rows, cols)
    if kind == "transpose":
        return Transpose(draw(expressions(cols, rows, max(depth - 1, 0))))
    if kind == "identity":
        return draw(st.sampled_from([Identity(rows), ZeroMatrix(rows, rows)]))
    if kind == "inverse":
        return draw(inverses(rows))
    if kind == "sum":
        return MatAdd(draw(expressions(rows, cols, depth - 1)), draw(expressions(rows, cols, depth - 1)))
    if kind == "product":
        inner = draw(st.sampled_from(SIZES))
        return MatMul(draw(expressions(rows, inner, depth - 1)), draw(expressions(inner, cols, depth - 1)))
    return MatMul(draw(scalars(depth - 1)), draw(expressions(rows, cols, depth - 1)))


@st.composite
def inverses(draw: st.DrawFn, size: Any) -> Any:
    """A ridge inverse, or the inverse of a symbol; of a number, the reciprocal."""
    if size == 1:
        return Identity(1) / c
    other = draw(st.sampled_from([m, N]))
    factor = MatrixSymbol(f"A_{other}{size}", other, size)
    ridge = Inverse(factor.T * factor + draw(st.sampled_from([1, 2])) * c * Identity(size))
    return draw(st.sampled_from([ridge, Inverse(MatrixSymbol(f"A_{size}{size}", size, size))]))


@st.composite
def scalars(draw: st.DrawFn, depth: int) -> Any:
    if draw(st.booleans()):
        return draw(st.sampled_from([c, 1 / c, 2 * c + 1, sympy.Rational(-3, 2), m, N - m]))
    size = draw(st.sampled_from(SIZES))
    return Trace(draw(expressions(size, size, depth)))


shapes = st.tuples(st.sampled_from(SIZES), st.sampled_from(SIZES))
typed = shapes.flatmap(lambda shape: expressions(*shape))


def draw_instance(expression: Any, seed: int) -> Instance:
    """Values for everything in the expression, at sizes from 1 to 3."""
    rng = random.Random(seed)
    sizes = {m: rng.randint(1, 3), N: rng.randint(1, 3)}
    values: dict[Any, Any] = {**sizes, c: abs(rational.draw_fraction(rng)) + 1}
    for symbol in sorted(expression.atoms(MatrixSymbol), key=str):
        rows, cols = (int(size.subs(sizes)) for size in symbol.shape)
        values[symbol] = rational.draw(rng, rows, cols)
    return Instance(values)


def assert_kept(expression: Any, instance: Instance, reader: Reader) -> None:
    """The polynomial, its normal forms and its sympy form have the expression's value."""
    try:
        expected = instance.evaluate(expression)
    except ZeroDivisionError:
        assume(False)
    polynomial = reader.matrix(expression)
    assert instance.value(polynomial, reader.inverses) == expected
    symbols = [symbol for symbol in instance.values if isinstance(symbol, MatrixSymbol)]
    assert instance.evaluate(write(polynomial, symbols, reader.inverses)) == expected
    rules = [reader.rules, *_some(reader.rules)]
    for known in (rules[0], rules[-1]):
        normal, rounds = reduce(polynomial, known)
        assert instance.value(normal, reader.inverses) == expected
        assert reduce(normal, known) == (normal, [])
        for step in rounds:
            assert instance.value(step.result, reader.inverses) == expected
    for rule in rules[-1].rules:
        value = instance.value(rule.equation, reader.inverses)
        assert not any(entry for row in value for entry in row), str(rule)


def _some(rules: Rules) -> list[Rules]:
    return [more for _, more in zip(range(DEDUCTIONS), deduce(rules, traces=True), strict=False)]


@MANY
@given(typed, st.integers(0, 10**6))
def test_values_are_kept(expression: Any, seed: int) -> None:
    assert_kept(expression, draw_instance(expression, seed), Reader.of([expression, c]))


LETTERS = {
    (N, v.K): [v.P],
    (m, v.K): [v.Z_all],
    (m, N): [v.Z],
    (N, N): [v.R, Identity(N)],
    (m, m): [v.S],
    (v.K, v.K): [Identity(v.K)],
}


@st.composite
def chains(draw: st.DrawFn, rows: Any, cols: Any, length: int) -> Any:
    if length == 0 or draw(st.integers(0, 4)) == 0:
        if (rows, cols) in LETTERS:
            return draw(st.sampled_from(LETTERS[rows, cols]))
        return Transpose(draw(st.sampled_from(LETTERS[cols, rows])))
    inner = draw(st.sampled_from([m, N, v.K]))
    return draw(chains(rows, inner, 0)) * draw(chains(inner, cols, length - 1))


@st.composite
def products(draw: st.DrawFn) -> Any:
    """A sum of two products of the letters of the limit matrix, of one shape."""
    shape = draw(st.sampled_from(list(LETTERS)))
    return draw(chains(*shape, 4)) + draw(st.sampled_from([c, -2])) * draw(chains(*shape, 4))


@CHECKED
@given(products(), st.integers(0, 10**6))
def test_values_are_kept_under_premises(expression: Any, seed: int) -> None:
    rng = random.Random(seed)
    n = rng.randint(1, 2)
    sizes = {m: rng.randint(1, 3), N: n, v.K: n + rng.randint(1, 2)}
    chosen = v.split_sample(sizes, rng)
    assert chosen is not None
    values = {**sizes, **chosen, c: abs(rational.draw_fraction(rng)) + 1}
    reader = assuming([expression, c, v.R, v.S], v.SPLIT)
    for inverse in (v.R, v.S):  # both, so that completion always has them
        reader.matrix(inverse)
    assert_kept(expression, Instance(values), reader)
