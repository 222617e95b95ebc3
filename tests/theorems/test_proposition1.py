"""Proposition 1: zeros of exponential sums by counting, ranks by singular values, and every d and H."""

from dataclasses import replace

import numpy as np
import pytest

from theorems import proposition1
from theorems.experiment import Experiment
from theorems.parameters import prepare, resolve
from verify.claim import Verdict
from verify.runner import run_checks


@pytest.mark.parametrize("seed", range(30))
def test_sums_of_exponentials_have_few_zeros(seed: int) -> None:
    """Independent oracle: sign changes on a fine grid never exceed N − 1."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 7))
    exponents, weights = rng.standard_normal(size), rng.standard_normal(size)
    grid = np.linspace(-30, 30, 20_001)
    largest = (exponents * grid[:, None]).max(axis=1, keepdims=True)
    values = np.exp(exponents * grid[:, None] - largest) @ weights
    assert np.count_nonzero(np.diff(np.sign(values))) <= size - 1


def test_a_sum_that_attains_the_number_of_zeros() -> None:
    """(e^t − 1)(e^t − 2)(e^t − 3) has four exponentials and three zeros."""
    coefficients = np.poly([1.0, 2.0, 3.0])[::-1]
    grid = np.linspace(-1, 2, 3001) + 1e-4
    values = sum(c * np.exp(power * grid) for power, c in enumerate(coefficients))
    assert np.count_nonzero(np.diff(np.sign(values))) == 3


@pytest.mark.parametrize("options", [{"d": 1, "raw_tokens": True}, {"d": 2}, {"H": 6}, {"N": 1}, {"beta": 30.0}])
def test_it_passes_at_the_edges(options: dict[str, object]) -> None:
    evidence = run_checks(proposition1.CLAIM.checks, prepare(resolve("quick", options)))
    assert [item.verdict for item in evidence] == [Verdict.PASS] * len(evidence)


def test_too_few_heads_leave_the_statement_undecided_not_false() -> None:
    experiment = prepare(resolve("quick", {"H": 3}))
    evidence = {item.check: item for item in run_checks(proposition1.CLAIM.checks, experiment)}
    assert evidence["measure_hypotheses"].verdict is Verdict.UNDECIDED
    assert evidence["certify_rank"].verdict is Verdict.FAIL


def test_the_certified_margin_is_below_the_least_eigenvalue(quick: Experiment) -> None:
    rng = np.random.default_rng(0)
    prompt, token, queries = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal((6, 3, 3))
    logits = prompt @ (queries @ token).T
    C = np.exp(logits) / np.exp(logits).sum(axis=0)
    low, high, margin = proposition1._rank(prompt, queries, token)
    least = np.linalg.eigvalsh(C @ C.T)[0]
    assert (low, high) == (4, 4)
    assert least / 10 < margin < least


def test_nothing_but_a_direction_with_distinct_projections_is_used(quick: Experiment) -> None:
    """Beyond the paper: tokens whose coordinates all coincide somewhere pass the certificate too."""
    tokens = quick.instance.tokens.copy()
    tokens[:4] = [[x, y, *[0.0] * (tokens.shape[1] - 2)] for x in (0.6, -0.6) for y in (0.8, -0.8)]
    study = replace(quick.study, instance=replace(quick.instance, tokens=tokens, prompt_length=4))
    evidence = {item.check: item for item in run_checks(proposition1.CLAIM.checks, replace(quick, study=study))}
    assert evidence["measure_hypotheses"].verdict is Verdict.UNDECIDED
    assert evidence["certify_rank"].verdict is Verdict.PASS
