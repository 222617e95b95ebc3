"""The induction behind Theorem 1, for any constants that the lemmas allow.

A `LemmaConstants` says which constant of softmax and which bound on ‖Z̄ s‖ the lemmas are used with, and what γ² is
required to be; the step sizes follow from them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from theorems.descent.step_sizes import StepSizes
from theorems.drift import FEATURES, ROOT_OF_TWO, STATED_ROOM, weights_bound
from theorems.lemma9 import FEATURES_BOUND
from theorems.lemma10 import ENTRIES, LIPSCHITZ_GRADIENT, NORM_IS_L, spectral_norm
from theorems.network.gradients import Pair
from theorems.network.letters import AT_0, AT_NEXT, AT_P, AT_S, AT_T, BETWEEN, Setting, t
from theorems.network.softmax import Lipschitz
from theorems.pl import SIGMA, STEP_SIZE
from theorems.setting.constants import Delta_0, L, alpha, eta, gamma, rate, zeta_0
from theorems.setting.notation import N
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import define, hypothesis, quote
from verify.prove.inequalities.quantity import Letter, norm
from verify.prove.inequalities.rules import (
    entry_below_norm,
    frobenius,
    frobenius_columns,
    least_singular_value,
    same,
    triangle,
)

GAP = rate**t * Delta_0
share, rest = sp.symbols("u ū", nonnegative=True)  # u + ū = 1


@dataclass(frozen=True, kw_only=True)
class LemmaConstants:
    """Lemma 2's constant, the setting of the lemmas, the requirement on γ², Lemma 10's matrix, α and D.

    A control takes η_Q ≤ boost/L instead of 1/L, or a ζ_0 that is `zeta` times the least eigenvalue.
    """

    softmax: Lipschitz
    setting: Setting
    gamma_squared: sp.Expr
    matrix: sp.ImmutableMatrix
    alpha: sp.Expr
    D: sp.Expr
    boost: int = 1
    zeta: int = 1

    @cached_property
    def step_sizes(self) -> StepSizes:
        """The step sizes that follow."""
        return StepSizes(
            gamma_squared=self.gamma_squared,
            alpha=self.alpha,
            D=self.D,
            matrix=self.matrix,
            L=spectral_norm(self.matrix),
            sigma=SIGMA,
            boost=self.boost,
            zeta=self.zeta,
        )


@dataclass(frozen=True, kw_only=True)
class Induction:
    """A theorem's constants, read when a check runs, and what a defect changes: γ² by a power of ζ_0, boost and zeta.

    Further defects: η_w ζ_0/(2K) is `rate` times as large, and η_Q σ ≤ `half`.
    """

    stated: Callable[[], LemmaConstants]
    zeta_power: int = 0
    boost: int = 1
    zeta: int = 1
    rate: int = 1
    half: sp.Expr = sp.Rational(1, 2)

    @property
    def constants(self) -> LemmaConstants:
        """The constants with the defects."""
        stated = self.stated()
        required = stated.gamma_squared * zeta_0**self.zeta_power
        return replace(stated, gamma_squared=required, boost=self.boost, zeta=self.zeta)

    def claimed(self, stated: sp.Expr) -> sp.Expr:
        """What the gap is claimed to be multiplied by in one step, at most, given what is stated."""
        return 1 - self.rate * (1 - stated)


def keeps_half(constants: LemmaConstants) -> Fact:
    """√(ζ_0/2) ‖δ_k‖ ≤ ‖B_k^(t)ᵀ δ_k‖: the drift is too small to lose more than half of ζ_0."""
    x, change = AT_T.delta_k, AT_0.B_k - AT_T.B_k
    parts = AT_T.B_k.T * x, change.T * x
    drift = quote(FEATURES, constants.softmax, constants.setting)
    enough = hypothesis(constants.gamma_squared, gamma**2, "the requirement on γ²")
    room = at_most(drift.right).to(STATED_ROOM, enough, ROOT_OF_TWO)
    small = at_most(norm(change, "F")).by(drift, room.fact("γ² is large enough"))
    least = sp.sqrt(zeta_0 / constants.zeta)
    start = at_most(least * norm(x)).by(
        assumption2(constants),
        least_singular_value(AT_0.B_k, x),
        same(AT_0.B_k.T * x, parts[0] + parts[1], "add and subtract B_k^(t)"),
        triangle(*parts),
        frobenius(change, x),
        small.fact("the drift is at most (1 − 1/√2)√ζ_0"),
    )
    half = at_most(sp.sqrt(zeta_0 / 2) * norm(x)).to(norm(parts[0]), start.fact("√ζ_0 ‖δ_k‖ is at most this"))
    return half.fact("B_k^(t) keeps half of ζ_0")


def assumption2(constants: LemmaConstants) -> Fact:
    """ζ_0 ≤ λ_min(B_k^(0) B_k^(0)ᵀ) for every k."""
    least = sp.sqrt(zeta_0 / constants.zeta)
    known: Fact = hypothesis(least, norm(AT_0.B_k, "least"), "Assumption 2, ζ_0 = min_k λ_min(B_k^(0) B_k^(0)ᵀ)")
    return known


def step_size(constants: LemmaConstants) -> Fact:
    """η_Q ≤ 1/L."""
    known: Fact = hypothesis(eta * L, constants.boost, f"η_Q ≤ {constants.boost}/L")
    return STEP_SIZE if constants.boost == 1 else known


def rate_is(constants: LemmaConstants) -> Fact:
    """r = 1 − η_Q σ, which is not negative."""
    words, value = "r = 1 − η_Q γ²ζ_0/(2K)", 1 - eta * SIGMA
    if constants.boost * constants.zeta > 2:  # a control, in which the rate may be negative
        supposed: Fact = hypothesis(rate, value, words, equal=True)
        return supposed
    named: Fact = define(rate, value, words, half_rate(constants).fact("η_Q σ ≤ 1/2"))
    return named


def half_rate(constants: LemmaConstants) -> Chain:
    """η_Q σ ≤ 1/2, because ζ_0 ≤ K Laa/γ² (Assumption 2 and Lemma 9) and Laa ≤ L."""
    x, entry = Letter("e", N, 1), constants.matrix[1, 1]
    unit = hypothesis(norm(x), 1, "e is any vector of length 1", equal=True)
    root = at_most(sp.sqrt(zeta_0 / constants.zeta) * norm(x)).by(
        assumption2(constants),
        least_singular_value(AT_0.B_k, x),
        frobenius(AT_0.B_k, x),
        frobenius_columns(AT_0.columns),
        quote(FEATURES_BOUND, AT_0, constants.setting),
        unit,
    )
    known = root.fact("√ζ_0 ‖x‖ ≤ ‖B_k‖_F ‖x‖")
    small = at_most(sp.sqrt(zeta_0)).to(sp.sqrt(constants.zeta) * root.end, known, unit).fact("the bound on √ζ_0")
    named = define(ENTRIES[1, 1], entry, f"{ENTRIES[1, 1]} names it")
    largest = entry_below_norm(ENTRIES, 1, 1)
    chain = at_most(eta * SIGMA).to(constants.zeta * eta / 2 * entry, small)
    chain = chain.to(constants.zeta * eta / 2 * L, named, largest, NORM_IS_L)
    return chain.to(sp.Rational(constants.boost * constants.zeta, 2), step_size(constants))


def between(constants: LemmaConstants) -> Setting:
    """The setting in which |α_hk| ≤ α at t and on the segment from t to t + 1, by Drift at both ends."""
    ends = weights_bound(constants.setting, AT_T, AT_S), weights_bound(constants.setting, AT_NEXT, AT_P)
    return replace(constants.setting, bounds=((AT_T, ends[0]), (BETWEEN, segment(*ends).fact("on the segment"))))


def segment(first: Fact, second: Fact) -> Chain:
    """|ū α^(t)_hk + u α^(t+1)_hk| ≤ α for u, ū ≥ 0 and u + ū = 1."""
    parts = rest * AT_T.alpha_hk, share * AT_NEXT.alpha_hk
    on_it = define(BETWEEN.alpha_hk, parts[0] + parts[1], "αᵘ = ū α^(t) + u α^(t+1)")
    step = same(BETWEEN.alpha_hk, parts[0] + parts[1], "a point of the segment", on_it)
    whole = hypothesis(share + rest, 1, "u, ū ≥ 0 are the shares of the two ends", equal=True)
    return at_most(norm(BETWEEN.alpha_hk)).by(step, triangle(*parts)).to(alpha, first, second, whole)


def lipschitz(constants: LemmaConstants) -> Fact:
    """‖∇ℓ(ξᵘ) − ∇ℓ(ξ^(t))‖ ≤ L ‖ξᵘ − ξ^(t)‖ on the segment from t to t + 1, by Lemma 10 and Drift at both ends."""
    pair = Pair(here=BETWEEN, there=AT_T, softmax=constants.softmax, setting=between(constants))
    known: Fact = quote(LIPSCHITZ_GRADIENT, pair, constants.matrix)
    return known
