"""Assumption 2: an exact oracle, twins, and starts where the rank is deficient or hard to see."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from theorems.assumption2 import CLAIM, StartingRank
from theorems.network.enclosed import Problem, largest_rank, least_eigenvalue
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from verify.claim import Verdict
from verify.runner import run_checks


@pytest.fixture
def problem(quick: Experiment) -> Problem:
    return problem_of(quick)


def reasons(problem: Problem, quick: Experiment) -> dict[str, Verdict]:
    evidence = run_checks(CLAIM.checks, StartingRank(quick, change=lambda _: problem))
    return {finding.name: finding.verdict for item in evidence for finding in item.findings}


def test_twin_permuted_heads_and_scaled_logits(problem: Problem) -> None:
    """The order of the heads does not matter, and Q / 4 with tokens 2v is the same network."""
    original = least_eigenvalue(problem)
    permuted = least_eigenvalue(replace(problem, queries=problem.queries[::-1].copy()))
    doubled = least_eigenvalue(replace(problem, queries=problem.queries / 4, tokens=2 * problem.tokens))
    assert original is not None
    assert permuted is not None
    assert doubled is not None
    assert original.overlaps(permuted)
    assert original.overlaps(doubled)


def test_one_prompt_token_by_hand(problem: Problem) -> None:
    """For N = 1 all attention is 1, so B_k B_kᵀ = H Z̄² = H (‖z_1‖² + mτ)."""
    data = replace(problem.instance, prompt_length=1)
    found = least_eigenvalue(replace(problem, instance=data))
    z = data.features[0]
    assert found is not None
    assert float(found.mid()) == pytest.approx(len(problem.queries) * (z @ z + data.feature_count * data.noise))


def test_nearly_equal_heads_need_more_bits_and_get_them(problem: Problem) -> None:
    found = least_eigenvalue(replace(problem, queries=problem.queries * 2.0**-60))
    assert found is not None
    assert 0 < found < 1e-30


def test_deficiency_is_certain_and_too_few_bits_are_not(
    problem: Problem, quick: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    N = problem.instance.prompt_length
    few = replace(problem, queries=problem.queries[: N - 2], weights=problem.weights[: N - 2])
    assert largest_rank(few) == N - 2
    assert reasons(few, quick) == {"assumption2": Verdict.UNDECIDED, "N ≤ rank B_k": Verdict.FAIL}
    monkeypatch.setattr("theorems.network.enclosed.LIMIT", 64)
    least_eigenvalue.cache_clear()
    hard = replace(problem, queries=problem.queries * 2.0**-60)
    assert reasons(hard, quick) == {"assumption2": Verdict.UNDECIDED, "N ≤ rank B_k": Verdict.UNDECIDED}
    least_eigenvalue.cache_clear()


def test_the_bound_stays_below_every_rayleigh_quotient(problem: Problem) -> None:
    found = least_eigenvalue(problem)
    N, tokens = problem.instance.prompt_length, problem.tokens
    logits = tokens[:N] @ problem.queries @ tokens.T
    weights = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    features = problem.instance.features[:N]
    gram = features @ features.T + problem.instance.feature_count * problem.instance.noise * np.eye(N)
    rng = np.random.default_rng(0)
    for k in range(len(tokens)):
        C = weights[:, :, k].T
        x = rng.standard_normal(N)
        # x = Z̄u runs over all vectors: |B'u|² / |u|² with u = Z̄^-1 x is |C'x|² / (x' Z̄^-2 x)
        assert found < flint.arb(float(np.sum((C.T @ x) ** 2) / (x @ np.linalg.solve(gram, x)) * (1 + 1e-9)))
