"""The translation into polynomials: exact, of the same sign, and with definitions that hold."""

import math
import random
from typing import Any

import flint
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.prove.inequalities.laurent import laurent_terms, root
from verify.prove.inequalities.system import Relation, System, system

a, b, s = sp.symbols("a b s", nonnegative=True)
p, K = sp.symbols("p K", positive=True)
r = sp.Symbol("r", real=True)
FACTORS = (
    a,
    b,
    p,
    K,
    r,
    sp.Abs(r),
    sp.sqrt(a),
    sp.sqrt(K),
    sp.cbrt(K),
    1 / p,
    1 / sp.sqrt(K),
    sp.sqrt(2),
    1 / (1 + a),
    sp.sqrt(a + b),
    1 / sp.sqrt(a + p),
    (a - b) ** 2,
    p ** (s + 1),
    1 / (1 + sp.sqrt(2)),
)


def sides(rng: random.Random) -> Relation:
    """Two sums of products of factors."""

    def one() -> Any:
        products = (sp.Mul(*rng.choices(FACTORS, k=rng.randint(0, 4))) for _ in range(rng.randint(1, 3)))
        return sum((rng.randint(-3, 3) * product for product in products), sp.Integer(0))

    return Relation(one(), one())


def at(expression: Any, point: dict[Any, Any]) -> flint.arb:
    """The value by sympy's own evaluation, with the error that it is asked for."""
    value = sp.N(sp.sympify(expression).subs(point), 50)
    return flint.arb(str(value), 1e-35)


def polynomial_at(polynomial: Any, values: list[flint.arb]) -> flint.arb:
    return sum(
        (
            math.prod([flint.arb(c), *(v for v, e in zip(values, m, strict=True) for _ in range(e))])
            for m, c in polynomial.terms()
        ),
        flint.arb(0),
    )


@settings(max_examples=100)
@given(seed=st.integers(0, 10**6))
def test_polynomials_have_the_sign_of_the_difference_and_definitions_hold(seed: int) -> None:
    rng = random.Random(seed)
    relation, other = sides(rng), sides(rng)
    found = system([other], relation)
    point = {x: sp.Rational(rng.randint(1, 9), rng.randint(1, 9)) for x in (a, b, p, K, s)}
    point[r] = sp.Rational(rng.randint(-9, 9), 4)
    with flint.ctx.workprec(200):
        values = [at(sp.root(v.base, v.degree), point) for v in found.variables]
        for known, defines in zip(found.known[1:], found.equal[1:], strict=True):
            assert defines
            assert polynomial_at(known, values).contains(0)
        for polynomial, side in ((found.goal, relation), (found.known[0], other)):
            value, difference = polynomial_at(polynomial, values), at(side.right - side.left, point)
            assert not (value > 0 and difference < 0)
            assert not (value < 0 and difference > 0)
            assert (value.contains(0)) == (difference.contains(0))


def test_a_polynomial_without_denominators_is_the_difference_itself() -> None:
    found = system([], Relation((a - b) ** 2, 3 * a * sp.sqrt(K) + 1))
    assert [(v.base, v.degree) for v in found.variables] == [(K, 2), (a, 1), (b, 1)]
    assert str(found.goal) == "3*x0*x1 - x1^2 + 2*x1*x2 - x2^2 + 1"


def test_denominators_are_cleared_by_the_least_monomial() -> None:
    found = system([], Relation(a / p**2, b / (p * sp.sqrt(K))))
    assert [(v.base, v.degree, v.positive) for v in found.variables] == [
        (K, 2, True),
        (a, 1, False),
        (b, 1, False),
        (p, 1, True),
    ]
    assert str(found.goal) == "-x0*x1 + x2*x3"


def test_all_roots_of_a_base_are_powers_of_one_variable() -> None:
    found = system([Relation(sp.sqrt(a + b), 1)], Relation(sp.cbrt(a + b), a))
    assert {(v.base, v.degree) for v in found.variables} == {(a + b, 6), (a, 1), (b, 1)}
    assert found.equal == (False, True)


def test_what_cancels_leaves_nothing() -> None:
    assert system([], Relation(a * (b + 1) - a, a * b)) == System((), (), (), system([], Relation(1, 1)).goal)
    assert laurent_terms(sp.Integer(0)) == {}


def test_an_expression_is_multiplied_out_exactly() -> None:
    one, of = flint.fmpq(1), {x: root(x, 1) for x in (a, p)}
    assert laurent_terms((a + 1 / p) ** 2 / 3) == {
        frozenset({(of[a], 2)}): one / 3,
        frozenset({(of[a], 1), (of[p], -1)}): 2 * one / 3,
        frozenset({(of[p], -2)}): one / 3,
    }


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (Relation(a / (1 - p), b), "the denominator 1 - p is not known positive"),
        (Relation(1 / a, b), "the denominator a is not known positive"),
        (Relation(r**-2, b), "the denominator r is not known positive"),
        (Relation(sp.sqrt(a - b), p), "a root of a - b, which is not known to be nonnegative"),
        (Relation(sp.sqrt(r), p), "a root of r, which is not known to be nonnegative"),
    ],
)
def test_what_cannot_be_translated_is_refused(relation: Relation, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        system([], relation)
