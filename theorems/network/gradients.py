"""How far the gradients of two points ξ, ξ′ are from each other: the two chains behind Lemma 10.

Each bound is linear in ‖Q − Q′‖_F and ‖α − α′‖_F, the distances over all heads and tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from theorems import lemma1, lemma3
from theorems.lemma7 import deviation_steps
from theorems.lemma8 import FEATURES_MOVED, RESIDUAL_MOVED, WEIGHTS_MOVED
from theorems.lemma9 import FEATURES_BOUND, RESIDUAL_BOUND, residual_chain
from theorems.network.letters import (
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
    v_k,
    z_bar_i,
)
from theorems.network.softmax import GENERIC, Lipschitz
from theorems.setting.constants import D, gamma
from theorems.setting.notation import K
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import define, quote
from verify.prove.inequalities.quantity import length, lengths_of_sums, norm
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    entrywise_product,
    hoelder,
    hoelder_columns,
    largest_entry,
    minkowski,
    outer_product,
    same,
    times_number,
    times_vector,
    triangle,
    triangle_sum,
)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two points, and with which constant of softmax and which assumptions their gradients are compared."""

    here: Point = HERE
    there: Point = THERE
    softmax: Lipschitz
    setting: Setting = PAPER

    @property
    def moved_Q(self) -> Any:
        return norm(self.here.Q_h - self.there.Q_h, "F")

    @property
    def moved_alpha(self) -> Any:
        return norm(self.here.alpha_hk - self.there.alpha_hk)

    @property
    def distances(self) -> tuple[Any, Any]:
        """‖Q − Q′‖_F over all heads, and ‖α − α′‖_F."""
        return length(h, self.moved_Q), length((h, k), self.moved_alpha)

    @property
    def gradients(self) -> tuple[Any, Any]:
        """‖∇_Q ℓ − ∇_Q ℓ′‖_F over all heads, and ‖∇_α ℓ − ∇_α ℓ′‖_F."""
        by_queries, by_weights = (self.here.G_h - self.there.G_h, self.here.g_hk - self.there.g_hk)
        return length(h, norm(by_queries, "F")), length((h, k), norm(by_weights))


FAR_Q, FAR_ALPHA = Pair(softmax=GENERIC).distances


def residual(point: Point, setting: Setting) -> Fact:
    """‖δ_k‖ ≤ D."""
    bound = quote(RESIDUAL_BOUND, point, setting)
    named = define(D, residual_chain(HERE, replace(setting, slack=1)).end, "D = γHα‖Z̄‖ + ‖A‖₂")
    chain = at_most(norm(point.delta_k)).by(bound)
    return chain.to(setting.slack * D, named).fact("Lemma 9, with D for its bound")


def jacobian_chain(pair: Pair, pulled: Any) -> Chain:
    """‖V (J − J′) u‖ ≤ 3c ‖Q_h − Q′_h‖_F ‖u‖_∞."""
    p, q, setting = pair.here, pair.there, pair.setting
    moved, diagonal, difference = p.s_hk - q.s_hk, p.diagonal - q.diagonal, (p.J_hk - q.J_hk) * pulled
    first, second = p.s_hk.T * pulled, moved.T * pulled
    parts = diagonal.matrix * pulled, -moved * first, -q.s_hk * second
    split = times_vector(p.definition_J, pulled), times_vector(q.definition_J, pulled)
    return at_most(norm(V * difference)).by(
        hoelder_columns(PROMPT, difference),
        setting.prompt_token,
        same(difference, sum(parts[1:], parts[0]), "J = diag(s) − ssᵀ", *split, kind="1"),
        triangle(*parts, kind="1"),
        times_number(moved, first, "1"),
        times_number(q.s_hk, second, "1"),
        entrywise_product(diagonal, pulled),
        hoelder(p.s_hk, pulled),
        hoelder(moved, pulled),
        p.weights_sum_to_one,
        q.weights_sum_to_one,
        quote(WEIGHTS_MOVED, p, q, pair.softmax, setting),
    )


def head_chain(pair: Pair) -> Chain:
    """‖∇_{Q_h} ℓ(ξ) − ∇_{Q_h} ℓ(ξ′)‖_F, the three factors α_hk, δ_k and J_hk changed one after the other."""
    p, q, setting = pair.here, pair.there, pair.setting
    sums = quote(lemma1.GRADIENT_QUERIES, p) - quote(lemma1.GRADIENT_QUERIES, q)
    pulled, moved, other = Z_bar.T * p.delta_k, Z_bar.T * (p.delta_k - q.delta_k), Z_bar.T * q.delta_k
    columns = V * p.J_hk * pulled, V * p.J_hk * moved, V * (p.J_hk - q.J_hk) * other
    numbers = p.alpha_hk - q.alpha_hk, q.alpha_hk, q.alpha_hk
    parts = [column * number * v_k.T for column, number in zip(columns, numbers, strict=True)]
    chain = at_most(norm(p.G_h - q.G_h, "F")).by(
        triangle_sum(sums, "F"),
        same(sums.part, gamma / K * (parts[0] + parts[1] + parts[2]), "split", kind="F"),
        triangle(*parts, kind="F"),
    )
    for column, number in zip(columns, numbers, strict=True):
        chain = chain.by(outer_product(column * number, v_k), times_number(column, number))
    chain = chain.by(setting.token, setting.bounded(q))
    for vector in (pulled, moved):
        chain = chain.by(*deviation_steps(p, pair.softmax, setting, vector))
    chain = chain.by(jacobian_chain(pair, other).fact("the Jacobian moves by at most 3c ‖Q_h − Q′_h‖_F"))
    for vector in (p.delta_k, p.delta_k - q.delta_k, q.delta_k):
        chain = chain.by(largest_entry(FEATURES, vector), cauchy_schwarz(z_bar_i, vector))
    bounds = residual(p, setting), residual(q, setting), quote(RESIDUAL_MOVED, p, q, pair.softmax, setting)
    return chain.by(F_MAX, *bounds)


def entry_chain(pair: Pair) -> Chain:
    """|∂ℓ/∂α_hk(ξ) − ∂ℓ/∂α_hk(ξ′)|."""
    p, q, setting = pair.here, pair.there, pair.setting
    moved, turned = p.delta_k - q.delta_k, p.b_hk - q.b_hk
    parts = moved.T * p.b_hk, q.delta_k.T * turned
    slopes = quote(lemma1.GRADIENT_WEIGHT, p), quote(lemma1.GRADIENT_WEIGHT, q)
    return at_most(norm(p.g_hk - q.g_hk)).by(
        same(p.g_hk - q.g_hk, gamma / K * (parts[0] + parts[1]), "∂ℓ/∂α_hk by Lemma 1", *slopes),
        triangle(*parts),
        cauchy_schwarz(moved, p.b_hk),
        cauchy_schwarz(q.delta_k, turned),
        quote(FEATURES_BOUND, p, setting),
        residual(q, setting),
        quote(FEATURES_MOVED, p, q, pair.softmax, setting),
        quote(RESIDUAL_MOVED, p, q, pair.softmax, setting),
    )


def collected(pair: Pair, start: Any, each: Fact) -> Chain:
    """The Euclidean length over heads and tokens, in terms of ‖Q − Q′‖_F and ‖α − α′‖_F."""
    chain = at_most(start).by(each)
    chain = chain.by(*map(minkowski, lengths_of_sums(chain.end)))
    weight = pair.moved_alpha
    for index, body in ((k, weight), (h, weight), (k, length(h, weight)), (h, pair.moved_Q)):
        fact = quote(lemma3.BELOW_LENGTH, index, body)
        chain = chain.by(fact) if chain.end.has(fact.left) else chain
    return chain


@cache
def chains(pair: Pair) -> tuple[Chain, Chain]:
    """The two rows: ‖∇_Q ℓ(ξ) − ∇_Q ℓ(ξ′)‖ and ‖∇_α ℓ(ξ) − ∇_α ℓ(ξ′)‖."""
    head, single = head_chain(pair).fact("each head"), entry_chain(pair).fact("each head and token")
    return collected(pair, pair.gradients[0], head), collected(pair, pair.gradients[1], single)
