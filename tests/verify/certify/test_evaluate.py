"""Expressions evaluated in balls contain their exact rational values; anything unsupported is refused by name."""

from __future__ import annotations

import re
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.certify import balls, evaluate
from verify.certify.balls import NotPositiveDefiniteError

n = sp.Symbol("n", integer=True, positive=True)
x, y = sp.symbols("x y")
A, B, C = (sp.MatrixSymbol(name, n, n) for name in "ABC")
V = sp.MatrixSymbol("V", n, 1)
I = sp.Identity(n)  # noqa: E741  the identity is called so
SIZE = 3

MATRICES = [
    A,
    A + B - C,
    A * B * C,
    2 * A - B / 3,
    x * A + y * B.T,
    (A * B).T,
    A.T * V,
    V * V.T,
    A + x * I,
    A * A.T + n * I,
    (A * A.T + I).inv(),
    A * (A.T * A + x**2 * I + I).inv() * B,
    sp.Rational(2, 7) * (A + I).T,
]
SCALARS = [
    x,
    x + y - 2,
    x * y / 3,
    x**3,
    (x**2 + 1) ** -1,
    sp.Integer(5),
    sp.Rational(-3, 7),
    sp.Trace(A * B),
    x * sp.Trace(A.T * A) + n,
]

numbers = st.fractions(-4, 4, max_denominator=8)
integers = arrays(np.int64, (SIZE, SIZE), elements=st.integers(-5, 5))


def ball_matrix(exact: Any) -> flint.arb_mat:
    return flint.arb_mat(flint.fmpq_mat(*exact.shape, [flint.fmpq(int(q.p), int(q.q)) for q in exact]))


def contains(ball: flint.arb, exact: sp.Rational) -> bool:
    """The exact value lies within the radius of the midpoint, all three of them rationals."""
    return bool(abs(ball.mid().fmpq() - flint.fmpq(int(exact.p), int(exact.q))) <= ball.rad().fmpq())


@st.composite
def instances(draw: st.DrawFn) -> dict[Any, Any]:
    """Exact values of all symbols: matrices of sixths, vectors, fractions."""
    exact: dict[Any, Any] = {n: sp.Integer(SIZE)}
    exact |= {symbol: sp.Rational(draw(numbers)) for symbol in (x, y)}
    exact |= {symbol: sp.Matrix(draw(integers)) / 6 for symbol in (A, B, C)}
    return exact | {V: exact[C][:, 0]}


def enclose(exact: dict[Any, Any]) -> dict[Any, Any]:
    """The same values as balls, fractions rounded outward."""

    def ball(value: Any) -> Any:
        return ball_matrix(value) if value.is_Matrix else ball_matrix(sp.Matrix([value]))[0, 0]

    return {symbol: int(value) if symbol is n else ball(value) for symbol, value in exact.items()}


def exactly(expression: Any, exact: dict[Any, Any]) -> Any:
    """The value by sympy's rational arithmetic: explicit matrices in place of symbols."""
    size_set = expression.subs(n, SIZE)
    symbols = {sp.MatrixSymbol(s.name, SIZE, s.shape[1].subs(n, SIZE)): s for s in (A, B, C, V)}
    explicit = {small: sp.ImmutableMatrix(exact[symbol]) for small, symbol in symbols.items()}
    numbers_set = size_set.subs({x: exact[x], y: exact[y]})
    return numbers_set.xreplace(explicit).doit()


@settings(max_examples=12)
@pytest.mark.parametrize("expression", MATRICES, ids=str)
@given(exact=instances())
def test_matrix_expressions_contain_their_exact_value(expression: Any, exact: dict[Any, Any]) -> None:
    found, value = evaluate(expression, enclose(exact)), sp.Matrix(exactly(expression, exact))
    assert (found.nrows(), found.ncols()) == value.shape
    assert all(contains(ball, entry) for ball, entry in zip(found.entries(), value, strict=True))


@settings(max_examples=12)
@pytest.mark.parametrize("expression", SCALARS, ids=str)
@given(exact=instances())
def test_scalar_expressions_contain_their_exact_value(expression: Any, exact: dict[Any, Any]) -> None:
    assert contains(evaluate(expression, enclose(exact)), sp.Rational(exactly(expression, exact)))


@given(integers)
def test_the_square_root_of_a_square_contains_its_root(matrix: np.ndarray) -> None:
    root = sp.Matrix(matrix @ matrix.T) / 5 + sp.eye(SIZE)
    found = evaluate((A * A.T) ** sp.Rational(1, 2), {A: ball_matrix(root)})  # root is symmetric: A A' = A^2
    assert all(contains(ball, entry) for ball, entry in zip(found.entries(), root, strict=True))


@pytest.mark.parametrize("power", ["1/2", "-5/2", "3/2", "-3"])
def test_half_powers_of_a_square_are_powers_of_its_root(power: str) -> None:
    exponent = sp.Rational(power)
    found = evaluate(x**exponent, {x: flint.arb(flint.fmpq(9, 4))})
    assert contains(found, sp.Rational(3, 2) ** (2 * exponent))


def test_a_logarithm_is_that_of_its_argument() -> None:
    found = evaluate(sp.log(1 / x, evaluate=False), {x: flint.arb(1) / 20})
    assert found.overlaps(flint.arb(20).log())
    assert found.rel_accuracy_bits() > 40


@pytest.mark.parametrize("power", [0, 1, 2, 3, 7])
def test_a_power_of_a_ball_around_zero_contains_the_powers_of_its_numbers(power: int) -> None:
    found = evaluate(sp.Pow(x, power, evaluate=False), {x: flint.arb(0, 0.5)})
    assert found.is_finite()
    assert all(found.contains(flint.arb(value) ** power) for value in (-0.5, -0.25, 0.0, 0.25, 0.5))
    # A radius has 30 bits, rounded up in each of at most 6 products.
    assert float(found.rad()) <= (power > 0) * 0.5**power * (1 + 2**-24)


def test_a_negative_power_of_a_ball_around_zero_is_unknown() -> None:
    assert not evaluate(x**-2, {x: flint.arb(0, 0.5)}).is_finite()


@pytest.mark.parametrize("power", [-3, -2, 2, 5])
def test_a_whole_power_of_a_matrix_is_the_product_of_its_factors(power: int) -> None:
    matrix = balls(np.array([[2.0, 1.0], [1.0, 1.0]]))
    found = evaluate(A**power, {A: matrix, n: 2})
    expected = np.linalg.matrix_power(np.array([[2, 1], [1, 1]]), power).round()  # of determinant 1: all are whole
    assert found.contains(flint.fmpz_mat(expected.astype(int).tolist()))


def test_the_root_of_a_negative_number_is_unknown() -> None:
    assert not evaluate(sp.sqrt(x), {x: flint.arb(-1)}).is_finite()


UNSUPPORTED = [
    (sp.sin(x), "cannot evaluate sin(x) of type sin"),
    (sp.pi * x, "cannot evaluate pi of type Pi"),
    (sp.Float(0.5) * x, "cannot evaluate 0.5"),
    (sp.cbrt(x), "cannot evaluate the power x**(1/3)"),
    (x**y, "cannot evaluate the power x**y"),
    (x ** sp.Rational(-5, 4), "cannot evaluate the power x**(-5/4)"),
    (A ** sp.Rational(1, 3), "cannot evaluate the matrix power A**(1/3)"),
    (sp.Determinant(A), "cannot evaluate Determinant(A) of type Determinant"),
    (sp.HadamardProduct(A, B), "of type HadamardProduct"),
    (sp.ZeroMatrix(n, n), "cannot evaluate 0 of type ZeroMatrix"),
    (A[0, 1], "of type MatrixElement"),
]


@pytest.mark.parametrize(("expression", "message"), UNSUPPORTED, ids=lambda value: str(value))
def test_an_unsupported_operation_is_named(expression: Any, message: str) -> None:
    matrix = balls(np.eye(SIZE))
    with pytest.raises(TypeError, match=re.escape(message)):
        evaluate(expression, {A: matrix, B: matrix, n: SIZE, x: flint.arb(2), y: flint.arb(3)})


@pytest.mark.parametrize("missing", [x, A, n])
def test_a_symbol_without_a_value_is_named(missing: Any) -> None:
    values: dict[Any, Any] = {x: flint.arb(2), A: balls(np.eye(SIZE)), n: SIZE}
    values.pop(missing)
    with pytest.raises(KeyError, match=str(missing)):
        evaluate(x * A + I, values)


def test_a_root_of_an_indefinite_matrix_is_refused() -> None:
    with pytest.raises(NotPositiveDefiniteError):
        evaluate(A ** sp.Rational(1, 2), {A: balls(np.diag([1.0, -1.0, 2.0]))})


def test_an_uncertain_input_stays_uncertain() -> None:
    wide = flint.arb(1, 0.5)  # anything in [1/2, 3/2]
    found = evaluate(x**2 + x, {x: wide})
    assert all(found.contains(flint.arb(value**2 + value)) for value in (0.5, 1.0, 1.5))
    assert float(found.rad()) >= 1.5  # half the length of [3/4, 15/4]


FIXED = sp.MatrixSymbol("F", 2, 2)
HALF = sp.MatrixSymbol("H", (n + 1) / 2, 1)
WRONG_SIZES = [
    (I, {n: flint.arb(3, 0.1)}, "the size n is [3e+0 +/- 0.101]: give a whole number, exactly"),
    (I, {n: 2.9}, "the size n is [2.900000000 +"),
    (I, {n: flint.arb(2.5)}, "the size n is 2.5"),
    (I, {n: 0}, "the size n is 0, no positive whole number"),
    (sp.Identity(n - 3), {n: 3}, "the size n - 3 is 0"),
    (sp.Identity((n + 1) / 2), {n: 2}, "the size n/2 + 1/2 is 3/2"),
    (FIXED, {FIXED: balls(np.eye(3))}, "F has a side of length 3, but 2 is 2"),
    (A, {A: balls(np.eye(3)), n: 2}, "A has a side of length 3, but n is 2"),
    (A, {A: balls(np.ones((2, 3)))}, "A has a side of length 3, but n is 2"),
    (A + B.T, {A: balls(np.eye(3)), B: balls(np.eye(2))}, "B has a side of length 2, but n is 3"),
    (sp.Trace(A), {A: balls(np.ones((3, 2)))}, "A has a side of length 2, but n is 3"),
    (HALF, {HALF: balls(np.ones((2, 1))), n: 5}, "H has a side of length 2, but n/2 + 1/2 is 3"),
    (A, {A: flint.arb(3)}, "A is a matrix, got"),
]


@pytest.mark.parametrize(("expression", "values", "message"), WRONG_SIZES, ids=lambda value: str(value)[:30])
def test_sizes_and_shapes_that_do_not_fit_are_refused(expression: Any, values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluate(expression, values)


def test_a_size_may_be_a_whole_ball_or_a_sum() -> None:
    assert evaluate(sp.Identity(n), {n: flint.arb(3)}).nrows() == 3
    assert evaluate(sp.Identity((n + 1) / 3), {n: 5}).nrows() == 2


def test_the_trace_of_a_product_is_that_of_the_product() -> None:
    rng = np.random.default_rng(0)
    k, n = sp.symbols("k n", integer=True, positive=True)
    A, B = sp.MatrixSymbol("A", k, n), sp.MatrixSymbol("B", n, k)
    data = {A: rng.integers(-5, 6, (7, 3)).astype(float), B: rng.integers(-5, 6, (3, 7)).astype(float)}
    values = {symbol: balls(matrix) for symbol, matrix in data.items()}
    for expression, expected in (
        (sp.Trace(A * B), np.trace(data[A] @ data[B])),
        (sp.Trace(2 * A * B), 2 * np.trace(data[A] @ data[B])),
        (sp.Trace(A * B * A * B), np.trace(data[A] @ data[B] @ data[A] @ data[B])),
        (sp.Trace(B * A + B * A), 2 * np.trace(data[B] @ data[A])),
    ):
        assert evaluate(expression, values) == int(expected)
