"""Chains of inequalities: what is proved, what stays unknown, what is refuted, and what a derivation prints."""

import flint
import pytest
import sympy as sp

from verify.claim import Verdict
from verify.prove.inequalities.chain import Chain, Fact, at_least, at_most, facts_of
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import cite, hypothesis
from verify.prove.inequalities.quantity import Letter, SumOf, length, norm, total
from verify.prove.inequalities.rules import (
    NORMS,
    minkowski,
    operator_norm,
    same,
    triangle,
    triangle_sum,
)
from verify.prove.inequalities.trials import LEAST
from verify.prove.inequalities.values import Values
from verify.prove.matrices.derivation import UnsoundStepError
from verify.prove.matrices.sampling import Equation

n, K = sp.symbols("n K", integer=True, positive=True)
k = sp.Idx("k", K)
A, x, y, x_k = Letter("A", n, n), Letter("x", n, 1), Letter("y", n, 1), Letter("x_k", n, 1, k)
a, b, c, d = sp.symbols("a b c d", nonnegative=True)


def ball_matrix(rows: list[list[int]]) -> flint.arb_mat:
    return flint.arb_mat(rows)


def plane(first: list[int], second: list[int]) -> Values:
    """Two vectors in the plane, and A = 2I."""
    letters = {
        "x": lambda: ball_matrix([[first[0]], [first[1]]]),
        "y": lambda: ball_matrix([[second[0]], [second[1]]]),
        "A": lambda: ball_matrix([[2, 0], [0, 2]]),
    }
    return Values(f"x = {first}, y = {second}", {n: 2}, {}, letters)


def line(**values: int) -> Values:
    """Scalars, and vectors x_k and y_k of length 2."""
    letters = {"x_k": lambda k: ball_matrix([[0], [values["a"]]]), "y_k": lambda k: ball_matrix([[3], [4 + k]])}
    numbers = {name: flint.arb(value) for name, value in values.items()}
    return Values(str(values), {n: 2, K: 3}, numbers, letters | {"w_hk": lambda h, k: ball_matrix([[h - k]])})


def scalars(**changed: int) -> list[Values]:
    """a ≤ b ≤ c ≤ d, and others that the tests name."""
    return [line(**{"a": 1, "b": 2 + more, "c": 3 + more, "d": 9, "p": 1 + more} | changed) for more in range(5)]


def planes() -> list[Values]:
    return [plane([3, 4], [0, more]) for more in range(5)]


def test_a_chain_computes_its_constant_and_is_proved() -> None:
    chain = at_most(norm(A * (x + y))).by(operator_norm(A, x + y), triangle(x, y))
    assert chain.end == norm(A, "op") * (norm(x) + norm(y))
    found = conclude("‖A(x + y)‖", chain.start, chain.end, chain, instances=planes())
    assert (found.status, found.residual, found.verdict) == ("proved", "0", Verdict.PASS)


def test_the_derivation_has_a_line_for_every_rule_and_names_what_it_cites() -> None:
    chain = at_most(norm(A * x)).by(operator_norm(A, x), hypothesis(norm(A, "op"), 2, "‖A‖₂ ≤ 2"))
    found = conclude("‖A x‖", chain.start, chain.end, chain, instances=planes())
    lines = found.derivation
    assert [line.expression for line in lines[:2]] == ["‖A x‖", "≤ ‖A‖₂ ‖x‖"]
    assert lines[1].rule == "‖A x‖ ≤ ‖A‖₂ ‖x‖"
    assert "evaluated, all true, each on 5 or more of 5 exact instances" in lines[3].expression
    assert (lines[4].expression, lines[4].rule) == ("‖A‖₂ ≤ 2 (‖A‖₂ ≤ 2)", "hypothesis")
    assert "Horn" in lines[5].rule
    assert found.hypotheses == ("‖A‖₂ ≤ 2 (‖A‖₂ ≤ 2)",)
    assert found.believes == (NORMS,)


def test_a_constant_too_small_is_refuted_by_an_exact_instance() -> None:
    chain = at_most(norm(x + y)).by(triangle(x, y))
    goal = (norm(x) + norm(y)) / 2
    found = conclude("half", chain.start, goal, chain, instances=[plane([3, 4], [3, 4])])
    assert found.status == "refuted"
    assert found.witness is not None
    assert "x = [3, 4], y = [3, 4]: left = 10.000000, right = 5.0000000" in found.witness


def test_without_an_instance_against_it_a_failed_proof_is_unknown_and_says_which_line() -> None:
    chain = at_most(norm(x + y)).by(triangle(x, y))
    found = conclude("half", chain.start, (norm(x) + norm(y)) / 2, chain, instances=[plane([1, 0], [-1, 0])])
    assert (found.status, found.verdict) == ("unknown", Verdict.UNDECIDED)
    assert found.residual == "‖x‖ + ‖y‖ ≤ ‖x‖/2 + ‖y‖/2: no certificate"


def test_a_false_citation_that_everything_else_accepts_is_caught_on_an_instance() -> None:
    chain = at_most(norm(x + y)).by(cite(norm(x + y), norm(x), "a wrong rule", source="a book"))
    with pytest.raises(UnsoundStepError, match=r"‖x \+ y‖ ≤ ‖x‖ is false at x = \[3, 4\]"):
        conclude("caught", chain.start, norm(x), chain, instances=[plane([3, 4], [3, 4])])


def test_without_an_instance_nothing_is_proved() -> None:
    chain = at_most(norm(x + y)).by(triangle(x, y))
    found = conclude("tried on none", chain.start, chain.end, chain)
    assert (found.status, found.residual) == ("unknown", "tried on none: no instance satisfies the hypotheses")
    partial = conclude("untried", chain.start, chain.end, chain, instances=[line(a=1)])
    assert partial.status == "unknown"
    assert "not tried: ‖x + y‖ ≤ ‖x‖ + ‖y‖" in partial.residual
    few = conclude("few", chain.start, chain.end, chain, instances=planes()[: LEAST - 1])
    assert few.status == "unknown"


def test_hypotheses_that_no_instance_satisfies_prove_nothing() -> None:
    contradiction = hypothesis(a + 1, a, "impossible")
    chain = at_most(b).to(c, contradiction)
    found = conclude("vacuous", b, c, chain, instances=scalars())
    assert (found.status, found.residual) == ("unknown", "tried on none: no instance satisfies the hypotheses")


def test_hypotheses_that_are_never_tried_together_prove_nothing() -> None:
    first, second = hypothesis(a, b, "a ≤ b"), hypothesis(c, d, "c ≤ d")
    apart = [line(a=1, b=2) for _ in range(5)] + [line(c=1, d=2) for _ in range(5)]
    found = conclude("apart", a + c, b + d, at_most(a + c).by(first, second), instances=apart)
    assert found.status == "unknown"
    assert "no instance satisfies all hypotheses at once" in found.residual


def test_an_instance_that_breaks_a_hypothesis_refutes_nothing() -> None:
    chain = at_most(a).by(hypothesis(a, b, "a ≤ b"))
    found = conclude("half", a, b / 2, chain, instances=[line(a=3, b=1)])
    assert (found.status, found.witness) == ("unknown", None)


def test_a_conclusion_is_discharged_with_the_chains_behind_it() -> None:
    broken = at_most(a).to(b)  # nothing says a ≤ b
    chain = at_most(a + c).by(broken.fact("a ≤ b, allegedly"))
    found = conclude("rests on it", a + c, b + c, chain, instances=scalars())
    assert found.status == "unknown"
    assert found.residual == "a ≤ b: no certificate"
    assert [fact.rule for fact in facts_of(chain)] == ["a ≤ b, allegedly"]


def test_everything_behind_a_line_is_printed() -> None:
    behind = at_most(a).to(2 * b, hypothesis(a, b, "a ≤ b"), rule="arithmetic")
    found = conclude("square", a**2, 4 * b**2, at_most(a**2).by(behind.fact("step")), instances=scalars())
    assert found.status == "proved"
    texts = [f"{line.expression} | {line.rule}" for line in found.derivation]
    assert "≤ 2 b | a ≤ b" in texts  # a fact is named, whatever the line is called
    assert "a ≤ b (a ≤ b) | hypothesis" in texts
    assert "a | towards: step" in texts


def test_replacement_reaches_below_sums_and_roots() -> None:
    bound = hypothesis(norm(x_k), a, "each is at most a")
    chain = at_most(length(k, norm(x_k)) + total(k, norm(x_k))).by(bound)
    assert chain.end == sp.sqrt(K) * a + K * a
    assert conclude("lifted", chain.start, chain.end, chain, instances=scalars()).status == "proved"


def test_a_bound_that_depends_on_the_index_stays_below_the_sum() -> None:
    other = Letter("y_k", n, 1, k)
    chain = at_most(total(k, norm(x_k))).by(hypothesis(norm(x_k), norm(other), "termwise"))
    assert chain.end == total(k, norm(other))
    assert chain.end != K * norm(other)


def test_a_downward_chain_bounds_from_below() -> None:
    chain = at_least(a**2).by(hypothesis(b, a, "b ≤ a"))
    assert conclude("below", b**2, a**2, chain, instances=scalars(a=9, b=2)).status == "proved"
    assert conclude("not above", 2 * b**2, a**2, chain, instances=scalars(a=9, b=2)).status == "unknown"
    lowered = at_least(length(k, norm(x_k))).by(hypothesis(a, norm(x_k), "each is at least a"))
    assert conclude("below a length", sp.sqrt(K) * a, lowered.start, lowered, instances=scalars()).status == "proved"


def test_an_equation_is_used_in_both_directions() -> None:
    named = hypothesis(norm(x), a, "named", equal=True)
    assert at_most(2 * norm(x)).by(named).end == 2 * a
    assert at_most(2 * a).by(named).end == 2 * norm(x)
    assert named.reversed().left == a
    with pytest.raises(ValueError, match="cannot be read from right to left"):
        triangle(x, y).reversed()


def test_an_increase_in_a_decreasing_place_is_not_proved() -> None:
    positive = sp.Symbol("p", positive=True)
    chain = at_most(1 / positive).by(hypothesis(positive, positive + 1, "p ≤ p + 1"))
    assert conclude("1/p ≤ 1/(p + 1)", chain.start, chain.end, chain).status == "unknown"


def test_products_are_recognised_inside_larger_products() -> None:
    chain = at_most(3 * a**2 * b * c).by(hypothesis(a * b, d, "ab ≤ d"))
    assert chain.end == 3 * a * c * d
    assert conclude("product", chain.start, chain.end, chain, instances=scalars()).status == "proved"


def test_arithmetic_lines_follow_from_several_facts() -> None:
    q, s = sp.symbols("q s", nonnegative=True)
    exact = [Values("q = 1/2", {}, {"q": flint.arb(1) / 2, "s": flint.arb(2), "a": flint.arb(3) / 4})] * 5
    facts = (
        hypothesis((1 - q) * s, 1, "geometric"),
        hypothesis(q**2, 1 - a, "q² = 1 − a", equal=True),
        hypothesis(q, 1, "q ≤ 1"),
    )
    chain = at_most(a * s).to(2, *facts)
    assert conclude("a s ≤ 2", a * s, sp.Integer(2), chain, instances=exact).status == "proved"
    assert conclude("a s ≤ 1", a * s, sp.Integer(1), at_most(a * s).to(1, *facts)).status == "unknown"


def test_matrix_equations_are_proved_by_the_matrix_calculus() -> None:
    definition = Equation(x, A * y, "x = A y")
    assert same(x - A * y + y, y, "by definition", definition).equal
    with pytest.raises(ValueError, match="is not proved"):
        same(x, y, "nothing says so", definition)


def test_the_triangle_inequality_over_a_sum_uses_the_definition_of_the_sum() -> None:
    whole = SumOf(x, k, 2 * x_k, "x = 2 Σ x_k")
    fact = triangle_sum(whole)
    assert (fact.left, fact.right, fact.needs) == (norm(x), 2 * total(k, norm(x_k)), (whole,))
    assert (whole - whole).whole == sp.ZeroMatrix(n, 1)


def test_minkowski_exchanges_a_sum_and_a_length() -> None:
    inner, outer = sp.Idx("h", n), k
    entry = Letter("w_hk", 1, 1, inner, outer)
    chain = at_most(length(outer, total(inner, norm(entry)) + a)).by(
        minkowski(length(outer, total(inner, norm(entry)) + a))
    )
    assert chain.end == length(outer, total(inner, norm(entry))) + sp.sqrt(K) * a
    assert conclude("rows", chain.start, chain.end, chain, instances=scalars()).status == "proved"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: at_most(a).by(hypothesis(b, c, "b ≤ c")), "b ≤ c: b does not occur in a"),
        (lambda: conclude("elsewhere", b, a, at_most(a)), "the chain starts from a, expected b"),
    ],
)
def test_misuse_is_told_in_one_sentence(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_chains_and_facts_are_values() -> None:
    assert at_most(a) == Chain(a)
    assert Fact(left=a, right=b, rule="r").title == "r"
    assert Fact(left=a, right=b, rule="r", about="this").title == "r; this"
