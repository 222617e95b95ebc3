"""Quantities: what moves out of a norm, a sum or a maximum, how they are spelled, and their exact values."""

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.claim import Verdict
from verify.prove.inequalities.enclosed_norms import operator_norm
from verify.prove.inequalities.format_quantity import spell
from verify.prove.inequalities.quantity import Letter, free, largest, length, norm, terms, total
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import PRECISION, Values, extended, number, violation
from verify.prove.matrices.derivation import UnsoundStepError

n, m, K, H = sp.symbols("n m K H", integer=True, positive=True)
k, h = sp.Idx("k", K), sp.Idx("h", H)
M, x, y = Letter("M", n, m), Letter("x", n, 1), Letter("y", n, 1)
x_k, w_hk = Letter("x_k", n, 1, k), Letter("w_hk", 1, 1, h, k)
c = sp.Symbol("c", positive=True)
v = sp.IndexedBase("v", real=True)
q = sp.Symbol("q", nonnegative=True)


def test_numbers_and_signs_move_out_of_a_norm() -> None:
    assert norm(-2 * c * x) == 2 * c * norm(x)
    assert norm(x - y) == norm(y - x)
    assert norm((x - y) * (y - x).T * x) == norm((y - x) * (y - x).T * x)
    assert norm(x - y) != norm(x + y)


def test_an_index_knows_where_it_occurs() -> None:
    assert free(norm(x_k)) == {k}
    assert free(total(k, norm(w_hk))) == {h}
    assert free(length((h, k), norm(w_hk))) == frozenset()
    assert free(v[k] * q**h) == {k, h}


def test_a_sum_is_linear_and_counts_what_does_not_depend_on_its_index() -> None:
    assert total(k, c * norm(x_k) + norm(x)) == c * total(k, norm(x_k)) + K * norm(x)
    assert total(k, (v[k] - c) ** 2) == total(k, v[k] ** 2) - 2 * c * total(k, v[k]) + c**2 * K
    assert total(h, total(k, norm(w_hk))) != total(k, total(h, norm(w_hk)))


def test_a_maximum_and_a_length_let_constants_out() -> None:
    assert largest(k, c * norm(x_k) * norm(x)) == c * norm(x) * largest(k, norm(x_k))
    assert largest(k, c) == c
    assert length(k, c * norm(x_k)) == c * length(k, norm(x_k))
    assert length((h, k), norm(x_k)) == sp.sqrt(H) * length(k, norm(x_k))
    assert length(h, length(k, norm(w_hk))) == length((h, k), norm(w_hk))


def test_multiplying_out_leaves_norms_of_sums_alone() -> None:
    kept = norm((x - y) * w_hk)
    assert terms((kept + c) * (kept + 1)) == terms(kept**2 + c * kept + kept + c)
    assert all(not isinstance(term, sp.Add) for term in terms((kept + c) ** 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: norm(M), "cannot be None"),
        (lambda: norm(M, "1"), "cannot be '1'"),
        (lambda: norm(x, "F"), "cannot be 'F'"),
        (lambda: largest(k, v[k]), "not known to be nonnegative"),
        (lambda: length(k, v[k]), "not known to be nonnegative"),
    ],
)
def test_what_makes_no_sense_is_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (norm(M * M.T * x) * c / K, "c ‖M Mᵀ x‖/K"),
        (norm(M, "op") * norm(M, "F"), "‖M‖_F ‖M‖₂"),
        (norm(x, "1") + norm(x, "inf") - c, "‖x‖_∞ + ‖x‖₁ − c"),
        (norm(x.T * y), "|xᵀ y|"),
        (c * total(k, norm(x_k)), "c (Σ_k ‖x_k‖)"),
        (total(k, norm(x_k)) + c, "c + (Σ_k ‖x_k‖)"),
        (length(k, norm(x_k)), "(Σ_k ‖x_k‖²)^½"),
        (length(k, norm(x_k)) ** 2, "(Σ_k ‖x_k‖²)"),
        (largest(k, norm(x_k)), "max_k ‖x_k‖"),
        (sp.sqrt(c) * (1 - q) / 2, "√c (1 − q)/2"),
        (c ** sp.Rational(3, 2), "c^(3/2)"),
        (q**k * sp.Abs(v[k]), "q^k |v_k|"),
        (norm((1 - c) * x + c * y), "‖c y + (1 − c) x‖"),
        (sp.exp(c), "e^c"),
        (-c / 3, "−c/3"),
    ],
    ids=str,
)
def test_quantities_are_spelled_as_a_reader_writes_them(quantity: sp.Expr, text: str) -> None:
    assert spell(quantity) == text


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_the_operator_norm_is_enclosed_tightly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-3, 4, (int(rng.integers(1, 4)), int(rng.integers(1, 4))))
    enclosed = operator_norm(flint.arb_mat(matrix.tolist()))
    expected = np.linalg.norm(matrix, 2)
    assert abs(float(enclosed.mid()) - expected) <= 1e-12 * max(expected, 1)
    assert float(enclosed.rad()) <= 1e-12


def test_values_run_over_the_free_indices_and_the_sums() -> None:
    letters = {"x_k": lambda k: flint.arb_mat([[3 * k], [4 * k]]), "w_hk": lambda h, k: flint.arb_mat([[h - k]])}
    values = Values("small", {n: 2, K: 3, H: 2}, {"c": flint.arb(2), "v": flint.arb}, letters)
    assert [place[k] for place in values.places({k})] == [0, 1, 2]
    assert number(total(k, norm(x_k)), values, {}) == 15
    assert number(largest(k, norm(x_k)) / c, values, {}) == 5
    assert number(length((h, k), norm(w_hk)) ** 2, values, {}).overlaps(flint.arb(7))
    assert number(total(k, v[k]), values, {}) == 3
    assert not values.knows(norm(x))
    assert violation(values, Relation(norm(x_k), 5)) == "small: k = 2, left = 10.000000, right = 5.0000000"
    assert violation(values, Relation(norm(x_k), 10)) is None
    assert extended(values, {q: c**2 + 1}).numbers["q"] == 5


def test_a_side_that_cannot_be_enclosed_is_no_agreement() -> None:
    values = Values("nothing", {n: 2}, {"c": flint.arb("nan")})
    with pytest.raises(ArithmeticError, match="not enclosed"):
        violation(values, Relation(c, 1))
    with pytest.raises(TypeError, match="cannot evaluate"):
        number(sp.zeta(c), values, {})


def test_scalar_identities_are_proved_or_refuted() -> None:
    left = 1 / (1 - 1 / sp.sqrt(2)) * c
    assert prove_scalars("2 + √2", left, (2 + sp.sqrt(2)) * c).status == "proved"
    wrong = prove_scalars("2 − √2", left, (2 - sp.sqrt(2)) * c)
    assert wrong.verdict is Verdict.FAIL
    assert wrong.witness == "at c = 2: left = 6.8284271, right = 1.1715729"


def test_a_simplification_that_balls_contradict_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sp, "simplify", lambda expression: sp.Integer(0))
    with pytest.raises(UnsoundStepError, match="at c = 2: left = 2"):
        prove_scalars("false", c, c + 1)


@pytest.mark.parametrize("side", [sp.Float(0.5), sp.nan, sp.oo])
def test_scalars_that_are_not_exact_are_refused(side: sp.Expr) -> None:
    with pytest.raises(ValueError, match="is not exact"):
        prove_scalars("inexact", side, side)


def test_scalars_that_are_defined_on_no_instance_are_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.prove.inequalities.scalar_identity.number", lambda *_: flint.arb("nan"))
    found = prove_scalars("nowhere", c, c)
    assert (found.status, found.residual[:44]) == ("unknown", "0, but it was tried on no exact instance: no")


def test_a_range_that_depends_on_an_index_keeps_what_is_summed_over_it_inside() -> None:
    s = sp.Idx("s", K)
    t = sp.Idx("t", (0, s))
    nested = total(s, total(t, v[t]))
    assert nested != K * total(t, v[t])
    assert free(total(t, v[t])) == {s}
    values = Values("triangle", {K: 3}, {"v": lambda t: flint.arb(t + 1)})
    assert number(nested, values, {}) == 1 + 3 + 6


def test_an_index_counts_from_its_own_lower_end() -> None:
    j = sp.Idx("j", (1, K))
    values = Values("powers", {K: 1}, {"q": flint.arb(2)})
    assert number(total(j, q**j), values, {}) == 2
    assert violation(values, Relation(q, total(j, q**j))) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: total(sp.Idx("e", (3, 1)), v[k]), "the range of e has -1 values"),
        (lambda: largest(sp.Idx("e", (1, 0)), q), "the range of e has 0 values"),
        (lambda: total(sp.Idx("e", K - n), v[k]), "not known to be 0 or more"),
        (lambda: length(sp.Idx("e", (0, k)), q), "the range of e depends on k"),
        (lambda: Values("half", {n: 2.5}, {}), "the size n is 2.5"),
        (lambda: Values("none", {n: 0}, {}), "the size n is 0"),
        (lambda: Values("no size", {}, {}).range(sp.Idx("e", 2 * n), {}), "no integer"),
    ],
)
def test_ranges_and_sizes_that_make_no_sense_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Integer(0), sp.Symbol("i", imaginary=True) ** 2),
        (c + sp.Float(1e16), c + sp.Float(1e16) - 1),
        (sp.nan, sp.nan),
        (sp.oo - c, sp.oo + c),
        (sp.Symbol("undeclared"), c),
        (sp.log(c), c),
        (c, sp.Symbol("r", real=True) ** sp.Symbol("e", real=True)),
    ],
    ids=str,
)
def test_an_inequality_speaks_of_exact_finite_real_quantities_only(left: sp.Expr, right: sp.Expr) -> None:
    with pytest.raises(ValueError, match="give exact numbers and real symbols"):
        Relation(left, right)


def test_the_least_singular_value_is_enclosed() -> None:
    values = {"M": lambda: flint.arb_mat([[3, 0, 4], [0, 2, 0]])}
    with flint.ctx.workprec(PRECISION):
        found = number(norm(M, "least"), Values("two rows", {n: 2, m: 3}, {}, values), {})
    assert found.overlaps(flint.arb(2))
    assert float(found.rad()) < 1e-9
    tall = {"M": lambda: flint.arb_mat([[3], [4]])}
    assert number(norm(M, "least"), Values("more rows than columns", {n: 2, m: 1}, {}, tall), {}) == 0
    flat = {"M": lambda: flint.arb_mat([[1, 1], [1, 1]])}
    assert number(norm(M, "least"), Values("not invertible", {n: 2, m: 2}, {}, flat), {}).contains(0)
    explicit = norm(sp.ImmutableMatrix([[3, 0], [0, c]]), "op")
    assert number(explicit, Values("numbers", {}, {"c": flint.arb(1)}), {}).overlaps(flint.arb(3))
    assert spell(explicit) == "‖[3 0; 0 c]‖₂"
