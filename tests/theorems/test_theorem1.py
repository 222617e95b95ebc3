"""Theorem 1 on a network written out in plain Python with mpmath, and its constants typed once more by hand."""

from dataclasses import replace

import mpmath as mp
import pytest
import sympy as sp

from theorems import lemma2, theorem1, theorem1_sharp
from theorems.descent.induction import Induction
from theorems.descent.step_sizes import float_start
from theorems.drift import gamma_squared
from theorems.setting.constants import Delta_0, Z_norm, f_max, zeta_0
from theorems.setting.notation import H, K
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.theorem1 import LinearConvergence
from verify.claim import Bound, Verdict
from verify.runner import run_checks

STEPS = 300


def one_token_run(constants: tuple[mp.mpf, mp.mpf]) -> None:
    """N = 1, K = 2, H = 2: attention is trivial, so α follows α⁺ = α − η(γ/K) z̄ δ exactly."""
    c_gamma, norm_power = constants
    z1, z2, tau, heads, tokens = mp.mpf(2), mp.mpf(1), mp.mpf(1) / 2, 2, 2
    z_bar = mp.sqrt(z1**2 + tau)
    targets = [z_bar, z1 * z2 / z_bar]
    gap0 = sum(a**2 for a in targets) / (2 * tokens)
    zeta = heads * z_bar**2
    gamma = mp.sqrt(c_gamma * tokens**1.5 * mp.sqrt(heads) * z_bar**norm_power * gap0 * zeta ** mp.mpf(-2.5))
    alpha = 4 * mp.sqrt(2 * tokens) * z_bar * mp.sqrt(gap0) / (gamma * zeta)
    D = gamma * heads * alpha * z_bar + mp.sqrt(sum(a**2 for a in targets))
    Lqq = gamma * z_bar / tokens * (4 * alpha**2 * gamma * z_bar * heads * tokens + 8 * alpha * D * tokens)
    Lqa = gamma * z_bar / tokens * (2 * D * mp.sqrt(tokens) + 2 * alpha * gamma * z_bar * heads * mp.sqrt(tokens))
    Laa = gamma**2 * z_bar**2 * heads / tokens
    L = mp.svd_r(mp.matrix([[Lqq, Lqa], [Lqa, Laa]]), compute_uv=False)[0]
    rate = gamma**2 / L * zeta / (2 * tokens)
    weights = [[mp.mpf(0)] * tokens for _ in range(heads)]
    for t in range(STEPS):
        deltas = [gamma * z_bar * sum(row[k] for row in weights) - targets[k] for k in range(tokens)]
        gap = sum(delta**2 for delta in deltas) / (2 * tokens)
        assert gap <= (1 - rate) ** t * gap0
        weights = [[row[k] - gamma / tokens * z_bar * deltas[k] / L for k in range(tokens)] for row in weights]
        assert max(abs(entry) for row in weights for entry in row) <= alpha


@pytest.mark.parametrize("constants", [(128 * (2 + mp.sqrt(2)), 3), (32 * (2 + mp.sqrt(2)), 3)], ids=["c = 2", "c = 1"])
def test_one_prompt_token_in_fifty_digits(constants: tuple[mp.mpf, mp.mpf]) -> None:
    with mp.workdps(50):
        one_token_run(constants)


def test_the_requirement_is_128_times_2_plus_root_2() -> None:
    numbers = {K: 7, H: 5, Z_norm: 2, f_max: sp.Rational(3, 2), Delta_0: 3, zeta_0: sp.Rational(1, 4)}
    by_hand = 128 * (2 + 2**0.5) * 7**1.5 * 5**0.5 * 4 * 1.5 * 3 * 0.25**-2.5
    assert float(theorem1.STATED_GAMMA.subs(numbers)) == pytest.approx(by_hand, rel=1e-14)
    assert float(gamma_squared(lemma2.LIPSCHITZ).subs(numbers)) == pytest.approx(by_hand, rel=1e-14)


def test_without_enough_heads_there_are_no_step_sizes_and_the_assumption_is_named() -> None:
    few = prepare(resolve("quick", {"H": 3}))
    assert float_start(few, theorem1.stated_constants().step_sizes) is None
    evidence = {item.check: item for item in run_checks(theorem1.CLAIM.checks, LinearConvergence(few))}
    for check in ("certify_descent", "certify_induction", "measure_descent"):
        assert evidence[check].verdict is Verdict.UNDECIDED
    named = [f.name for f in evidence["measure_training_assumptions"].findings if f.verdict is not Verdict.PASS]
    assert named == ["assumption2"]


@pytest.mark.parametrize("kept", [((0, 0), (0, 1)), ((1, 0), (1, 1)), ((0, 1), (1, 1)), ((1, 1), (0, 1))])
def test_every_entry_of_lemma_10_carries_theorem_1(kept: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """With an entry of the Lipschitz matrix left out, the step of Theorem 1 has no constant and no proof."""
    for stated in (theorem1.stated_constants(), theorem1_sharp.stated_constants()):
        matrix = sp.ImmutableMatrix(2, 2, lambda i, j, m=stated.matrix: kept[i][j] * m[i, j])
        forged = Induction(stated=lambda stated=stated, matrix=matrix: replace(stated, matrix=matrix))
        for check in (theorem1.derive_premises, theorem1.derive_induction):
            assert list(check(forged))[-1].status != "proved"


def test_the_record_names_the_numbers_of_its_sentences() -> None:
    own = prepare(resolve("literal", {}))
    (evidence,) = run_checks([theorem1.certify_descent], LinearConvergence(own))
    bound = next(finding for finding in evidence.findings if finding.name.startswith("Δ⁽ᵗ⁾"))
    assert isinstance(bound, Bound)
    named = bound.quantities
    assert {"gap_initial", "gap_final", "zeta0", "gamma", "rate", "steps", "bits"} <= named.keys()
    assert f"with {named['bits']} bits to t = {named['steps']}" in bound.reason
    assert named["gap_final"] <= (1 - named["rate"]) ** named["steps"] * named["gap_initial"]
    assert named["rate"] == pytest.approx(named["step_weights"] * named["zeta0"] / (2 * 4))
