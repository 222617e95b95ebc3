"""Lemma 8 [R]: the mixed features and the residuals are Lipschitz in the parameters.

For two points ξ, ξ′ with all |α_hk| ≤ α: ‖b_hk − b′_hk‖ ≤ 2‖Z̄‖₂ ‖Q_h − Q′_h‖_F and
‖δ_k − δ′_k‖ ≤ γ‖Z̄‖₂ Σ_h (2α ‖Q_h − Q′_h‖_F + |α_hk − α′_hk|). The 2 is Lemma 2's constant.

Wrong if one pair of points exceeds a bound, or if a line of the derivation does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from theorems.lemma2 import LIPSCHITZ
from theorems.lemma2_sharp import LIPSCHITZ as SHARP
from theorems.lemma9 import FEATURES_BOUND
from theorems.network.assumptions import measure_unit_norm
from theorems.network.bounded import StatedBounds
from theorems.network.instances import small_networks
from theorems.network.letters import HERE, PAPER, PROMPT, THERE, Point, Setting, Z_bar, h, v_i, v_k
from theorems.network.points import POINTS, alpha_of, constants_of, pairs
from theorems.network.softmax import Lipschitz
from theorems.network.stated import each, held
from theorems.setting.constants import Z_norm, alpha, gamma
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.lemma import Lemma, quote
from verify.prove.inequalities.quantity import norm, total
from verify.prove.inequalities.rules import (
    bilinear,
    frobenius_columns,
    largest_entry,
    same,
    times_number,
    triangle,
    triangle_sum,
)
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
norm(v_k) = 1, quad abs(alpha_(h,k)) <= alpha, quad abs(alpha'_(h,k)) <= alpha " for all " h, k quad ==> \
norm(b_k^h - b_k'^h) <= 2 norm(overline(Z))_2 norm(Q_h - Q'_h)_F, quad
norm(delta_k - delta'_k) <= gamma norm(overline(Z))_2
sum_(h=1)^H (2 alpha norm(Q_h - Q'_h)_F + abs(alpha_(h,k) - alpha'_(h,k)))
"""

MOVED_Q = norm(HERE.Q_h - THERE.Q_h, "F")
MOVED_ALPHA = norm(HERE.alpha_hk - THERE.alpha_hk)
STATED_B = 2 * Z_norm * MOVED_Q
STATED_DELTA = gamma * Z_norm * total(h, 2 * alpha * MOVED_Q + MOVED_ALPHA)
MOVED_B, MOVED_DELTA = norm(HERE.b_hk - THERE.b_hk), norm(HERE.delta_k - THERE.delta_k)
BOUND_B = Relation(MOVED_B, STATED_B)
BOUND_DELTA = Relation(MOVED_DELTA, STATED_DELTA)


def weights_moved_chain(p: Point, q: Point, softmax: Lipschitz, setting: Setting = PAPER) -> Chain:
    """‖s_hk − s′_hk‖₁ ≤ c ‖Q_h − Q′_h‖_F."""
    turned = p.Q_h - q.Q_h
    return at_most(norm(p.s_hk - q.s_hk, "1")).by(
        *softmax.of_weights(p, q),
        largest_entry(PROMPT, turned * v_k),
        bilinear(v_i, turned, v_k),
        setting.prompt_token,
        setting.token,
    )


def features_moved_chain(p: Point, q: Point, softmax: Lipschitz, setting: Setting = PAPER) -> Chain:
    """‖b_hk − b′_hk‖ ≤ c ‖Z̄‖ ‖Q_h − Q′_h‖_F."""
    moved = p.s_hk - q.s_hk
    return at_most(norm(p.b_hk - q.b_hk)).by(
        same(p.b_hk - q.b_hk, Z_bar * moved, "definition of b_hk", p.definition_b, q.definition_b),
        *setting.mixed(moved),
        weights_moved_chain(p, q, softmax, setting).fact("the weights move by at most c ‖Q_h − Q′_h‖_F"),
    )


def residual_moved_chain(p: Point, q: Point, softmax: Lipschitz, setting: Setting = PAPER) -> Chain:
    """‖δ_k − δ′_k‖ ≤ γ‖Z̄‖ Σ_h (cα‖Q_h − Q′_h‖_F + |α_hk − α′_hk|)."""
    mixed = p.mixture - q.mixture  # Σ_h (α_hk b_hk − α′_hk b′_hk)
    turned, weighted = p.b_hk - q.b_hk, p.alpha_hk - q.alpha_hk
    parts = turned * p.alpha_hk, q.b_hk * weighted
    return at_most(norm(p.delta_k - q.delta_k)).by(
        same(p.delta_k - q.delta_k, gamma * mixed.whole, "definition of δ_k", p.definition_delta, q.definition_delta),
        triangle_sum(mixed),
        same(mixed.part, parts[0] + parts[1], "add and subtract α_hk b′_hk"),
        triangle(*parts),
        times_number(turned, p.alpha_hk),
        times_number(q.b_hk, weighted),
        features_moved_chain(p, q, softmax, setting).fact("the bound on ‖b_hk − b′_hk‖"),
        quote(FEATURES_BOUND, q, setting),
        setting.bounded(p),
    )


WEIGHTS_MOVED = Lemma(__name__, "Lemma 8: the weights move by at most c ‖Q_h − Q′_h‖_F", weights_moved_chain)
FEATURES_MOVED = Lemma(__name__, "Lemma 8", features_moved_chain)
RESIDUAL_MOVED = Lemma(__name__, "Lemma 8", residual_moved_chain)


def all_features_chain(p: Point, q: Point, softmax: Lipschitz) -> Chain:
    """‖B_k − B_k′‖_F ≤ c f̄_max ‖Q − Q′‖_F: the columns of all heads together, for Long run."""
    return at_most(norm(p.B_k - q.B_k, "F")).by(
        frobenius_columns(p.columns - q.columns),
        quote(FEATURES_MOVED, p, q, softmax, Setting(by_columns=True)),
    )


ALL_FEATURES_MOVED = Lemma(__name__, "Lemma 8, all heads", all_features_chain)


def derive_bounds(subject: StatedBounds) -> Iterator[Identity]:
    """Operator norm, Lemma 2 for the weights, and α_hk b_hk − α′_hk b′_hk split in two."""
    exact = small_networks(subject.setting)
    features = (features_moved_chain(HERE, THERE, softmax, subject.setting) for softmax in (LIPSCHITZ, SHARP))
    residual = (residual_moved_chain(HERE, THERE, softmax, subject.setting) for softmax in (LIPSCHITZ, SHARP))
    yield conclude_stated("‖b_hk − b′_hk‖ ≤ 2‖Z̄‖ ‖Q_h − Q′_h‖_F", subject.relation(BOUND_B), *features, instances=exact)
    yield conclude_stated(
        "‖δ_k − δ′_k‖ ≤ γ‖Z̄‖ Σ_h (2α‖Q_h − Q′_h‖_F + |α_hk − α′_hk|)",
        subject.relation(BOUND_DELTA),
        *residual,
        instances=exact,
    )


def measure_pairs(subject: StatedBounds) -> Iterator[Bound]:
    """Pairs of random points, near and far from each other, satisfy both bounds."""
    both = list(pairs(subject.experiment, "lemma8", subject.setting))
    known = constants_of(subject.experiment) | {
        MOVED_B: np.array([np.linalg.norm(p.b - q.b, axis=1) for p, q in both]),
        MOVED_DELTA: np.array([np.linalg.norm(p.delta - q.delta, axis=0) for p, q in both])[:, None, :],
        MOVED_Q: np.array([np.linalg.norm(p.queries - q.queries, axis=(1, 2)) for p, q in both])[:, :, None],
        MOVED_ALPHA: np.array([np.abs(p.alpha - q.alpha) for p, q in both]),
        alpha: each([alpha_of(subject.setting, p, q) for p, q in both]),
        gamma: each([p.gamma for p, _ in both]),
    }
    for name, bound, errors in (
        ("‖b_hk − b′_hk‖", BOUND_B, [p.b_error + q.b_error for p, q in both]),
        ("‖δ_k − δ′_k‖", BOUND_DELTA, [p.delta_error + q.delta_error for p, q in both]),
    ):
        yield held(name, subject.relation(bound), known, each(errors), f"{POINTS} pairs of points")


CLAIM = Claim(
    statement=STATEMENT,
    about=StatedBounds,
    heeds=("instance", "start"),
    assumptions=("unit norm",),
    builds_on=("lemma2", "lemma9"),
    cites=("elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",),
    checks=(measure_unit_norm, derive_bounds, measure_pairs),
    stated=("BOUND_B", "BOUND_DELTA"),
    drops=("long_tokens", "alpha_not_bounded"),
    controls=dict(
        tenth_of_the_bounds=planted("Both bounds are divided by 10.", factor=Fraction(1, 10)),
        squared_distance=planted("Both bounds enter with the power 2 instead of 1.", power=2),
        long_tokens=planted(
            "The tokens have norm 5: the assumption ‖v_k‖ = 1 is dropped.", setting=Setting(token_length=5)
        ),
        alpha_not_bounded=planted(
            "Some |α_hk| reaches 4α: the assumption |α_hk| ≤ α is dropped.", setting=Setting(slack=4)
        ),
    ),
    catches={
        derive_bounds: ("tenth_of_the_bounds", "squared_distance", "long_tokens", "alpha_not_bounded"),
        measure_pairs: ("squared_distance",),
    },
)
