"""Expectations against an independent oracle: the exact mean over all outcomes of two-point entries."""

import random
from fractions import Fraction

import pytest
import sympy
from sympy import Identity, MatrixSymbol, Trace, ZeroMatrix

from tests.verify.prove import vocabulary as v
from tests.verify.prove.vocabulary import I_K, I_N, I_m, K, N, P, Q, R, Z, m, tau, y
from verify.prove import Instance, Random, expectation, prove, prove_expectation
from verify.prove.matrices import rational
from verify.prove.matrices.expectation import average, mean_at
from verify.prove.matrices.sampling import instances

lam = MatrixSymbol("lambda", m, 1)
E = MatrixSymbol("E", m, K)
F = MatrixSymbol("F", m, N)
X = MatrixSymbol("X", m, m)
a, b = MatrixSymbol("a", m, 1), MatrixSymbol("b", m, 1)
B, D = MatrixSymbol("B", m, m), MatrixSymbol("D", K, K)
G, H = MatrixSymbol("G", K, m), MatrixSymbol("H", K, m)
A_free = MatrixSymbol("Atilde", N, K)
x = MatrixSymbol("x", K, 1)
LAMBDA, NOISE, SQUARE = Random(lam), Random(E, tau), Random(X, tau + 1)

labels = v.Z_all.T * lam + E.T * lam
c = m * tau
limit = R.subs(v.c, c) * (Z.T * v.Z_all + c * P)
gram = Z.T * Z + c * I_N
loss = labels.T * (P.T * A_free - I_K) * (P.T * A_free - I_K).T * labels / (2 * K)
gap = Trace((A_free - limit).T * gram * (A_free - limit)) / (2 * K)
unseen = v.Z_all.T * v.Z_all + c * I_K - v.Z_all.T * Z * gram.I * Z.T * v.Z_all
floor = Trace(Q * unseen * Q.T) / (2 * K)
floor_as_printed = Trace(Q * (unseen - c * I_K) * Q.T) / (2 * K)

MEANS = {
    "mean": (lam, ZeroMatrix(m, 1), [LAMBDA]),
    "outer product": (lam * lam.T, I_m, [LAMBDA]),
    "quadratic form": (lam.T * B * lam, Trace(B), [LAMBDA]),
    "square of a linear form": ((a.T * lam) * (lam.T * b), a.T * b, [LAMBDA]),
    "two linear forms": (Trace(a.T * lam) * Trace(b.T * lam), Trace(a * b.T), [LAMBDA]),
    "a form times the vector": (Trace(a.T * lam) * lam, a, [LAMBDA]),
    "a form times the transpose": (Trace(a.T * lam) * lam.T, a.T, [LAMBDA]),
    "noise, inside": (E.T * B * E, tau * Trace(B) * I_K, [NOISE]),
    "noise, outside": (E * D * E.T, tau * Trace(D) * I_m, [NOISE]),
    "noise, twice": (E * G * E, tau * G.T, [NOISE]),
    "noise, twice transposed": (E.T * G.T * E.T, tau * G, [NOISE]),
    "noise, squared": (E * E.T, K * tau * I_m, [NOISE]),
    "norm of the noise": (Trace(E.T * E), m * K * tau, [NOISE]),
    "traces": (Trace(E * G) * Trace(E * H), tau * Trace(G * H.T), [NOISE]),
    "the same trace squared": (Trace(E * G) ** 2, tau * Trace(G.T * G), [NOISE]),
    "one trace, twice": (Trace(E * G * E * H), tau * Trace(G.T * H), [NOISE]),
    "one trace, and transposed": (Trace(E * D * E.T * B), tau * Trace(D) * Trace(B), [NOISE]),
    "trace times noise": (Trace(E * G) * E, tau * G.T, [NOISE]),
    "trace times transposed noise": (Trace(E * G) * E.T, tau * G, [NOISE]),
    "a square": (X * X, (tau + 1) * I_m, [SQUARE]),
    "a trace squared": (Trace(X) ** 2, m * (tau + 1), [SQUARE]),
    "trace of a square": (Trace(X * X), m * (tau + 1), [SQUARE]),
    "trace of a square times": (Trace(X * B) * X, (tau + 1) * B.T, [SQUARE]),
    "label moments": (labels * labels.T, v.Z_all.T * v.Z_all + c * I_K, [NOISE, LAMBDA]),
    "label moments, other order": (labels * labels.T, v.Z_all.T * v.Z_all + c * I_K, [LAMBDA, NOISE]),
    "squared error of one linear predictor": (
        (labels.T * x) * (labels.T * x),
        x.T * (v.Z_all.T * v.Z_all + c * I_K) * x,
        [NOISE, LAMBDA],
    ),
    "lemma 4": (
        (y - (Z + F).T * lam).T * (y - (Z + F).T * lam) / (2 * N),
        (y - Z.T * lam).T * (y - Z.T * lam) / (2 * N) + tau / 2 * lam.T * lam,
        [Random(F, tau)],
    ),
}

WRONG = {
    "mean": (lam, lam.subs(lam, a), [LAMBDA]),
    "noise without its trace": (E.T * B * E, tau * I_K, [NOISE]),
    "transpose dropped": (X * B * X, (tau + 1) * B, [SQUARE]),
    "label moments without m": (labels * labels.T, v.Z_all.T * v.Z_all + tau * I_K, [NOISE, LAMBDA]),
    "label moments with τ²": (labels * labels.T, v.Z_all.T * v.Z_all + m * tau**2 * I_K, [NOISE, LAMBDA]),
    "lemma 4 without one half": (
        (y - (Z + F).T * lam).T * (y - (Z + F).T * lam) / (2 * N),
        (y - Z.T * lam).T * (y - Z.T * lam) / (2 * N) + tau * lam.T * lam,
        [Random(F, tau)],
    ),
}


@pytest.mark.parametrize("name", MEANS)
def test_proves(name: str) -> None:
    expression, right, randoms = MEANS[name]
    identity = prove_expectation(name, expression, right, randoms=randoms)
    assert identity.status == "proved", identity.reading


@pytest.mark.parametrize("name", MEANS)
def test_agrees_with_the_mean_over_all_outcomes(name: str) -> None:
    expression, right, randoms = MEANS[name]
    value = expectation(expression, randoms)
    assert prove(name, value, right).status == "proved"
    tried = 0
    for instance in instances([expression, right], [], None):
        if sum(a * b for a, b in (instance.size(random.symbol) for random in randoms)) <= 6:
            assert average(expression, instance, randoms) == instance.evaluate(value)
            tried += 1
        if tried == 3:
            break
    assert tried == 3


@pytest.mark.parametrize("name", WRONG)
def test_refutes(name: str) -> None:
    expression, right, randoms = WRONG[name]
    identity = prove_expectation(name, expression, right, randoms=randoms)
    assert identity.status == "refuted"
    assert "mean over entries of" in str(identity.witness)


def test_a_witness_replays() -> None:
    expression, right, randoms = WRONG["label moments without m"]
    identity = prove_expectation("label moments", expression, right, randoms=randoms)
    instance = Instance.read(str(identity.witness), [m, K, tau, v.Z_all])
    assert average(expression, instance, randoms) != instance.evaluate(right)


def test_lemma_5_from_the_definition_of_the_loss() -> None:
    identity = prove_expectation(
        "lemma 5", loss, gap + floor, randoms=[NOISE, LAMBDA], premises=v.SPLIT, sample=v.split_sample
    )
    assert identity.status == "proved", identity.reading


def test_lemma_5_with_the_constant_as_printed_fails_by_the_missing_term() -> None:
    identity = prove_expectation(
        "lemma 5", loss, gap + floor_as_printed, randoms=[NOISE, LAMBDA], premises=v.SPLIT, sample=v.split_sample
    )
    assert identity.status == "refuted"
    assert identity.residual == "m τ (K − N)/(2 K)"


def test_the_derivation_names_its_rules() -> None:
    expression, right, randoms = MEANS["label moments"]
    steps = prove_expectation("label moments", expression, right, randoms=randoms).derivation
    assert steps[0].expression.startswith("E[Z̃ᵀ λ λᵀ Z̃ + ")
    assert "E[Eᵀ M E] = τ tr(M) I" in steps[1].rule
    assert "E[λ λᵀ] = I" in steps[2].rule
    assert steps[2].expression == "Z̃ᵀ Z̃ + m τ I"


def test_the_variance_may_be_zero() -> None:
    still = Random(lam, sympy.Symbol("t", nonnegative=True) * 0)
    assert prove_expectation("still", lam * lam.T, ZeroMatrix(m, m), randoms=[still]).status == "proved"


def test_inverses_of_fixed_matrices_come_back() -> None:
    value = expectation(lam.T * (B + I_m).I * lam, [LAMBDA])
    assert value == Trace((B + I_m).I)
    assert expectation(lam * lam.T * Identity(1)[0, 0] - lam * lam.T, [LAMBDA]) == ZeroMatrix(m, m)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (Trace(lam.T * B * lam) * lam, "occurs 3 times"),
        ((B + lam * lam.T).I, "stands in the inverse"),
    ],
)
def test_refuses_what_is_no_second_moment(expression: sympy.Basic, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        expectation(expression, [LAMBDA])


def test_refuses_a_symbol_that_is_random_twice() -> None:
    with pytest.raises(ValueError, match="random twice: lambda, lambda"):
        expectation(lam, [LAMBDA, Random(lam, tau)])


def test_refuses_random_symbols_outside() -> None:
    with pytest.raises(ValueError, match="outside the expectation"):
        prove_expectation("outside", lam * lam.T, lam * lam.T, randoms=[LAMBDA])


def test_refuses_what_is_not_a_random_matrix() -> None:
    for variance in (sympy.Symbol("t"), sympy.Integer(-1), 1):
        with pytest.raises(ValueError, match="no sympy expression known to be nonnegative"):
            Random(lam, variance)
    with pytest.raises(ValueError, match="only a matrix symbol"):
        Random(tau)


def test_a_trace_of_random_letters_leaves_the_rest_of_the_word() -> None:
    """E[tr(xᵀx) y yᵀ] = 7 y yᵀ for x of size 7 × 1, more entries than outcomes are tried for."""
    x, y7 = sympy.MatrixSymbol("x", 7, 1), sympy.MatrixSymbol("y", 7, 1)
    left = sympy.Trace(x.T * x) * y7 * y7.T
    assert prove_expectation("outer", left, 7 * y7 * y7.T, randoms=[Random(x)]).status == "proved"
    assert prove_expectation("outer", left, 7 * sympy.Identity(7), randoms=[Random(x)]).status == "refuted"


@pytest.mark.parametrize("loops", [1, 2])
def test_the_word_beside_random_traces_is_kept(loops: int) -> None:
    n, k = sympy.symbols("n k", integer=True, positive=True)
    X, F = sympy.MatrixSymbol("X", n, k), sympy.MatrixSymbol("F", n, n)
    M = sympy.MatrixSymbol("M", k, n)
    body, value = (sympy.Trace(X.T * X), n * k) if loops == 1 else (sympy.Trace(M * X) ** 2, sympy.Trace(M * M.T))
    assert expectation(body * F, [Random(X)]) != value * sympy.Identity(n)
    assert prove_expectation("word", body * F, value * F, randoms=[Random(X)]).status == "proved"


def test_second_moments_give_the_mean_over_all_outcomes() -> None:
    """Oracle: the mean over the outcomes of a law with two values."""
    n = sympy.Symbol("n", integer=True, positive=True)
    X, F = sympy.MatrixSymbol("X", n, 2), sympy.MatrixSymbol("F", n, n)
    noise = Random(X, sympy.Rational(3, 2))
    for size in (1, 2):
        values = {n: Fraction(size), F: rational.draw(random.Random(size), size, size)}
        at = Instance(values)
        by_outcomes = average(X.T * F * X, at, [noise])
        assert mean_at(lambda i: i.evaluate(X.T * F * X), at, [noise]) == by_outcomes
