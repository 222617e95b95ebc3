"""Lazy regime: the minimum-norm solution by an independent solver, and the order seen in float64."""

from __future__ import annotations

from dataclasses import replace

import flint
import numpy as np
import pytest

from theorems.descent.float_descent import float_problem
from theorems.descent.runs import literal_run
from theorems.lazy import SOLUTION, STEPS, LazyRegime, _distances, _solution, certify_order
from theorems.setting.experiment import Experiment
from verify.claim import Verdict, worst


def test_the_solution_is_that_of_least_squares(quick: Experiment) -> None:
    run = literal_run(quick)
    data = float_problem(run)
    s = data.attention(run.problem.queries)
    with flint.ctx.workprec(128):
        found = np.array([[float(x.mid()) for x in row] for row in _solution(SOLUTION, run)])
    for k in range(s.shape[2]):
        expected = np.linalg.lstsq(data.z_bar @ s[:, :, k].T, data.z_bar @ data.a_hat[:, k], rcond=None)[0]
        assert found[:, k] == pytest.approx(expected, abs=1e-12)


def test_gradient_descent_in_float64_ends_at_the_same_distance(quick: Experiment) -> None:
    """Oracle: numpy from the definitions, where 10⁻⁶ is still far above rounding."""
    run = literal_run(quick, STEPS)
    data, prescription = float_problem(run), run.prescription
    queries, weights = run.problem.queries.copy(), run.problem.weights.copy()
    (N, K, _, _), step = run.problem.sizes, float(prescription.step_weights.mid())
    for _ in range(STEPS):
        s = data.attention(queries)
        r = (data.moments[:N, :N] @ np.einsum("hk,hnk->nk", weights, s) - data.moments[:N]) / K
        slopes = np.einsum("nk,hnk->hk", r, s)
        pulled = weights[:, None, :] * (s * r - s * slopes[:, None, :])
        queries = queries - prescription.step_queries * np.einsum(
            "nd,hnk,ke->hde", data.tokens[:N], pulled, data.tokens
        )
        weights = weights - step * slopes
    moved, distance = _distances(SOLUTION, run)
    assert float(moved.mid()) == pytest.approx(np.linalg.norm(queries - run.problem.queries), rel=1e-8)
    with flint.ctx.workprec(128):
        solution = np.array([[float(x.mid()) for x in row] for row in _solution(SOLUTION, run)])
    assert float(distance.mid()) == pytest.approx(np.linalg.norm(weights - solution), rel=1e-6)


def test_twin_relabelled_heads(quick: Experiment) -> None:
    run = literal_run(quick, STEPS)
    turned = replace(run, problem=replace(run.problem, queries=run.problem.queries[::-1].copy()))
    subject = LazyRegime(quick)
    vars(subject)["moving"] = turned
    found = certify_order(subject)
    assert worst(finding.verdict for finding in found) is Verdict.PASS
