"""Index calculus: sound on random expressions, complete on the derivatives it is for, and every refusal."""

import random
from collections.abc import Callable
from typing import Any

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from verify.prove.indices import components
from verify.prove.indices.calculus import Calculus
from verify.prove.indices.components import Values, first_difference, instances, show_number
from verify.prove.indices.contraction import Factor, Label, canonical
from verify.prove.indices.indexed import (
    Expression,
    Index,
    Letter,
    Tensor,
    delta,
    derivative,
    exponential,
    learn,
    prove_indexed,
    reciprocal,
    shorthand,
    square,
    total,
)
from verify.prove.indices.tensors import Derivative, Scalar, lift
from verify.prove.matrices.derivation import UnsoundStepError

N, d = sympy.symbols("N d", integer=True, positive=True)
gamma = sympy.Symbol("gamma", positive=True)
i, j, k, n = (Index(name, N) for name in "ijkn")
a, b, p, q = (Index(name, d) for name in "abpq")

T, A, c = Tensor("T", (N, N)), Tensor("A", (N, d)), Tensor("c", (N,))
u = Tensor("u", (N,), logarithmic=True)
e = exponential("e", (i,), u[i])
r = reciprocal("r", (), total(e[i], i))
s = shorthand("s", (i,), e[i] * r[()])

flat = shorthand("flat", (i,), total(c[j], j), kept=True)

V, v = Tensor("V", (d, N)), Tensor("v", (d,))
Q = Tensor("Q", (d, d), logarithmic=True)
logit = shorthand("z", (i,), total(V[a, i] * Q[a, b] * v[b], a, b))
weight = exponential("w", (i,), logit[i])
norm = reciprocal("m", (), total(weight[i], i))
soft = shorthand("p", (i,), weight[i] * norm[()])

TRUE = {
    "sum of a constant": (total(lift(gamma), i), gamma * N),
    "trace of the identity": (total(delta(i, i), i), N),
    "two deltas": (total(delta(i, j) * delta(i, j), i, j), N),
    "contraction": (total(delta(i, j) * T[j, k], j), T[i, k]),
    "delta makes free indices alike": (delta(i, j) * c[i], delta(i, j) * c[j]),
    "chain of free deltas": (delta(i, j) * delta(j, k) * c[k], delta(j, i) * delta(i, k) * c[i]),
    "renaming": (total(T[i, j] * c[i] * c[j], i, j), total(T[k, n] * c[n] * c[k], n, k)),
    "symmetric sum": (total(c[i] * c[j] * square(T[i, j]), i, j), total(c[j] * c[i] * square(T[i, j]), j, i)),
    "trace of a power": (total(T[i, j] * T[j, k] * T[k, i], i, j, k), total(T[k, i] * T[i, j] * T[j, k], i, j, k)),
    "square of a sum": (square(total(c[i], i)), total(c[i] * c[j], i, j)),
    "nested sums of one index": (total(c[i], i) * total(A[i, a], i), total(c[i] * A[j, a], i, j)),
    "softmax sums to one": (total(s[i], i), 1),
    "softmax twice": (total(s[i] * s[j], i, j), 1),
    "softmax, derivative": (derivative(s[i], u[j]), s[i] * (delta(i, j) - s[j])),
    "entropy-like": (derivative(total(c[i] * s[i], i), u[j]), s[j] * (c[j] - total(c[i] * s[i], i))),
    "log-sum-exp, first": (derivative(total(e[i], i), u[j]) * r[()], s[j]),
    "quadratic form": (
        derivative(total(c[i] * T[i, j] * c[j], i, j), c[k]),
        total((T[k, j] + T[j, k]) * c[j], j),
    ),
    "derivative of a square": (derivative(total(square(T[i, j]), i, j), T[k, n]), 2 * T[k, n]),
    "derivative of a power": (derivative(c[i] * c[i] * c[i], c[j]), 3 * delta(i, j) * square(c[i])),
    "a derivative that vanishes": (derivative(total(c[i], i), T[j, k]), 0),
    "a letter without its index": (derivative(total(flat[i], i), c[n]), N),
    "lemma 1": (
        derivative(soft[j], Q[p, q]),
        soft[j] * total(soft[i] * (V[p, j] - V[p, i]), i) * v[q],
    ),
    "scalars": (c[i] / (2 * gamma) + c[i] / (2 * gamma), c[i] / gamma),
}

FALSE = {
    "transposed": (T[i, j], T[j, i]),
    "not the same role": (total(T[i, j] * c[i], i, j), total(T[i, j] * c[j], i, j)),
    "trace and sum": (total(T[i, i], i), total(T[i, j], i, j)),
    "square inside": (square(total(c[i], i)), total(square(c[i]), i)),
    "lost factor N": (total(lift(1), i), 1),
    "softmax, sign": (derivative(s[i], u[j]), s[i] * (s[j] - delta(i, j))),
    "softmax without delta": (derivative(s[i], u[j]), -1 * s[i] * s[j]),
    "softmax, not squared": (derivative(r[()], u[j]), -1 * e[j] * r[()]),
    "exponential, not itself": (derivative(e[i], u[j]), delta(i, j)),
    "lemma 1, order": (derivative(soft[j], Q[p, q]), soft[j] * total(soft[i] * (V[q, j] - V[q, i]), i) * v[p]),
    "lemma 1, no weights": (derivative(soft[j], Q[p, q]), soft[j] * total(V[p, j] - V[p, i], i) * v[q]),
    "power": (derivative(square(c[i]), c[j]), 2 * delta(i, j) * square(c[i])),
}


@pytest.mark.parametrize("name", TRUE)
def test_proves(name: str) -> None:
    identity = prove_indexed(name, *TRUE[name])
    assert identity.status == "proved", identity.reading
    assert identity.derivation[-1].expression == "0"


@pytest.mark.parametrize("name", FALSE)
def test_refutes_with_a_witness_that_replays(name: str) -> None:
    left, right = (lift(side) for side in FALSE[name])
    identity = prove_indexed(name, left, right)
    assert identity.status == "refuted"
    assert identity.witness is not None
    values = Values.read(identity.witness, [left, right])
    place = identity.witness.partition(": left = ")[0]
    free = left.free | right.free
    at = {index: int(place.rpartition(f", {index.name} = ")[2].split(",")[0]) - 1 for index in free}
    sides = [values.evaluate(side, at) for side in (left, right)]
    assert sides[0] != sides[1]
    assert identity.witness.endswith(f": left = {show_number(sides[0])}, right = {show_number(sides[1])}")


INDICES = (i, j, k)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Expression:
    """Sums and products of tensors, letters and deltas, with some indices summed over."""
    kinds = ["entry", "letter", "delta", "scalar"]
    if depth:
        kinds += ["sum", "product", "product", "total", "total"]
    first, second = (draw(st.sampled_from(INDICES)) for _ in range(2))
    match draw(st.sampled_from(kinds)):
        case "entry":
            return draw(st.sampled_from([T[first, second], c[first]]))
        case "letter":
            return draw(st.sampled_from([e[first], r[()], s[first], f[first], g[first, second]]))
        case "delta":
            return delta(first, second)
        case "scalar":
            return lift(draw(st.sampled_from([sympy.Integer(2), gamma, -1 / gamma, N])))
        case "sum":
            return draw(expressions(depth - 1)) + draw(expressions(depth - 1))
        case "product":
            return draw(expressions(depth - 1)) * draw(expressions(depth - 1))
    return total(draw(expressions(depth - 1)), first)


f = shorthand("f", (i,), total(T[i, j] * square(c[j]) * e[j], j), kept=True)
g = shorthand("g", (i, j), c[j] * s[i] + T[j, i] * r[()])


@given(expressions(), st.integers(0, 3))
def test_the_normal_form_has_the_value_of_the_expression(expression: Expression, skip: int) -> None:
    _same_value(expression, skip)


@given(expressions(), st.integers(0, 3), st.sampled_from([c[n], T[n, i], u[n], u[i]]))
def test_derivatives_agree_with_dual_numbers(expression: Expression, skip: int, by: Any) -> None:
    _same_value(derivative(expression, by), skip)


def _same_value(expression: Expression, skip: int) -> None:
    """Reading, cancelling and writing keep the exact value, at one of the first few instances."""
    calculus = Calculus.of([expression])
    form = calculus.read(expression)
    drawn = list(instances([expression, T[i, j] * c[i] * e[i]]))[skip]
    for shape in (form, calculus.cancel(form)[0]):
        assert first_difference(expression, calculus.write(shape), drawn) is None


def test_what_was_evaluated_of_an_expression_that_is_gone_says_nothing_of_the_next() -> None:
    values = next(iter(instances([total(c[i], i)])))
    sides = [values.evaluate(total(c[i] * times, i), {}) for times in range(1, 40)]  # each is freed at once
    assert sides == [sides[0] * times for times in range(1, 40)]


@given(expressions())
def test_an_expression_equals_itself_and_not_itself_plus_one(expression: Expression) -> None:
    assert prove_indexed("itself", expression, expression).status == "proved"
    assert prove_indexed("plus one", expression, expression + 1).status != "proved"


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 2), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_canonical_term_does_not_depend_on_names_or_order(edges: list[tuple[int, int]], rng: random.Random) -> None:
    def term(names: list[int]) -> list[Factor]:
        return [Factor("T", tuple(Label(True, f"x{names[place]}", N) for place in edge)) for edge in edges]

    shuffled = term(rng.sample(range(5), 5))
    rng.shuffle(shuffled)
    assert canonical(term(list(range(5)))) == canonical(shuffled)


def test_a_proved_derivative_is_used_in_later_ones() -> None:
    found, known = learn("Lemma 1", derivative(s[i], u[j]), s[i] * (delta(i, j) - s[j]))
    assert found.status == "proved"
    loss = total(c[i] * known[i], i)
    identity = prove_indexed("loss", derivative(loss, u[k]), known[k] * (c[k] - loss))
    assert identity.status == "proved"
    assert any("∂s/∂u by Lemma 1" in step.rule for step in identity.derivation)
    assert not any("exp(u) ∂u" in step.rule for step in identity.derivation)


def test_a_refuted_derivative_is_not_learned() -> None:
    found, letter = learn("wrong", derivative(s[i], u[j]), s[i] * delta(i, j))
    assert found.status == "refuted"
    assert letter == s
    assert letter.known == ()


def test_unknown_says_what_remains() -> None:
    two = reciprocal("h", (), total(e[i], i) + 1)  # a body of two terms, which the calculus does not cancel
    identity = prove_indexed("cancel", two[()] * (total(e[i], i) + 1), 1)
    assert (identity.status, identity.residual) == ("unknown", "Σ_i e_i h + h − 1")


def test_the_derivation_is_readable() -> None:
    lines = [(step.expression, step.rule) for step in prove_indexed("s", *TRUE["softmax, derivative"]).derivation]
    assert lines == [
        ("e_i = exp(u_i)", "definition"),
        ("r = 1/(Σ_i e_i)", "definition"),
        (
            "[i = j] e_i r − e_i e_j r²",
            "left side, expanded; ∂u/∂u: a delta for each index; ∂ exp(u) = exp(u) ∂u; ∂ 1/D = −(1/D)² ∂D",
        ),
        ("[i = j] e_i r − e_i e_j r²", "right side, expanded"),
        ("0", "left − right, summed indices renamed, deltas contracted"),
    ]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_softmax_against_sympy_at_explicit_sizes(rows: int) -> None:
    """Independent oracle: sympy's derivative of the explicit softmax is the formula of Lemma 1."""
    cols = 2
    Qs, Vs = (
        sympy.Matrix(cols, cols, sympy.symbols(f"Q:{cols * cols}")),
        sympy.Matrix(cols, rows, range(1, cols * rows + 1)),
    )
    vs = sympy.Matrix([2, -1])
    logits = Vs.T * Qs * vs
    weights = [sympy.exp(logits[row]) for row in range(rows)]
    softmax = [weight / sum(weights) for weight in weights]
    for row in range(rows):
        for x in range(cols):
            for y in range(cols):
                claimed = softmax[row] * sum(softmax[l] * (Vs[x, row] - Vs[x, l]) for l in range(rows)) * vs[y]  # noqa: E741
                difference = sympy.diff(softmax[row], Qs[x, y]) - claimed
                assert sympy.simplify(difference.subs(zip(Qs, [0, 1, 2, -1], strict=True))) == 0


def test_derivatives_against_autograd() -> None:
    """Independent oracle: torch differentiates the same expression in float64 at the exact instance."""
    expression = total(c[i] * soft[i], i)
    drawn = next(x for x in instances([expression]) if x.symbols[N] > 1)
    numbers = {name: _array(entries) for name, entries in drawn.entries.items()}
    queries = (numbers["Q"] * torch.log(torch.tensor(2.0, dtype=torch.float64))).requires_grad_()
    weights = torch.softmax(numbers["V"].T @ queries @ numbers["v"], dim=0)
    (slope,) = torch.autograd.grad(weights @ numbers["c"], queries)
    for x in range(slope.shape[0]):
        for y in range(slope.shape[1]):
            exact = drawn.evaluate(derivative(expression, Q[p, q]), {p: x, q: y})
            assert float(slope[x, y]) == pytest.approx(float(exact[0].p) / float(exact[0].q), rel=1e-12, abs=1e-14)


def _array(entries: Any) -> torch.Tensor:
    shape = [max(place[axis] for place in entries) + 1 for axis in range(len(next(iter(entries))))]
    result = torch.zeros(shape, dtype=torch.float64)
    for place, value in entries.items():
        result[place] = value
    return result


def test_a_false_line_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calculus, "read", lambda self, expression: {})
    with pytest.raises(UnsoundStepError, match="a line of a proof is false at"):
        prove_indexed("all is nothing", T[i, j], c[i])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: T[i, a], "the indices of T run up to N, N, got i up to N, a up to d"),
        (lambda: r[i], "the indices of r run up to nothing, got i up to N"),
        (lambda: delta(i, a), "δ compares i up to N with a up to d"),
        (lambda: shorthand("x", (i,), T[i, j]), "the body of x has the free index j"),
        (lambda: shorthand("x", (i, i), T[i, i]), "the slots of x repeat an index"),
        (lambda: lift(0.5), "has a float or an infinity in it"),
        (lambda: c[i] / (gamma - gamma), "has a float or an infinity in it"),
        (lambda: derivative(c[i], s[j]), "by an entry of a tensor, not of the letter s"),
        (lambda: derivative(derivative(c[i], c[j]), c[k]), "a derivative of a derivative is outside"),
        (lambda: prove_indexed("x", T[i, j], Tensor("T", (N,))[i]), "two different things are called T"),
        (lambda: prove_indexed("x", T[i, j], A[i, Index("j", d)]), "the index j has two ranges"),
        (lambda: prove_indexed("x", c[Index("∂0", N)], 0), "a name that is reserved"),
        (lambda: prove_indexed("x", Expression(), 0), "outside the calculus"),
        (lambda: learn("x", s[i], s[i]), "only the derivative of a shorthand"),
        (lambda: learn("x", derivative(e[i], u[j]), e[i]), "only the derivative of a shorthand"),
        (lambda: learn("x", derivative(s[i], u[i]), s[i]), "at its own slots and by other indices"),
        (lambda: Values.read("at N = 2: left", [c[i]]), "gives no value to c"),
        (lambda: canonical([Factor("x", (Label(True, str(m), N),)) for m in range(8)]), "look too much alike"),
    ],
)
def test_refusals(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("letter", "error", "message"),
    [
        (exponential("x", (i,), c[i]), ValueError, "no whole multiple of log 2"),
        (exponential("x", (i,), u[i] * u[i]), ValueError, "no whole multiple of log 2"),
        (reciprocal("x", (i,), u[i]), ValueError, "divides by a number with log 2 in it"),
        (reciprocal("x", (i,), 0 * c[i]), ZeroDivisionError, "the reciprocal of zero"),
        (shorthand("x", (i,), c[i] / (gamma - N)), ZeroDivisionError, "is not defined, or not rational"),
    ],
)
def test_what_cannot_be_evaluated(letter: Letter, error: type[Exception], message: str) -> None:
    drawn = Values({N: sympy.Integer(1), gamma: sympy.Integer(1)}, {"c": {(0,): 1}, "u": {(0,): 1}}, frozenset("u"))
    with pytest.raises(error, match=message):
        drawn.evaluate(letter[i], {i: 0})


def test_evaluation_refuses_what_it_does_not_know() -> None:
    drawn = next(instances([c[i]]))
    with pytest.raises(ValueError, match="cannot evaluate"):
        drawn.evaluate(Expression(), {})
    with pytest.raises(ZeroDivisionError, match="is not defined, or not rational"):
        drawn.evaluate(Scalar(sympy.sqrt(2)), {})


def test_numbers_with_logarithms_are_shown() -> None:
    drawn = Values({N: sympy.Integer(1)}, {"u": {(0,): 3}}, frozenset("u"))
    assert show_number(drawn.evaluate(u[i] * u[i] * 2 + u[i] / 2 - 1, {i: 0})) == "-1 + 3/2·log2 + 18·log2^2"
    assert components.show_number(drawn.evaluate(lift(0), {})) == "0"


def test_a_derivative_can_stand_in_a_body() -> None:
    slope = shorthand("h", (j,), Derivative(total(c[i] * s[i], i), u[j]))
    assert prove_indexed("body", slope[k], s[k] * (c[k] - total(c[i] * s[i], i))).status == "proved"


def _softmax() -> tuple[Expression, Expression, list[Index]]:
    """exp(u_bhij) and 1/Σ_j exp(u_bhij)."""
    b, h, i, j = (Index(name, sympy.Symbol(size, positive=True)) for name, size in zip("bhij", "BHTT", strict=True))
    logits = Tensor("u", (b.size, h.size, i.size, i.size), logarithmic=True)
    weights = exponential("e", (b, h, i, j), logits[b, h, i, j])
    scale = reciprocal("z", (b, h, i), total(weights[b, h, i, j], j))
    return weights[b, h, i, j], scale[b, h, i], [i, j]


def test_a_sum_whose_body_is_cancelled_leaves_its_size_behind() -> None:
    """The attention weights of one head sum to T, not to 1."""
    weight, scale, (i, j) = _softmax()
    assert prove_indexed("rows", total(weight * scale, i, j), i.size).status == "proved"
    assert prove_indexed("rows", total(weight * scale, i, j), 1).status == "refuted"
    assert prove_indexed("row", total(weight * scale, j), 1).status == "proved"


def test_a_repeated_index_is_not_two_indices() -> None:
    """1/Σ_p X_pp cancels Σ_p X_pp and not Σ_pq X_pq; and 1/Σ_pq X_pq the other way round."""
    size = sympy.Symbol("T", positive=True)
    p, q = Index("p", size), Index("q", size)
    X, a = Tensor("X", (size, size)), Tensor("a", ())
    trace, whole = reciprocal("R", (), total(X[p, p], p)), reciprocal("W", (), total(X[p, q], p, q))
    for one, body, proved in (
        (trace, total(X[p, p], p), True),
        (trace, total(X[p, q], p, q), False),
        (whole, total(X[p, q], p, q), True),
        (whole, total(X[p, p], p), False),
    ):
        found = prove_indexed("cancels", a[()] * one[()] * body, a[()])
        assert (found.status == "proved") is proved
        assert (found.witness is None) is proved


@pytest.mark.parametrize(
    "size",
    [
        N + 1,
        N / 2,
        sympy.Integer(3),
        sympy.Integer(0),
        3,
        sympy.Symbol("T", negative=True),
        sympy.Symbol("T", integer=False),
        sympy.Symbol("T", zero=True),
    ],
)
def test_an_index_whose_range_is_no_symbol_for_a_positive_number_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="which is no symbol for a positive whole number"):
        Index("i", size)


def test_an_index_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="has no name"):
        Index("", N)


def test_an_index_called_as_a_bound_one_is_written_is_not_captured() -> None:
    """Σ_j T_ij c_j for a free index called 00, as the calculus calls the first bound one."""
    own = Index("00", N)
    expression = total(T[own, j] * c[j], j)
    calculus = Calculus.of([expression])
    written = calculus.write(calculus.read(expression))
    assert written.free == {own}
    assert prove_indexed("itself", expression, total(c[k] * T[own, k], k)).status == "proved"
