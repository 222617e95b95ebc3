"""Every elementary rule, tried on random exact matrices: a wrong rule must not slip in."""

import inspect
from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.prove.inequalities import rules
from verify.prove.inequalities.chain import Fact
from verify.prove.inequalities.enclosed_norms import operator_norm
from verify.prove.inequalities.lemma import hypothesis
from verify.prove.inequalities.quantity import Columns, Diagonal, Letter, SumOf, largest, length, norm, total
from verify.prove.inequalities.values import Values, violation

n, m, K, H = sp.symbols("n m K H", integer=True, positive=True)
k, h, s = sp.Idx("k", K), sp.Idx("h", H), sp.Idx("s", K)
M, D = Letter("M", n, m), Letter("D", n, n)
x, y, z = Letter("x", n, 1), Letter("y", n, 1), Letter("z", m, 1)
m_j, j = Letter("m_j", n, 1, sp.Idx("j", m)), sp.Idx("j", m)
x_k, x_hk, w = Letter("x_k", n, 1, k), Letter("x_hk", 1, 1, h, k), Letter("w", 1, 1)
weight, body = sp.IndexedBase("weight", nonnegative=True), sp.IndexedBase("body", real=True)
positive = sp.IndexedBase("positive", nonnegative=True)
q, bound = sp.symbols("q bound", nonnegative=True)
entries = sp.ImmutableMatrix([[sp.Symbol(f"e{row}{col}", nonnegative=True) for col in "ab"] for row in "ab"])
i = sp.Idx("i", n)
e_i = Letter("e_i", n, 1, i)
first, second = sp.symbols("u_1 u_2", nonnegative=True)
COLUMNS = Columns(M, j, m_j)

RULES: dict[str, Callable[[], Fact]] = {
    "triangle": lambda: rules.triangle(x, y, -2 * x),
    "triangle in the 1-norm": lambda: rules.triangle(x, y, kind="1"),
    "triangle in the Frobenius norm": lambda: rules.triangle(M, M - x * z.T, kind="F"),
    "triangle_sum": lambda: rules.triangle_sum(SumOf(Letter("total_x", n, 1), k, x_k, "sum")),
    "same": lambda: rules.same(x - (x - y), y, "algebra"),
    "operator_norm": lambda: rules.operator_norm(M, z),
    "frobenius": lambda: rules.frobenius(M, x),
    "bilinear": lambda: rules.bilinear(x, M, z),
    "cauchy_schwarz": lambda: rules.cauchy_schwarz(x, y),
    "outer_product": lambda: rules.outer_product(x, z),
    "times_number": lambda: rules.times_number(x, w),
    "times_number in the 1-norm": lambda: rules.times_number(x, w, "1"),
    "euclidean_below_one": lambda: rules.euclidean_below_one(x),
    "hoelder_columns": lambda: rules.hoelder_columns(COLUMNS, z),
    "hoelder": lambda: rules.hoelder(x, y),
    "entrywise_product": lambda: rules.entrywise_product(Diagonal(D, x), y),
    "largest_entry": lambda: rules.largest_entry(COLUMNS, y),
    "frobenius_columns": lambda: rules.frobenius_columns(COLUMNS),
    "entries_of": lambda: rules.entries_of(x, i, Letter("x_i", 1, 1, i)),
    "least_singular_value": lambda: rules.least_singular_value(M, x),
    "weighted_cauchy_schwarz": lambda: rules.weighted_cauchy_schwarz(k, weight[k], body[k]),
    "minkowski": lambda: rules.minkowski(length((h, k), norm(x_hk) + norm(x_k) + norm(w))),
    "operator_norm_two": lambda: rules.operator_norm_two(entries, (first, second)),
    "entry_below_norm": lambda: rules.entry_below_norm(entries, 0, 1),
    "member": lambda: rules.member(k, positive[k]),
    "absolute_sum": lambda: rules.absolute_sum(k, body[k]),
    "geometric": lambda: rules.geometric(q, s, hypothesis(q, 1, "q ≤ 1")),
    "cauchy_schwarz_sum": lambda: rules.cauchy_schwarz_sum(k, positive[k], weight[k]),
    "sum_of_squares": lambda: rules.sum_of_squares(k, body[k]),
    "square": lambda: rules.square(q - bound),
    "length_squared": lambda: rules.length_squared(k, positive[k]),
    "below_largest": lambda: rules.below_largest(k, positive[k]),
    "triangle_numbers": lambda: rules.triangle_numbers(body[k], -bound),
    "at_least_one": lambda: rules.at_least_one(n),
    "unit_vector": lambda: rules.unit_vector(Columns(sp.Identity(n), i, e_i)),
}


def test_every_rule_is_on_the_list() -> None:
    members = [(name, inspect.unwrap(item)) for name, item in vars(rules).items() if callable(item)]
    functions = {name for name, item in members if inspect.isfunction(item) and item.__module__ == rules.__name__}
    assert functions - {"rule", "require", "mixture", "times_vector"} == {name.split(" in ")[0] for name in RULES}


def instance(seed: int) -> Values:
    """Random sizes and small integers; the letters that belong together fit together."""
    rng = np.random.default_rng(seed)
    sizes = {symbol: int(rng.integers(1, 4)) for symbol in (n, m, K, H)}
    N_, M_, K_, H_ = sizes.values()
    draw: dict[str, Any] = {
        "M": rng.integers(-3, 4, (N_, M_)),
        "x": rng.integers(-3, 4, (N_, 1)),
        "y": rng.integers(-3, 4, (N_, 1)),
        "z": rng.integers(-3, 4, (M_, 1)),
        "w": rng.integers(-3, 4, (1, 1)),
    }
    parts, family = rng.integers(-3, 4, (K_, N_, 1)), rng.integers(-3, 4, (H_, K_))
    letters: dict[str, Callable[..., Any]] = {
        name: (lambda value=value: flint.arb_mat(value.tolist())) for name, value in draw.items()
    }
    letters |= {
        "D": lambda: flint.arb_mat(np.diag(draw["x"][:, 0]).tolist()),
        "m_j": lambda j: flint.arb_mat(draw["M"][:, [j]].tolist()),
        "x_k": lambda k: flint.arb_mat(parts[k].tolist()),
        "total_x": lambda: flint.arb_mat(parts.sum(axis=0).tolist()),
        "x_i": lambda i: flint.arb_mat([[int(draw["x"][i, 0])]]),
        "e_i": lambda i: flint.arb_mat([[int(row == i)] for row in range(N_)]),
        "x_hk": lambda h, k: flint.arb_mat([[int(family[h, k])]]),
    }
    weights, bodies, square = rng.integers(0, 4, K_), rng.integers(-3, 4, K_), rng.integers(0, 4, (2, 2))
    numbers: dict[str, Any] = {
        "weight": lambda k: flint.arb(int(weights[k])),
        "body": lambda k: flint.arb(int(bodies[k])),
        "positive": lambda k: flint.arb(int(weights[k])),
        "q": flint.arb(int(rng.integers(0, 9))) / 8,
        "bound": operator_norm(flint.arb_mat(square.tolist())),
        "u_1": flint.arb(int(rng.integers(0, 4))),
        "u_2": flint.arb(int(rng.integers(0, 4))),
    }
    for symbols, row in zip(entries.tolist(), square, strict=True):
        numbers |= {str(symbol): flint.arb(int(value)) for symbol, value in zip(symbols, row, strict=True)}
    return Values(f"seed {seed}", sizes, numbers, letters)


@pytest.mark.parametrize("name", sorted(RULES))
@settings(max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_the_rule_holds_on_random_matrices(name: str, seed: int) -> None:
    values, fact = instance(seed), RULES[name]()
    assert values.knows(fact.left)
    assert values.knows(fact.right)
    assert violation(values, fact.relation) is None


@pytest.mark.parametrize(
    "wrong",
    [
        hypothesis(norm(x + y), norm(x), "one term short"),
        hypothesis(norm(M * z), norm(z), "without the operator norm"),
        hypothesis(norm(x, "1"), norm(x), "the wrong way round"),
        hypothesis(total(k, norm(x_k)), length(k, norm(x_k)), "without √K"),
        hypothesis(largest(j, norm(m_j)), norm(m_j), "every column is the largest"),
        hypothesis(norm(x.T * y), norm(x), "Cauchy–Schwarz without ‖y‖", equal=True),
    ],
    ids=lambda fact: fact.rule,
)
def test_these_trials_would_catch_a_wrong_rule(wrong: Fact) -> None:
    assert any(violation(instance(seed), wrong.relation) for seed in range(40))
