"""How far the gradients of two points ξ, ξ′ are from each other: the two chains behind Lemma 10.

Each bound is linear in ‖Q − Q′‖_F and ‖α − α′‖_F, the distances over all heads and tokens.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from theorems.constants import D, gamma
from theorems.lemma7 import deviation_steps
from theorems.lemma8 import MOVED_ALPHA, MOVED_Q, features_moved, residual_moved, weights_chain
from theorems.lemma9 import features_bound, residual_bound
from theorems.notation import K
from theorems.softmax import Lipschitz
from theorems.terms import (
    F_MAX,
    FEATURES,
    HERE,
    PAPER,
    PROMPT,
    THERE,
    Point,
    Setting,
    V,
    Z_bar,
    h,
    k,
    lemma3,
    v_k,
    z_bar_i,
)
from verify.prove.inequality import Chain, Fact, assume, at_most
from verify.prove.quantity import length, lengths_of_sums, norm
from verify.prove.rules import (
    cauchy_schwarz,
    entrywise_product,
    hoelder,
    hoelder_columns,
    largest_entry,
    minkowski,
    outer_product,
    same,
    times_number,
    triangle,
    triangle_sum,
)

P, Q = HERE, THERE
FAR_Q, FAR_ALPHA = length(h, MOVED_Q), length((h, k), MOVED_ALPHA)  # ‖Q − Q′‖_F over all heads, and ‖α − α′‖_F
GRADIENT_Q = length(h, norm(P.G_h - Q.G_h, "F"))
GRADIENT_ALPHA = length((h, k), norm(P.g_hk - Q.g_hk))


def residual(point: Point, setting: Setting) -> Fact:
    """‖δ_k‖ ≤ D."""
    bound = residual_bound(point, setting)
    named = assume(bound.right, setting.slack * D, "D = γHα‖Z̄‖ + ‖A‖₂", equal=setting.slack == 1)
    return at_most(norm(point.delta_k)).by(bound, named).fact("Lemma 9", quoted=True)


def jacobian_chain(pulled: Any, softmax: Lipschitz, setting: Setting) -> Chain:
    """‖V (J − J′) u‖ ≤ 3c ‖Q_h − Q′_h‖_F ‖u‖_∞."""
    moved, diagonal, difference = P.s_hk - Q.s_hk, P.S_hk - Q.S_hk, (P.J_hk - Q.J_hk) * pulled
    first, second = P.s_hk.T * pulled, moved.T * pulled
    parts = diagonal * pulled, -moved * first, -Q.s_hk * second
    return at_most(norm(V * difference)).by(
        hoelder_columns(PROMPT, difference), setting.prompt_token,
        same(
            difference, sum(parts[1:], parts[0]), "J = diag(s) − ssᵀ", P.definition_J(pulled), Q.definition_J(pulled),
            kind="1",
        ),
        triangle(*parts, kind="1"), times_number(moved, first, "1"), times_number(Q.s_hk, second, "1"),
        entrywise_product(diagonal, moved, pulled), hoelder(P.s_hk, pulled), hoelder(moved, pulled),
        P.weights_sum_to_one, Q.weights_sum_to_one,
        weights_chain(P, Q, softmax, setting).fact("the weights move by at most c ‖Q_h − Q′_h‖_F", quoted=True),
    )  # fmt: skip


def head_chain(softmax: Lipschitz, setting: Setting) -> Chain:
    """‖∇_{Q_h} ℓ(ξ) − ∇_{Q_h} ℓ(ξ′)‖_F, the three factors α_hk, δ_k and J_hk changed one after the other."""
    sums = P.gradient_Q - Q.gradient_Q
    pulled, moved, other = Z_bar.T * P.delta_k, Z_bar.T * (P.delta_k - Q.delta_k), Z_bar.T * Q.delta_k
    columns = V * P.J_hk * pulled, V * P.J_hk * moved, V * (P.J_hk - Q.J_hk) * other
    numbers = P.alpha_hk - Q.alpha_hk, Q.alpha_hk, Q.alpha_hk
    parts = [column * number * v_k.T for column, number in zip(columns, numbers, strict=True)]
    chain = at_most(norm(P.G_h - Q.G_h, "F")).by(
        triangle_sum(sums, "F"), same(sums.part, gamma / K * (parts[0] + parts[1] + parts[2]), "split", kind="F"),
        triangle(*parts, kind="F"),
    )  # fmt: skip
    for column, number in zip(columns, numbers, strict=True):
        chain = chain.by(outer_product(column * number, v_k), times_number(column, number))
    chain = chain.by(setting.token, setting.bounded(Q))
    for vector in (pulled, moved):
        chain = chain.by(*deviation_steps(P, softmax, setting, vector))
    changed = jacobian_chain(other, softmax, setting).fact("the Jacobian moves by at most 3c ‖Q_h − Q′_h‖_F")
    chain = chain.by(changed)
    for vector in (P.delta_k, P.delta_k - Q.delta_k, Q.delta_k):
        chain = chain.by(largest_entry(FEATURES, vector), cauchy_schwarz(z_bar_i, vector))
    return chain.by(F_MAX, residual(P, setting), residual(Q, setting), residual_moved(P, Q, softmax, setting))


def entry_chain(softmax: Lipschitz, setting: Setting) -> Chain:
    """|∂ℓ/∂α_hk(ξ) − ∂ℓ/∂α_hk(ξ′)|."""
    moved, turned = P.delta_k - Q.delta_k, P.b_hk - Q.b_hk
    parts = moved.T * P.b_hk, Q.delta_k.T * turned
    return at_most(norm(P.g_hk - Q.g_hk)).by(
        same(
            P.g_hk - Q.g_hk, gamma / K * (parts[0] + parts[1]), "∂ℓ/∂α_hk by Lemma 1", P.gradient_alpha,
            Q.gradient_alpha,
        ),
        triangle(*parts), cauchy_schwarz(moved, P.b_hk), cauchy_schwarz(Q.delta_k, turned), features_bound(P, setting),
        residual(Q, setting), features_moved(P, Q, softmax, setting), residual_moved(P, Q, softmax, setting),
    )  # fmt: skip


def collected(start: Any, each: Fact) -> Chain:
    """The Euclidean length over heads and tokens, in terms of ‖Q − Q′‖_F and ‖α − α′‖_F."""
    chain = at_most(start).by(each)
    chain = chain.by(*map(minkowski, lengths_of_sums(chain.end)))
    sums = [(k, MOVED_ALPHA), (h, MOVED_ALPHA), (k, length(h, MOVED_ALPHA)), (h, MOVED_Q)]
    for index, body in sums:
        fact = lemma3(index, body)
        chain = chain.by(fact) if chain.end.has(fact.left) else chain
    return chain


@cache
def chains(softmax: Lipschitz, setting: Setting = PAPER) -> tuple[Chain, Chain]:
    """The two rows: ‖∇_Q ℓ(ξ) − ∇_Q ℓ(ξ′)‖ and ‖∇_α ℓ(ξ) − ∇_α ℓ(ξ′)‖."""
    head = head_chain(softmax, setting).fact("each head")
    single = entry_chain(softmax, setting).fact("each head and token")
    return collected(GRADIENT_Q, head), collected(GRADIENT_ALPHA, single)
