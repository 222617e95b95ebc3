"""The wider Theorem 1: its constants by hand, its induction against a descent in numpy, and what it gains."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from tests.theorems.conftest import quick_outcome
from theorems import theorem1, theorem1_wide
from theorems.descent.certified_path import path_paid
from theorems.descent.runs import literal_run
from theorems.setting.constants import Delta_0, Z_norm, f_max, gamma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.theorem1_wide import WiderConvergence
from verify.claim import Verdict

STEPS = 300


def test_the_requirement_and_the_bounds_typed_by_hand() -> None:
    numbers = {K: 7, f_max: sp.Rational(3, 2), Delta_0: 3, zeta_0: sp.Rational(1, 4), gamma: 5}
    by_hand = {
        theorem1_wide.STATED_GAMMA: 16 * 2**0.5 * (2 + 2**0.5) * 7 * 1.5**2 * 3 / 0.25**2,
        theorem1_wide.STATED_ALPHA: 4 * (7 * 3) ** 0.5 / (5 * 0.5),
        theorem1_wide.STATED_QUERIES: 16 * 2**0.5 * 1.5 * 7 * 3 / (25 * 0.25**1.5),
    }
    for stated, value in by_hand.items():
        assert float(stated.subs(numbers)) == pytest.approx(value, rel=1e-14)


def softmax_columns(tokens: np.ndarray, N: int, queries: np.ndarray) -> np.ndarray:
    """softmax(VᵀQ_h v_k) for every head and token, H × N × K."""
    logits = np.einsum("nd,hde,ke->hnk", tokens[:N], queries, tokens)
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: np.ndarray = grown / grown.sum(axis=1, keepdims=True)
    return found


def test_a_descent_in_numpy_obeys_the_three_bounds_at_every_step() -> None:
    """Oracle: gap, gradients, ζ₀, γ, L and the steps from their definitions, with numpy and numbers typed here."""
    data = prepare(resolve("literal", {}))
    instance, Q = data.instance, data.study.start.queries.double().numpy().copy()
    tokens, N = instance.tokens, instance.prompt_length
    size, H, m = len(tokens), len(Q), instance.feature_count
    Z, c = instance.features[:N].T, m * instance.noise
    values, vectors = np.linalg.eigh(Z.T @ Z + c * np.eye(N))
    Z_bar = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    limit = np.linalg.solve(Z_bar @ Z_bar, Z.T @ instance.features.T + c * np.eye(N, size))
    f, A = np.linalg.norm(Z_bar, axis=0).max(), np.linalg.norm(Z_bar @ limit, 2)
    b = np.einsum("nj,hjk->hnk", Z_bar, softmax_columns(tokens, N, Q))
    zeta = min(np.linalg.svd(b[:, :, k].T, compute_uv=False)[N - 1] for k in range(size)) ** 2
    first = np.linalg.norm(Z_bar @ limit) ** 2 / (2 * size)
    g = (1 + 1e-6) * np.sqrt(16 * 2**0.5 * (2 + 2**0.5) * size * f**2 * first / zeta**2)
    ball, turn = 4 * np.sqrt(size * first / zeta) / g, 16 * 2**0.5 * f * size * first / (g**2 * zeta**1.5)
    D = g * H * ball * f + A
    mixed = g * f / np.sqrt(size) * (D + ball * g * f * H)
    L = np.linalg.norm([[g * f * ball * (ball * g * f * H + 3 * D), mixed], [mixed, g**2 * f**2 * H / size]], 2)
    eta, start, alpha = (1 - 1e-6) / L, Q.copy(), np.zeros((H, size))
    for t in range(STEPS):
        s = softmax_columns(tokens, N, Q)
        delta = Z_bar @ (np.einsum("hk,hnk->nk", g * alpha, s) - limit)
        gap = np.linalg.norm(delta) ** 2 / (2 * size)
        left, slack = 1 - np.sqrt(gap / first), 1e-9
        assert np.linalg.norm(alpha) <= ball * left + slack
        assert np.linalg.norm(Q - start) <= turn * left + slack
        assert gap <= (1 - eta * g**2 * zeta / (2 * size)) ** t * first + slack
        pulled = Z_bar.T @ delta
        inner = np.einsum("hnk,nk->hk", s, pulled)
        jacobian = s * (pulled[None] - inner[:, None])
        by_Q = g / size * np.einsum("nd,hnk,hk,ke->hde", tokens[:N], jacobian, alpha, tokens)
        alpha, Q = alpha - eta * g / size * inner, Q - eta * by_Q


@pytest.mark.xdist_group("theorem1_wide")
def test_the_claim_passes_on_the_quick_instance() -> None:
    outcome = quick_outcome("theorem1_wide")
    assert outcome.verdict is Verdict.PASS


def test_gamma_is_5_and_50_and_499_times_smaller(quick: Experiment) -> None:
    found = {bound.name: bound.quantities for bound in theorem1_wide.measure_gain(WiderConvergence(quick))}
    gains = [found[f"γ, {preset} instance"]["times_smaller"] for preset in ("literal", "quick", "paper")]
    assert gains == pytest.approx([5.1087, 50.348, 498.74], rel=1e-4)
    assert found["γ, this instance"] == found["γ, quick instance"]


def test_without_enough_heads_there_is_no_gain_here() -> None:
    few = WiderConvergence(prepare(resolve("quick", {"H": 3})))
    names = [bound.name for bound in theorem1_wide.measure_gain(few)]
    assert "γ, this instance" not in names
    assert len(names) == 3


def test_twin_in_other_units_the_requirement_and_the_ball_scale_as_they_should() -> None:
    """Features and √τ times u: Z̄, √ζ_0 and √Δ^(0) are u times as large, γ² and γα stay as they are."""
    u = sp.Symbol("u", positive=True)
    scaled = {f_max: u * f_max, Delta_0: u**2 * Delta_0, zeta_0: u**2 * zeta_0}
    for stated in (theorem1_wide.STATED_GAMMA, gamma * theorem1_wide.STATED_ALPHA):
        assert sp.simplify(stated.subs(scaled, simultaneous=True) - stated) == 0
    scaled |= {Z_norm: u * Z_norm}
    assert sp.simplify(theorem1.STATED_GAMMA.subs(scaled, simultaneous=True) - theorem1.STATED_GAMMA) == 0


def test_a_forced_run_without_step_sizes_says_which_hypothesis_fails(quick: Experiment) -> None:
    run = literal_run(quick)
    few = replace(run.problem, queries=run.problem.queries[:1], weights=run.problem.weights[:1])
    forced = replace(run, problem=few, forced=True, required=theorem1_wide.required())
    [found] = path_paid(forced, theorem1_wide.stated_constants())
    assert found.name == "assumption2"
