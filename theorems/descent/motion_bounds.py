"""How the network moves, for Long run: what B_k and Q do with all heads together, and the steps argued in prose."""

from __future__ import annotations

from theorems import lemma1
from theorems.lemma2_sharp import LIPSCHITZ
from theorems.lemma7 import deviation_steps
from theorems.lemma8 import FEATURES_MOVED
from theorems.network.letters import F_MAX, FEATURES, HERE, PAPER, THERE, Setting, V, Z_bar, h, k, v_k, z_bar_i
from verify.claim import Argument, Step
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.lemma import quote
from verify.prove.inequalities.quantity import length, norm
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    cauchy_schwarz_sum,
    frobenius_columns,
    largest_entry,
    outer_product,
    times_number,
    triangle_sum,
)


def features_moved_chain() -> Chain:
    """‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F."""
    return at_most(norm(HERE.B_k - THERE.B_k, "F")).by(
        frobenius_columns(HERE.columns - THERE.columns),
        quote(FEATURES_MOVED, HERE, THERE, LIPSCHITZ, Setting(by_columns=True)),
    )


def slope_chain() -> Chain:
    """‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖."""
    pulled, sizes = Z_bar.T * HERE.delta_k, (norm(HERE.alpha_hk), norm(HERE.delta_k))
    column = V * HERE.J_hk * pulled
    return at_most(length(h, norm(HERE.G_h, "F"))).by(
        triangle_sum(quote(lemma1.GRADIENT_QUERIES, HERE), "F"),
        outer_product(column * HERE.alpha_hk, v_k),
        times_number(column, HERE.alpha_hk),
        PAPER.token,
        *deviation_steps(HERE, LIPSCHITZ, PAPER, pulled),
        largest_entry(FEATURES, HERE.delta_k),
        cauchy_schwarz(z_bar_i, HERE.delta_k),
        F_MAX,
        cauchy_schwarz_sum(k, *sizes),
    )


ARGUMENTS = (
    Argument(
        name="‖Q − Q⁽⁰⁾‖ ≤ q and ‖w‖ ≤ W for every t",
        steps=(
            Step(expression="t = 0: Q = Q⁽⁰⁾ and w = 0", rule="start of the induction over t"),
            Step(
                expression="they hold up to t, so ‖r(s)‖ ≤ ηκ‖δ(s)‖ for s < t + 1, and the two bounds follow at t + 1",
                rule="derive_remainder and derive_fixed_point; κ rises with q and W",
            ),
            Step(expression="the bounds at t + 1 are at most q and W", rule="certify_motion, in balls"),
        ),
    ),
    Argument(
        name="the hypotheses of the chains hold for the blocks of all tokens together",
        steps=(
            Step(
                expression="‖B − B⁽⁰⁾‖₂ = max_k ‖B_k − B_k⁽⁰⁾‖₂ ≤ max_k ‖B_k − B_k⁽⁰⁾‖_F ≤ f̄_max ‖Q − Q⁽⁰⁾‖ ≤ b",
                rule="block diagonal; derive_motion",
            ),
            Step(
                expression="‖B⁺ − B‖₂ ≤ f̄_max ‖Q⁺ − Q‖, ‖Q⁺ − Q‖ = η_Q ‖∇_Q ℓ‖ ≤ (η_Q/K) f̄_max W ‖δ‖, η_Q = η_w/γ²",
                rule="derive_motion twice, w = γα",
            ),
            Step(
                expression="Σ_{s<t} x_s = Σ_{0<s<t} x_s ≤ Σ_{s<t} x_{s+1} for x_s = ‖δ(s) − δ̄(s)‖",
                rule="x_0 = 0, as both start at −Z̄â; x_t ≥ 0",
            ),
        ),
    ),
    Argument(
        name="‖(I − ηM)x‖ ≤ (1 − ηζ_0)‖x‖ and ‖w̄‖² ≤ aᵀM⁻¹a (1 + d/ζ_0) for every t",
        steps=(
            Step(
                expression="ζ_0 ≤ λ ≤ 1/η for all eigenvalues λ of M", rule="certified, before the motion is looked for"
            ),
            Step(
                expression="w̄ = B⁽⁰⁾ᵀM⁻¹Fa with F = I − (I − ηM)ᵗ, 0 ⪯ F ⪯ I, and F commutes with M",
                rule="derive_fixed_point, with δ̄ = −(I − ηM)ᵗa",
            ),
            Step(
                expression="‖w̄‖² = aᵀFM⁻¹(M + (B⁽⁰⁾B⁽⁰⁾ᵀ − M))M⁻¹Fa ≤ aᵀM⁻¹F²a (1 + d/ζ_0) ≤ aᵀM⁻¹a (1 + d/ζ_0)",
                rule="‖B⁽⁰⁾B⁽⁰⁾ᵀ − M‖₂ ≤ d",
            ),
        ),
    ),
)
