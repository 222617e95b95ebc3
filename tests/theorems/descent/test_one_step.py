"""One more exact step: against numpy from the definitions, and a κ that is too small for what moved there."""

from __future__ import annotations

import flint
import numpy as np
import pytest
import sympy as sp

from theorems.descent.float_descent import float_problem
from theorems.descent.one_step import one_step
from theorems.descent.runs import literal_run
from theorems.descent.trajectory import DescentRun, descend
from theorems.long_run import LongRun, certify_remainder
from theorems.setting.experiment import Experiment
from verify.claim import Bound, Verdict, worst

STEPS = 5


@pytest.fixture
def run(quick: Experiment) -> DescentRun:
    return literal_run(quick, STEPS)


def test_numpy_finds_the_same_numbers(run: DescentRun) -> None:
    data, prescription = float_problem(run), run.prescription
    queries, weights = run.problem.queries.copy(), run.problem.weights.copy()
    (N, K, _, _), step = run.problem.sizes, float(prescription.step_weights.mid())
    seen = []
    for _ in range(STEPS + 2):
        s = data.attention(queries)
        B = np.einsum("mn,hnk->kmh", data.z_bar, s)
        seen.append((B, np.einsum("kmh,hk->km", B, weights) - (data.z_bar @ data.a_hat).T, weights))
        r = (data.moments[:N, :N] @ np.einsum("hk,hnk->nk", weights, s) - data.moments[:N]) / K
        slopes = np.einsum("nk,hnk->hk", r, s)
        pulled = weights[:, None, :] * (s * r - s * slopes[:, None, :])
        queries = queries - prescription.step_queries * np.einsum(
            "nd,hnk,ke->hde", data.tokens[:N], pulled, data.tokens
        )
        weights = weights - step * slopes
    (first, _, _), (B, delta, w), (B_next, delta_next, _) = seen[0], seen[-2], seen[-1]
    eta = step / K
    rest = delta_next - delta + eta * np.einsum("kmh,knh,kn->km", first, first, delta)
    turned = np.einsum("kmh,knh->kmn", B_next, B) - np.einsum("kmh,knh->kmn", first, first)
    expected = {
        "B_norm": np.linalg.norm(first, 2, axis=(1, 2)).max(),
        "b": max(np.linalg.norm(now - first, 2, axis=(1, 2)).max() for now in (B, B_next)),
        "weights": np.linalg.norm(w),
        "turned": np.linalg.norm(turned, 2, axis=(1, 2)).max(),
        "remainder": np.linalg.norm(rest) / (eta * np.linalg.norm(delta)),
    }
    trajectory = descend(run)
    with flint.ctx.workprec(trajectory.bits):
        found = one_step(run, trajectory)
    for name, value in expected.items():
        assert float(getattr(found, name).mid()) == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize(("loss", "verdict"), [(sp.Integer(1), Verdict.PASS), (sp.Rational(1, 5), Verdict.FAIL)])
def test_a_fifth_of_kappa_is_refuted(loss: sp.Expr, verdict: Verdict, run: DescentRun, quick: Experiment) -> None:
    found = [each for each in certify_remainder(LongRun(quick, given=(run,), loss=loss)) if isinstance(each, Bound)]
    assert len(found) == 4
    assert worst(finding.verdict for finding in found) is verdict
