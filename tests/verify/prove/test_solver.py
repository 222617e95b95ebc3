"""Certificates: sound on random systems, complete on what the lemmas need, exact when checked; z3 as an oracle."""

import random
from dataclasses import replace
from fractions import Fraction

import flint
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.prove.oracle import implied
from verify.prove.inequalities.certificate import Certificate, certificate, is_valid
from verify.prove.inequalities.solver import discharge
from verify.prove.inequalities.system import Relation, system

a, b, c, d, x = sp.symbols("a b c d x", nonnegative=True)
p, K = sp.symbols("p K", positive=True)
r = sp.Symbol("r", real=True)

TRUE = {
    "substitution": ([Relation(a, b * c), Relation(b, d)], Relation(a, d * c)),
    "equation": ([Relation(a, 2 * b, True)], Relation(a * c, 2 * b * c, True)),
    "square root": ([Relation(a, b)], Relation(sp.sqrt(a), sp.sqrt(b))),
    "from squares": ([Relation(a**2, b**2)], Relation(a, b)),
    "denominators": ([Relation(a, b)], Relation(a / (p * K), b / (p * K))),
    "root of a size": ([Relation(a, sp.sqrt(K) * b)], Relation(a / K, b / sp.sqrt(K))),
    "root of a number": ([Relation(a, sp.sqrt(2) * b)], Relation(sp.sqrt(2) * a, 2 * b)),
    "root of a sum": ([Relation(a, b)], Relation(sp.sqrt(a + c), sp.sqrt(b + c))),
    "absolute value": ([Relation(sp.Abs(r), a)], Relation(r**2, a**2)),
    "sum in a denominator": ([Relation(a, b)], Relation(a / (1 + a), b / (1 + b))),
    "root in a denominator": ([Relation(a, b)], Relation(a / sp.sqrt(c + p), b / sp.sqrt(c + p))),
    "equation from two inequalities": ([Relation(a, b), Relation(b, a)], Relation(a * c, b * c, True)),
    "equation from squares": ([Relation(a**2, b**2, True)], Relation(a, b, True)),
    "nothing to prove": ([], Relation(a * (b + 1), a + a * b, True)),
    "symbolic power": ([Relation(a, b)], Relation(a * p ** (K + 1), p * b * p**K)),
    "product of two facts": (
        [Relation((2 + sp.sqrt(2)) * a, b), Relation(sp.sqrt(2), 2)],
        Relation(a, (1 - 1 / sp.sqrt(2)) * b),
    ),
}
FALSE = {
    "nothing known": ([], Relation(1, 0)),
    "wrong direction in denominators": ([Relation(a, b)], Relation(b / (1 + b), a / (1 + a))),
    "too small": ([Relation(a, b * c), Relation(b, d)], Relation(2 * a, d * c)),
    "unrelated": ([Relation(a, b)], Relation(a, c)),
    "wrong direction": ([Relation(a, b)], Relation(b, a)),
    "sign unknown": ([], Relation(0, r)),
    "root for square": ([Relation(a, b)], Relation(sp.sqrt(a), b)),
    "only one side": ([Relation(a, b)], Relation(a, b, True)),
}


@pytest.mark.parametrize("name", TRUE)
def test_true_implications_have_a_certificate_and_the_oracle_agrees(name: str) -> None:
    found = discharge(*TRUE[name])
    assert (found.proved, found.doubt) == (True, "")
    assert implied(*TRUE[name])


@pytest.mark.parametrize("name", FALSE)
def test_false_implications_have_none_and_the_oracle_agrees(name: str) -> None:
    found = discharge(*FALSE[name])
    assert (found.certificate, found.proved, found.doubt) == (None, False, "no certificate")
    assert not implied(*FALSE[name])


@pytest.mark.parametrize("name", [*TRUE, *FALSE])
def test_linear_programming_alone_finds_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.prove.inequalities.certificate.STEPS", 0)
    assert discharge(*(TRUE | FALSE)[name]).proved == (name in TRUE)


@settings(max_examples=150)
@given(seed=st.integers(0, 10**6))
def test_what_is_discharged_holds_wherever_the_facts_do(seed: int) -> None:
    """Random implications, most of them false: no point satisfies the facts and violates a discharged goal."""
    rng = random.Random(seed)
    variables = (a, b, c)

    def polynomial() -> sp.Expr:
        terms = (rng.randint(0, 2) * rng.choice(variables) * rng.choice((1, *variables)) for _ in range(2))
        return sum(terms, sp.Integer(0))

    known = [Relation(polynomial(), polynomial()) for _ in range(2)]
    goal = Relation(polynomial(), polynomial())
    found = discharge(known, goal)
    assert not found.proved or implied(known, goal)
    for _ in range(60):
        point = {variable: Fraction(rng.randint(0, 6), rng.randint(1, 4)) for variable in variables}
        if all(_holds(relation, point) for relation in known) and not _holds(goal, point):
            assert found.certificate is None
            break


def _holds(relation: Relation, point: dict[sp.Symbol, Fraction]) -> bool:
    return bool(relation.left.subs(point) <= relation.right.subs(point))


def test_a_certificate_is_checked_exactly_and_a_forged_one_is_rejected() -> None:
    problem = system(*TRUE["substitution"])
    found = certificate(problem)
    assert found is not None
    assert is_valid(found, problem)
    assert found.places == {0, 1}
    nearly = (found.coefficients[0] + flint.fmpq(1, 10**12), *found.coefficients[1:])
    assert not is_valid(replace(found, coefficients=nearly), problem)
    negated = Certificate(tuple(-value for value in found.coefficients), found.products)
    assert not is_valid(negated, replace(problem, goal=-problem.goal))


def test_a_negative_multiplier_is_allowed_for_equations_only() -> None:
    equation = system([Relation(a, b, True)], Relation(c - b, c - a))
    found = certificate(equation)
    assert found is not None
    inequality = replace(equation, equal=(False,))
    assert is_valid(found, equation) == is_valid(found, inequality) or any(v < 0 for v in found.coefficients)


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (Relation(a / (1 - p), b), "is not known positive"),
        (Relation(sp.sqrt(a - b), c), "not known to be nonnegative"),
    ],
)
def test_what_cannot_be_translated_is_refused(relation: Relation, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        system([], relation)
