"""Lemma 2: the closed form of ‖J v‖₁ at the corners, an optimiser that looks for more, and shifts as a twin."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import softmax

from theorems import lemma2, lemma2_sharp
from theorems.lemma2_sharp import MovedWeights, derivation, measured
from theorems.network.softmax import bound, derivative
from theorems.setting.experiment import Experiment
from verify.claim import Verdict
from verify.prove.inequalities.chain import facts_of


@pytest.mark.parametrize("N", [2, 3, 6])
def test_at_a_corner_of_the_cube_the_mean_deviation_is_four_p_times_one_minus_p(N: int) -> None:
    """For v in {−1, 1}^N and p the weight of the entries 1, Σ s_j |v_j − μ| = 4p(1 − p) ≤ 1; corners are the worst."""
    rng = np.random.default_rng(N)
    for weights in rng.dirichlet(np.ones(N), size=20):
        jacobian = np.diag(weights) - np.outer(weights, weights)
        sizes = {corner: np.abs(jacobian @ corner).sum() for corner in product((-1, 1), repeat=N)}
        for corner, size in sizes.items():
            share = weights[np.array(corner) == 1].sum()
            assert size == pytest.approx(4 * share * (1 - share), abs=1e-12)
        inside = rng.uniform(-1, 1, size=(200, N))
        assert np.abs(inside @ jacobian).sum(axis=1).max() <= max(sizes.values()) + 1e-12


def test_an_optimiser_finds_no_ratio_above_one_but_comes_close() -> None:
    def ratio(point: np.ndarray) -> float:
        first, second = np.split(point, 2)
        distance = np.abs(first - second).max()
        return -float(np.abs(softmax(first) - softmax(second)).sum() / distance) if distance > 1e-6 else 0.0

    rng = np.random.default_rng(0)
    best = min(minimize(ratio, rng.standard_normal(6), method="Nelder-Mead").fun for _ in range(10))
    assert -1 - 1e-9 <= best <= -0.95


def test_a_bound_of_one_proves_the_bound_of_two(quick: Experiment) -> None:
    subject = MovedWeights(quick)
    assert derivation(subject, bound(2), lemma2_sharp.difference()).status == "proved"
    assert derivation(subject, bound(1), lemma2.difference()).status == "unknown"  # the triangle inequality is too weak


def test_the_sharp_proof_uses_the_variance_and_the_other_does_not() -> None:
    rules = {module: {fact.rule for fact in facts_of(module.mean_deviation())} for module in (lemma2, lemma2_sharp)}
    assert "Cauchy–Schwarz with weights" in rules[lemma2_sharp] - rules[lemma2]
    assert "triangle inequality" in rules[lemma2] - rules[lemma2_sharp]


def test_the_derivative_is_exact() -> None:
    assert derivative().residual == "0"


@pytest.mark.parametrize(
    ("constant", "verdict"), [(2, Verdict.PASS), (1, Verdict.PASS), (Fraction(99, 100), Verdict.FAIL)]
)
def test_the_measurement_tells_a_constant_just_below_one(constant: Any, verdict: Verdict, quick: Experiment) -> None:
    assert measured(MovedWeights(quick), bound(constant)).verdict is verdict


def test_softmax_does_not_see_a_shift_so_half_the_range_would_do() -> None:
    """Metamorphic twin: adding a number to all logits changes nothing."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        first, second = rng.standard_normal((2, 5))
        spread = np.ptp(first - second) / 2
        assert np.abs(softmax(first) - softmax(second)).sum() <= spread + 1e-12
        assert np.allclose(softmax(first + 7), softmax(first))
