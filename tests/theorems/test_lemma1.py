"""Lemma 1: finite differences of the plain formula, and relabelling the prompt."""

import numpy as np
from scipy.special import softmax

from theorems import lemma1
from theorems.setting.experiment import Experiment
from verify.claim import Verdict


def _slope(V: np.ndarray, Q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """∂s_j/∂Q as the lemma has it, N x d x d."""
    s = softmax(V.T @ Q @ v)
    differences = V[:, :, None] - V[:, None, :]
    result: np.ndarray = np.einsum("j,i,pji,q->jpq", s, s, differences, v)
    return result


def test_finite_differences() -> None:
    rng = np.random.default_rng(0)
    V, Q, v, step = rng.standard_normal((3, 5)), rng.standard_normal((3, 3)), rng.standard_normal(3), 1e-5
    for p in range(3):
        for q in range(3):
            bump = np.zeros((3, 3))
            bump[p, q] = step
            observed = (softmax(V.T @ (Q + bump) @ v) - softmax(V.T @ (Q - bump) @ v)) / (2 * step)
            # A central difference errs by step² times third derivatives of order |V|³|v|³ ≤ 1e3, and by roundoff/step.
            assert np.allclose(observed, _slope(V, Q, v)[:, p, q], rtol=0, atol=1e3 * step**2 + 1e-15 / step)


def test_the_derivatives_sum_to_zero_over_the_prompt() -> None:
    """Twin: softmax sums to 1, so its derivatives sum to 0; and a permutation of the prompt permutes them."""
    rng = np.random.default_rng(1)
    V, Q, v = rng.standard_normal((3, 5)), rng.standard_normal((3, 3)), rng.standard_normal(3)
    order = rng.permutation(5)
    assert np.abs(_slope(V, Q, v).sum(axis=0)).max() < 1e-15 * 5 * np.abs(V).max() * np.abs(v).max()
    assert np.allclose(_slope(V[:, order], Q, v), _slope(V, Q, v)[order], rtol=0, atol=1e-14)


def test_a_wrong_formula_of_softmax_is_not_used_for_the_gradients(quick: Experiment) -> None:
    """The gradients are then derived from the definition instead, and the wrong ones are refuted, not left open."""
    broken = lemma1.CLAIM.controls["opposite_sign"].planted_in(lemma1.CLAIM.about, quick)
    assert [finding.verdict for finding in lemma1.derive_softmax(broken)] == [Verdict.PASS, Verdict.FAIL]
    by_alpha, by_queries = lemma1.derive_gradients(broken)
    assert (by_alpha.status, by_queries.status) == ("proved", "refuted")
