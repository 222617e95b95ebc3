"""Attainment: an independent solver finds the same weights, and what cannot be decided stays open."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest
import torch

from numerics.measure import token_losses
from numerics.model import Network, attention, mixture_float64
from theorems.attainment import CLAIM, ExplicitWeights, certify_attained
from theorems.network.enclosed import enclose
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from verify.claim import Verdict, worst
from verify.runner import run_checks


def test_least_squares_in_float64_reaches_the_same_loss(quick: Experiment) -> None:
    """Oracle: numpy's minimum-norm least squares, judged by the population loss of the laboratory."""
    theory, start = quick.theory, quick.study.start.to(device="cpu", dtype=torch.float64)
    tokens = torch.from_numpy(quick.instance.tokens.copy())
    mixing = attention(start.queries, tokens, quick.instance.prompt_length).permute(2, 1, 0).numpy()
    weights = [
        np.linalg.lstsq(theory.z_bar @ C, theory.z_bar @ theory.a_hat[:, k], rcond=None)[0]
        for k, C in enumerate(mixing)
    ]
    network = Network(queries=quick.study.start.queries, weights=torch.from_numpy(np.array(weights).T.copy()))
    mixed = mixture_float64(network, quick.instance.tokens, quick.instance.prompt_length)
    assert token_losses(mixed, quick.study.moments).mean() == pytest.approx(theory.loss_star, rel=1e-10)
    with flint.ctx.workprec(128):
        problem = problem_of(quick)
        found = ExplicitWeights(quick).mixture(problem, enclose(problem))
        assert np.array(found.mid().tolist(), dtype=float) == pytest.approx(mixed, abs=1e-9)


def test_twin_relabelled_heads(quick: Experiment) -> None:
    order = np.random.default_rng(0).permutation(len(quick.study.start.queries))
    permuted = ExplicitWeights(quick, change=lambda p: replace(p, queries=p.queries[order], weights=p.weights[order]))
    assert worst(finding.verdict for finding in certify_attained(permuted)) is Verdict.PASS


def test_too_few_bits_are_undecided(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theorems.attainment.START_BITS", 64)
    monkeypatch.setattr("theorems.attainment.LIMIT", 64)
    verdicts = {item.name: item.verdict for item in certify_attained(ExplicitWeights(quick))}
    assert verdicts["|L(w) − L*| at the start"] is Verdict.UNDECIDED


def test_equal_heads_are_named_and_prove_nothing(quick: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("theorems.attainment.LIMIT", 256)
    alike = ExplicitWeights(quick, change=lambda problem: replace(problem, queries=np.zeros_like(problem.queries)))
    evidence = run_checks(CLAIM.checks, alike)
    found = {item.name: item.verdict for part in evidence for item in part.findings}
    assert found["assumption2"] is not Verdict.FAIL
    assert found["|L(w) − L*| at the start"] is Verdict.UNDECIDED
    assert all(part.error is None for part in evidence)
