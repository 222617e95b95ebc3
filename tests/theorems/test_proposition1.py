"""Proposition 1: the rank law by singular values and exact integers, at the edges, and where Assumption 2 fails."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from theorems import proposition1
from theorems.network.attention_rank import rank_of_attention
from theorems.proposition1 import RankLaw
from theorems.setting.experiment import Experiment
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from verify.claim import Verdict
from verify.runner import run_checks


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_the_recursion_proves_vandermonde_s_formula_in_small_orders(order: int) -> None:
    """Independent oracle: sympy's determinant of the matrix of powers, as a polynomial."""
    points = sp.symbols(f"x0:{order}")
    product = sp.prod(points[j] - points[i] for i in range(order) for j in range(i + 1, order))
    matrix = sp.Matrix(order, order, lambda i, g: points[i] ** g)
    assert sp.expand(matrix.det(method="berkowitz") - product) == 0


@pytest.mark.parametrize("seed", range(20))
def test_ranks_by_singular_values_follow_the_law(seed: int) -> None:
    """Independent oracle: numpy's rank of C_k with repeated tokens, for few and many heads."""
    rng = np.random.default_rng(seed)
    size, heads, d = int(rng.integers(1, 6)), int(rng.integers(1, 7)), int(rng.integers(1, 4))
    distinct = rng.standard_normal((size, d))
    prompt = distinct[rng.integers(0, size, size=6)]
    logits = prompt @ (rng.standard_normal((heads, d, d)) @ rng.standard_normal(d)).T
    rank = np.linalg.matrix_rank(np.exp(logits) / np.exp(logits).sum(axis=0), tol=1e-9)
    assert rank == min(heads, len(np.unique(prompt, axis=0)))


def test_an_exact_start_has_full_rank() -> None:
    """With x_i = 2^i the minor of powers is an integer: Vandermonde's product."""
    points = [Fraction(2) ** i for i in range(5)]
    matrix = sp.Matrix(5, 5, lambda i, g: sp.Rational(points[i].numerator) ** g)
    assert matrix.det() == sp.prod(int(points[j] - points[i]) for i in range(5) for j in range(i + 1, 5)) != 0


@pytest.mark.parametrize(
    "options", [{"d": 1, "raw_tokens": True}, {"d": 2}, {"H": 6}, {"N": 1}, {"H": 1}, {"H": 3}, {"beta": 30.0}]
)
def test_it_passes_at_the_edges(options: dict[str, object]) -> None:
    evidence = run_checks(proposition1.CLAIM.checks, RankLaw(prepare(resolve("quick", options))))
    assert [item.verdict for item in evidence] == [Verdict.PASS] * len(evidence)


def test_with_too_few_heads_the_rank_is_the_number_of_heads() -> None:
    """The converse: Assumption 2 fails, as the law says; that the rank is N would be refuted."""
    experiment = prepare(resolve("quick", {"H": 3}))
    evidence = {item.check: item for item in run_checks(proposition1.CLAIM.checks, RankLaw(experiment))}
    assert evidence["certify_rank"].verdict is Verdict.PASS
    full = RankLaw(experiment, rank=proposition1.different)
    assert {finding.verdict for finding in proposition1.certify_rank(full)} == {Verdict.PASS, Verdict.FAIL}


def test_no_spread_of_the_start_or_a_token_of_length_0_is_a_missing_hypothesis() -> None:
    experiment = prepare(resolve("quick", {"beta": 0.0}))
    names = {item.name: item.verdict for item in proposition1.measure_hypotheses(RankLaw(experiment))}
    assert names == {"β > 0": Verdict.UNDECIDED, "v_k ≠ 0": Verdict.PASS}
    data = experiment.instance
    tokens = data.tokens.copy()
    tokens[-1] = 0.0
    study = replace(experiment.study, instance=replace(data, tokens=tokens))
    names = {
        item.name: item.verdict for item in proposition1.measure_hypotheses(RankLaw(replace(experiment, study=study)))
    }
    assert names["v_k ≠ 0"] is Verdict.UNDECIDED


def test_what_is_argued_is_not_called_proved(quick: Experiment) -> None:
    found = list(proposition1.argue_rank(RankLaw(quick)))
    assert len(found) == 3
    assert all("proved" not in finding.reading for finding in found)
    assert [finding.source for finding in found] == ["", "", proposition1.ANALYTIC]


def test_the_certified_margin_is_below_the_least_eigenvalue(quick: Experiment) -> None:
    rng = np.random.default_rng(0)
    prompt, token, queries = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal((6, 3, 3))
    logits = prompt @ (queries @ token).T
    C = np.exp(logits) / np.exp(logits).sum(axis=0)
    low, high, margin = rank_of_attention(prompt, queries, token)
    least = np.linalg.eigvalsh(C @ C.T)[0]
    assert (low, high) == (4, 4)
    assert least / 10 < margin < least


@pytest.mark.parametrize("heads", [3, 4])
def test_ranks_with_two_equal_tokens_are_known_exactly(heads: int) -> None:
    rng = np.random.default_rng(1)
    prompt, queries = rng.standard_normal((4, 3)), rng.standard_normal((heads, 3, 3))
    prompt[2] = prompt[0]
    low, high, margin = rank_of_attention(prompt, queries, rng.standard_normal(3))
    assert (low, high) == (3, 3)
    assert margin > 0


def test_no_coordinate_needs_to_tell_the_tokens_apart(quick: Experiment) -> None:
    """Beyond the paper: tokens whose coordinates all coincide somewhere violate Assumption 3 and obey the law."""
    tokens = quick.instance.tokens.copy()
    tokens[:4] = [[x, y, *[0.0] * (tokens.shape[1] - 2)] for x in (0.6, -0.6) for y in (0.8, -0.8)]
    study = replace(quick.study, instance=replace(quick.instance, tokens=tokens, prompt_length=4))
    evidence = run_checks(proposition1.CLAIM.checks, RankLaw(replace(quick, study=study)))
    assert [item.verdict for item in evidence] == [Verdict.PASS] * len(evidence)


def test_a_wrong_number_for_the_minor_is_refuted_and_too_few_bits_decide_nothing(
    quick: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [bound.verdict for bound in proposition1.certify_start(RankLaw(quick))] == [Verdict.PASS]
    wrong = RankLaw(quick, transposed=True)
    assert [bound.verdict for bound in proposition1.certify_start(wrong)] == [Verdict.FAIL]
    monkeypatch.setattr(proposition1, "START_BITS", 20)
    assert [bound.verdict for bound in proposition1.certify_start(RankLaw(quick))] == [Verdict.UNDECIDED]
