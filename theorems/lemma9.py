"""Lemma 9 [R]: the mixed features and the residuals are bounded.

With b_hk = Z̄ s_hk, δ_k = Z̄(ã_k − â_k) and A = Z̄Â: ‖b_hk‖ ≤ ‖Z̄‖₂, and ‖δ_k‖ ≤ D := γHα‖Z̄‖₂ + ‖A‖₂ wherever all
|α_hk| ≤ α. Both δ_k and A are re-derived: the paper's Lemma 9 bounds ‖δ_k‖ by γHα + ‖Â‖₂, without ‖Z̄‖₂.

Wrong if one point of the network exceeds a bound, or if a line of the derivation does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from theorems.network.bounded import StatedBounds
from theorems.network.instances import small_networks
from theorems.network.letters import A_SIZE, HERE, PAPER, TARGET, UNIT_VECTOR, A, Point, Setting, Z_bar, a_k, e_k
from theorems.network.points import POINTS, alpha_of, constants_of, pairs
from theorems.network.stated import each, held
from theorems.setting.constants import Z_norm, alpha, gamma
from theorems.setting.stated_constants import STATED_D
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.quantity import norm
from verify.prove.inequalities.rules import operator_norm, same, times_number, triangle, triangle_sum
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
b_k^h = overline(Z) s_k^h, quad delta_k = overline(Z) (tilde(a)_k - hat(a)_k), quad A = overline(Z) hat(A)
quad ==> quad norm(b_k^h) <= norm(overline(Z))_2, \
norm(delta_k) <= D := gamma H alpha norm(overline(Z))_2 + norm(A)_2 quad "where all" abs(alpha_(h,k)) <= alpha
"""

STATED_B = Z_norm

B_SIZE, DELTA_SIZE = norm(HERE.b_hk), norm(HERE.delta_k)
BOUND_B = Relation(B_SIZE, STATED_B)
BOUND_D = Relation(DELTA_SIZE, STATED_D)


def features_bound_chain(point: Point, setting: Setting = PAPER) -> Chain:
    """‖b_hk‖ ≤ ‖Z̄‖."""
    unfolded = same(point.b_hk, Z_bar * point.s_hk, "definition of b_hk", point.definition_b)
    return at_most(norm(point.b_hk)).by(unfolded, *setting.mixed(point.s_hk), point.weights_sum_to_one)


def residual_chain(point: Point, setting: Setting = PAPER) -> Chain:
    """‖δ_k‖ ≤ γHα‖Z̄‖ + ‖A‖₂."""
    mixed = gamma * point.B_k * point.alpha_k
    return at_most(norm(point.delta_k)).by(
        same(point.delta_k, mixed - a_k, "definition of δ_k", point.definition_delta),
        triangle(mixed, -a_k),
        triangle_sum(point.mixture),
        times_number(point.b_hk, point.alpha_hk),
        features_bound_chain(point, setting).fact("the bound on ‖b_hk‖"),
        setting.bounded(point),
        same(a_k, A * e_k, "a_k is column k of A", TARGET),
        operator_norm(A, e_k),
        A_SIZE,
        UNIT_VECTOR,
    )


FEATURES_BOUND = Lemma(__name__, "Lemma 9", features_bound_chain)
RESIDUAL_BOUND = Lemma(__name__, "Lemma 9", residual_chain)


def derive_bounds(subject: StatedBounds) -> Iterator[Identity]:
    """Operator norm, triangle inequality, and softmax weights that sum to 1."""
    exact = small_networks(subject.setting)
    features, residual = features_bound_chain(HERE), residual_chain(HERE, subject.setting)
    yield conclude_stated("‖b_hk‖ ≤ ‖Z̄‖", subject.relation(BOUND_B), features, instances=exact)
    yield conclude_stated("‖δ_k‖ ≤ D", subject.relation(BOUND_D), residual, instances=exact)


def measure_points(subject: StatedBounds) -> Iterator[Bound]:
    """Random points of the network stay within both bounds."""
    points = [point for point, _ in pairs(subject.experiment, "lemma9", subject.setting)]
    known = constants_of(subject.experiment) | {
        B_SIZE: np.array([np.linalg.norm(p.b, axis=1) for p in points]),
        DELTA_SIZE: np.array([np.linalg.norm(p.delta, axis=0) for p in points])[:, None, :],
        gamma: each([p.gamma for p in points]),
        alpha: each([alpha_of(subject.setting, p) for p in points]),
    }
    for name, bound, errors in (
        ("‖b_hk‖ ≤ ‖Z̄‖", BOUND_B, [p.b_error for p in points]),
        ("‖δ_k‖ ≤ D", BOUND_D, [p.delta_error for p in points]),
    ):
        yield held(name, subject.relation(bound), known, each(errors), f"{POINTS} points")


CLAIM = Claim(
    statement=STATEMENT,
    about=StatedBounds,
    heeds=("instance", "start"),
    cites=("elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",),
    checks=(derive_bounds, measure_points),
    controls=dict(
        half_the_bounds=planted("Both bounds are halved.", factor=Fraction(1, 2)),
        square_root_of_the_bounds=planted("Both bounds enter with the power 1/2 instead of 1.", power=Fraction(1, 2)),
        alpha_not_bounded=planted(
            "Some |α_hk| reaches 4α: the assumption |α_hk| ≤ α is dropped.", setting=Setting(slack=4)
        ),
    ),
    stated=("BOUND_B", "BOUND_D"),
    drops=("alpha_not_bounded",),
    catches={
        derive_bounds: ("half_the_bounds", "square_root_of_the_bounds", "alpha_not_bounded"),
        measure_points: ("square_root_of_the_bounds",),
    },
)
