"""The chains behind Theorem 1, wider: the gap pays for the path of gradient descent, step by step.

With p_t = 1 − √Δ^(t)/√Δ^(0) the induction at t is ‖α^(t)‖_F ≤ α p_t, ‖Q^(t) − Q^(0)‖_F ≤ (its bound) p_t, both over all
heads and tokens, and Δ^(t) ≤ r^t Δ^(0). What is stated of α and of the bound on Q is given; nothing here types it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from theorems import drift, lemma1, lemma5, lemma7, lemma8, pl
from theorems.descent.induction import GAP, LemmaConstants
from theorems.lemma9 import FEATURES_BOUND
from theorems.lemma10 import LIPSCHITZ_GRADIENT, NORM_IS_L
from theorems.network.letters import AT_0, AT_NEXT, AT_T, BETWEEN, Point, h, k
from theorems.network.pair import Pair
from theorems.setting.constants import Delta_0, L, alpha, eta, f_max, gamma, q, rate, zeta_0
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import ENTRIES, SIGMA
from verify.prove.inequalities.chain import Chain, Fact, at_least, at_most
from verify.prove.inequalities.lemma import define, hypothesis, quote
from verify.prove.inequalities.quantity import length, lengths_of_sums, norm
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    entries_of,
    entry_below_norm,
    member,
    minkowski,
    same,
    square,
    triangle,
)

NOW, AFTER, START = sp.sqrt(AT_T.gap), sp.sqrt(pl.next_gap), sp.sqrt(Delta_0)
WALKED, WALKED_NEXT = 1 - NOW / START, 1 - AFTER / START  # p_t and p_{t+1}
STEP = "one step of gradient descent"
WEIGHTS_STEP = hypothesis(AT_NEXT.alpha_hk, AT_T.alpha_hk - eta * AT_T.g_hk, STEP)
QUERIES_STEP = hypothesis(AT_NEXT.Q_h, AT_T.Q_h - eta * AT_T.G_h, STEP)


@dataclass(frozen=True, kw_only=True)
class PathConstants(LemmaConstants):
    """`alpha` bounds ‖α^(t)‖_F, and `queries` bounds ‖Q^(t) − Q^(0)‖_F."""

    queries: sp.Expr

    @property
    def weights_fact(self) -> Fact:
        """‖α^(t)‖_F ≤ α p_t."""
        grown, bound = length((h, k), norm(AT_T.alpha_hk)), self.alpha * WALKED
        known: Fact = hypothesis(grown, bound, "induction hypothesis: the weights at t")
        return known

    @property
    def queries_fact(self) -> Fact:
        """‖Q^(t) − Q^(0)‖_F ≤ (its bound) p_t."""
        turned, bound = length(h, norm(AT_T.Q_h - AT_0.Q_h, "F")), self.queries * WALKED
        known: Fact = hypothesis(turned, bound, "induction hypothesis: Q at t")
        return known

    @property
    def named(self) -> Fact:
        """α is the bound on the weights."""
        known: Fact = define(alpha, self.alpha, "α is the bound on ‖α^(t)‖_F")
        return known


def drift_chain(constants: PathConstants) -> Chain:
    """‖B_k^(t) − B_k^(0)‖_F ≤ f̄_max times the bound on Q."""
    chain = at_most(norm(AT_T.B_k - AT_0.B_k, "F"))
    chain = chain.by(quote(lemma8.ALL_FEATURES_MOVED, AT_T, AT_0, constants.softmax), constants.queries_fact)
    return chain.to(constants.softmax.value * f_max * constants.queries, rule="√Δ^(t) ≥ 0")


def half_kept(constants: PathConstants) -> Fact:
    """B_k^(t) keeps half of ζ_0."""
    return drift.keeps_half(constants, drift_chain(constants).fact("the drift, by the induction hypothesis on Q"))


def below_zeta(constants: LemmaConstants) -> Fact:
    """√ζ_0 ≤ √H f̄_max."""
    known: Fact = quote(pl.ZETA_BELOW, constants)
    return known


def _stepped(start: Any, each: Chain) -> Chain:
    """A length over heads and tokens after one step, by Minkowski's inequality."""
    chain = at_most(start).by(each.fact("each of them"))
    return chain.by(*map(minkowski, lengths_of_sums(chain.end)))


def stepped_weights() -> Chain:
    """‖α^(t+1)‖_F ≤ ‖α^(t)‖_F + η_Q ‖∇_α ℓ‖_F."""
    parts, next_weight = (AT_T.alpha_hk, -eta * AT_T.g_hk), AT_NEXT.alpha_hk
    step = same(next_weight, parts[0] + parts[1], STEP, WEIGHTS_STEP)
    return _stepped(length((h, k), norm(next_weight)), at_most(norm(next_weight)).by(step, triangle(*parts)))


def stepped_queries() -> Chain:
    """‖Q^(t+1) − Q^(0)‖_F ≤ ‖Q^(t) − Q^(0)‖_F + η_Q ‖∇_Q ℓ‖_F."""
    parts, turned = (AT_T.Q_h - AT_0.Q_h, -eta * AT_T.G_h), AT_NEXT.Q_h - AT_0.Q_h
    step = same(turned, parts[0] + parts[1], STEP, QUERIES_STEP, kind="F")
    return _stepped(length(h, norm(turned, "F")), at_most(norm(turned, "F")).by(step, triangle(*parts, kind="F")))


def short_step(constants: PathConstants) -> Fact:
    """η_Q γ f̄_max √(2H/K) ≤ α/√Δ^(0), because γ²f̄_max²H/K = Laa ≤ L ≤ 1/η_Q and √ζ_0 ≤ √H f̄_max."""
    named = define(ENTRIES[1, 1], constants.matrix[1, 1], f"{ENTRIES[1, 1]} names it")
    size, root = sp.sqrt(constants.zeta) * K, sp.sqrt(H * zeta_0)
    chain = at_most(eta * gamma**2 * f_max * root).by(below_zeta(constants))
    chain = chain.to(size * eta * L, named, entry_below_norm(ENTRIES, 1, 1), NORM_IS_L)
    scaled = chain.to(size * constants.boost, constants.step_size_fact).fact("η_Q γ² f̄_max √(Hζ_0) ≤ K")
    pace = at_most(eta * gamma * f_max * sp.sqrt(2 * H) / sp.sqrt(K))
    return pace.to(constants.alpha / START, scaled).fact("η_Q γ f̄_max √(2H/K) ≤ α/√Δ^(0)")


def next_weights_chain(constants: PathConstants) -> Chain:
    """‖α^(t+1)‖_F ≤ α, whatever the gap at t + 1 is."""
    pull = same(
        AT_T.g_hk, gamma / K * AT_T.delta_k.T * AT_T.b_hk, "∂ℓ/∂α_hk by Lemma 1", quote(lemma1.GRADIENT_WEIGHT, AT_T)
    )
    slope = at_most(length((h, k), norm(AT_T.g_hk))).by(
        pull,
        cauchy_schwarz(AT_T.delta_k, AT_T.b_hk),
        quote(FEATURES_BOUND, AT_T, constants.setting),
        quote(lemma5.GAP, AT_T),
    )
    chain = stepped_weights().by(slope.fact("‖∇_α ℓ‖ ≤ γ f̄_max √(2HΔ^(t)/K)"), constants.weights_fact)
    return chain.to(constants.alpha, short_step(constants)).by(constants.named)


def _entry(point: Point, *bounds: Fact) -> Chain:
    """|α_hk| ≤ ‖α‖_F, and what that is at most."""
    entry = norm(point.alpha_hk)
    return at_most(entry).by(member(k, entry), member(h, length(k, entry)), *bounds)


def lipschitz_on_step(constants: PathConstants) -> Fact:
    """‖∇ℓ(ξᵘ) − ∇ℓ(ξ^(t))‖ ≤ L ‖ξᵘ − ξ^(t)‖ on the segment from t to t + 1, both ends being in the ball."""
    here = _entry(AT_T, constants.weights_fact).to(alpha, constants.named).fact("ξ^(t) is in the ball")
    inside = next_weights_chain(constants).fact("the bound on ‖α^(t+1)‖_F")
    segment = drift.segment(here, _entry(AT_NEXT, inside).fact("ξ^(t+1) is in the ball"))
    bounds = (AT_T, here), (BETWEEN, segment.fact("so is the segment"))
    setting = replace(constants.setting, bounds=bounds)
    pair = Pair(here=BETWEEN, there=AT_T, softmax=constants.softmax, setting=setting)
    known: Fact = quote(LIPSCHITZ_GRADIENT, pair, constants.matrix)
    return known


def steep(constants: PathConstants) -> Fact:
    """The PL inequality at t."""
    known: Fact = quote(pl.SLOPE, AT_T, half_kept(constants))
    return known


def paid_chain(constants: PathConstants) -> Chain:
    """√Δ^(t+1) + (η_Q √(2σ)/4) ‖∇ℓ‖ ≤ √Δ^(t).

    Its square follows from √(2σΔ^(t+1)) ≤ q ‖∇ℓ‖ and 2q ≤ 1 + q² = 2 − η_Q σ.
    """
    fall = quote(pl.DESCENT, AT_T, constants.step_size_fact, lipschitz_on_step(constants))
    root, ratio, is_rate = sp.sqrt(2 * SIGMA), define(q, sp.sqrt(rate), "q² = r"), pl.rate_is(constants)
    small = at_most(root * AFTER).to(q * pl.slope, fall, steep(constants), ratio, is_rate)
    below = at_most(2 * q).to(2 - eta * SIGMA, square(q - 1), ratio, is_rate)
    facts = fall, small.fact("√(2σΔ^(t+1)) ≤ q ‖∇ℓ‖"), below.fact("2q ≤ 1 + q²")
    return at_most(AFTER + eta * root / 4 * pl.slope).to(NOW, *facts)


def grown_chain(constants: PathConstants) -> Chain:
    """‖α^(t+1)‖_F ≤ α p_{t+1}."""
    part = at_least(pl.slope).to(length(k, norm(AT_T.g_k)), pl.slope_is(AT_T), rule="∇_α ℓ is a part of ∇ℓ")
    part = part.by(entries_of(AT_T.g_k, h, AT_T.g_hk))
    paid = paid_chain(constants).fact("the gap pays for the step")
    chain = stepped_weights().by(part.fact("‖∇_α ℓ‖ ≤ ‖∇ℓ‖"))
    return chain.to(constants.alpha * WALKED_NEXT, constants.weights_fact, paid)


def pulled_queries(constants: PathConstants) -> Chain:
    """‖Q^(t+1) − Q^(0)‖_F ≤ ‖Q^(t) − Q^(0)‖_F + η_Q √2 f̄_max (α/√ζ_0) ‖∇ℓ‖."""
    ball = at_most(length((h, k), norm(AT_T.alpha_hk))).by(constants.weights_fact).to(constants.alpha)
    low = at_most(NOW).to(sp.sqrt(K) / (gamma * sp.sqrt(zeta_0)) * pl.slope, steep(constants))
    return stepped_queries().by(
        quote(lemma7.ALL_GRADIENTS, AT_T, constants.softmax),
        ball.fact("‖α^(t)‖_F ≤ α"),
        quote(lemma5.GAP, AT_T),
        low.fact("the PL inequality, √Δ^(t) in terms of ‖∇ℓ‖"),
    )


def turned_chain(constants: PathConstants) -> Chain:
    """‖Q^(t+1) − Q^(0)‖_F ≤ (its bound) p_{t+1}."""
    paid = paid_chain(constants).fact("the gap pays for the step")
    bound = constants.queries * WALKED_NEXT
    return pulled_queries(constants).to(bound, constants.queries_fact, paid)


def gap_chain(constants: PathConstants) -> Chain:
    """Δ^(t+1) ≤ r^{t+1} Δ^(0)."""
    step = quote(pl.STEP, AT_T, half_kept(constants), constants.step_size_fact, lipschitz_on_step(constants))
    held = hypothesis(AT_T.gap, GAP, "induction hypothesis: the gap at t")
    return at_most(pl.next_gap).by(step).to(rate * AT_T.gap, pl.rate_is(constants)).by(held)
