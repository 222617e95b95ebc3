"""The induction behind Theorem 1, for any constants that the lemmas allow.

A `Recipe` says which constant of softmax and which bound on ‖Z̄ s‖ the lemmas are used with, and what γ² is
required to be; the step sizes follow from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from theorems.constants import Delta_0, L, alpha, eta, gamma, rate, zeta_0
from theorems.descent import Plan
from theorems.drift import STATED_ROOM, features_chain
from theorems.lemma9 import features_bound
from theorems.lemma10 import spectral_norm
from theorems.notation import N
from theorems.pl import SIGMA, STEP_SIZE, next_gap, step_chain
from theorems.softmax import Lipschitz
from theorems.terms import AT_0, AT_T, Point, Setting, t
from verify.prove.inequality import Chain, Fact, assume, at_most
from verify.prove.quantity import Letter, norm
from verify.prove.rules import entry_below_norm, frobenius, frobenius_columns, least_singular_value, same, triangle

RATE = assume(rate, 1 - eta * SIGMA, "r = 1 − η_Q γ²ζ_0/(2K)", equal=True)
GAP = rate**t * Delta_0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Lemma 2's constant, the setting of the lemmas, the requirement on γ², Lemma 10's matrix, α and D.

    A control takes η_Q ≤ boost/L instead of 1/L, or a ζ_0 that is `zeta` times the least eigenvalue.
    """

    softmax: Lipschitz
    setting: Setting
    gamma_squared: Any
    matrix: Any
    alpha: Any
    D: Any
    boost: int = 1
    zeta: int = 1

    @cached_property
    def plan(self) -> Plan:
        """The step sizes."""
        return Plan(
            gamma_squared=self.gamma_squared, alpha=self.alpha, D=self.D, matrix=self.matrix,
            L=spectral_norm(self.matrix), sigma=SIGMA, boost=self.boost, zeta=self.zeta,
        )  # fmt: skip


def kept(recipe: Recipe) -> Fact:
    """√(ζ_0/2) ‖δ_k‖ ≤ ‖B_k^(t)ᵀ δ_k‖: the drift is too small to lose more than half of ζ_0."""
    x, change = AT_T.delta_k, AT_0.B_k - AT_T.B_k
    parts = AT_T.B_k.T * x, change.T * x
    drift = features_chain(recipe.softmax, recipe.setting)
    enough = assume(recipe.gamma_squared, gamma**2, "the requirement on γ²")
    room = at_most(drift.end).to(STATED_ROOM, enough, assume(sp.sqrt(2), 2, "√2 ≤ 2"))
    small = at_most(norm(change, "F")).by(drift.fact("Drift", quoted=True), room.fact("γ² is large enough"))
    least = sp.sqrt(zeta_0 / recipe.zeta)
    start = at_most(least * norm(x)).by(
        least_singular_value(AT_0.B_k, x, least, "Assumption 2, ζ_0 = min_k λ_min(B_k^(0) B_k^(0)ᵀ)"),
        same(AT_0.B_k.T * x, parts[0] + parts[1], "add and subtract B_k^(t)"), triangle(*parts),
        frobenius(change, x), small.fact("the drift is at most (1 − 1/√2)√ζ_0"),
    )  # fmt: skip
    half = at_most(sp.sqrt(zeta_0 / 2) * norm(x)).to(norm(parts[0]), start.fact("√ζ_0 ‖δ_k‖ is at most this"))
    return half.fact("B_k^(t) keeps half of ζ_0")


def contraction(recipe: Recipe) -> Chain:
    """Δ^(t+1) ≤ r^{t+1} Δ^(0) from Δ^(t) ≤ r^t Δ^(0), r = 1 − η_Q σ."""
    size = STEP_SIZE if recipe.boost == 1 else assume(eta * L, recipe.boost, f"η_Q ≤ {recipe.boost}/L")
    step = step_chain(AT_T, kept(recipe), size).fact("one step (descent lemma and PL)")
    hypothesis = assume(AT_T.gap, GAP, "induction hypothesis at t")
    return at_most(next_gap).by(step).to(rate * AT_T.gap, RATE).by(hypothesis)


def half_rate(recipe: Recipe) -> Chain:
    """η_Q σ ≤ 1/2, because ζ_0 ≤ K Laa/γ² (Assumption 2 and Lemma 9) and Laa ≤ L."""
    x, entry = Letter("x", N, 1), recipe.matrix[1, 1]
    unit = assume(norm(x), 1, "‖x‖ = 1", equal=True)
    root = at_most(sp.sqrt(zeta_0) * norm(x)).by(
        least_singular_value(AT_0.B_k, x, sp.sqrt(zeta_0), "Assumption 2"), frobenius(AT_0.B_k, x),
        frobenius_columns(AT_0.columns), features_bound(AT_0, recipe.setting), unit,
    )  # fmt: skip
    small = at_most(sp.sqrt(zeta_0)).to(root.end, root.fact("√ζ_0 ‖x‖ ≤ ‖B_k‖_F ‖x‖"), unit).fact("the bound on √ζ_0")
    chain = at_most(eta * SIGMA).to(eta / 2 * entry, small).to(eta / 2 * L, entry_below_norm(entry, L))
    return chain.to(sp.Rational(1, 2), STEP_SIZE)


def segment() -> Chain:
    """|(1 − u) α^(t)_hk + u α^(t+1)_hk| ≤ α for 0 ≤ u ≤ 1."""
    share = sp.Symbol("u", nonnegative=True)
    ends = AT_T.alpha_hk, Point(step="t+1").alpha_hk
    parts = (1 - share) * ends[0], share * ends[1]
    rest = assume(sp.Abs(1 - share), 1 - share, "0 ≤ u ≤ 1", equal=True)
    bounds = (assume(norm(end), alpha, f"Drift: |{end.name}| ≤ α") for end in ends)
    return at_most(norm(parts[0] + parts[1])).by(triangle(*parts), rest).to(alpha, *bounds, assume(share, 1, "u ≤ 1"))


def infimum_chain() -> Chain:
    """inf L − L* ≤ r^t Δ^(0) for every t."""
    infimum = sp.Symbol("inf L − L*", nonnegative=True)
    below = assume(infimum, AT_T.gap, "inf L ≤ L(θ^(t)); L ≥ L* by Lemma 5")
    return at_most(infimum).by(below, assume(AT_T.gap, GAP, "the bound at t"))
