"""Lemma 7 [R]: the gradient with respect to a head's matrix is bounded by the square root of the gap.

|α_hk| ≤ α for all h, k ⇒ ‖∇_{Q_h} ℓ‖_F ≤ 2√2 γ α f̄_max √(ℓ − L*), with f̄_max the largest column norm of Z̄.

By Lemma 1 the gradient is (γ/K) Σ_k α_hk V J_hk Z̄δ_k v_kᵀ with J = diag(s) − ssᵀ, and ‖J u‖₁ ≤ 2‖u‖_∞ by Lemma 2;
that constant enters here once.

Wrong if automatic differentiation finds a larger gradient at one point, or if a line of the derivation does
not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import sympy as sp

from theorems import lemma1, lemma3, lemma5
from theorems.lemma2 import LIPSCHITZ
from theorems.lemma2_sharp import LIPSCHITZ as SHARP
from theorems.network.assumptions import measure_unit_norm
from theorems.network.bounded import StatedBounds
from theorems.network.instances import small_networks
from theorems.network.letters import F_MAX, FEATURES, HERE, PAPER, PROMPT, Point, Setting, V, Z_bar, h, k, v_k, z_bar_i
from theorems.network.points import POINTS, alpha_of, constants_of, pairs
from theorems.network.softmax import Lipschitz
from theorems.network.stated import each, held
from theorems.setting.constants import alpha, f_max, gamma
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import Lemma, quote
from verify.prove.inequalities.quantity import length, norm
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    cauchy_schwarz_sum,
    hoelder_columns,
    largest_entry,
    outer_product,
    times_number,
    triangle_sum,
)
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
norm(v_k) = 1 " for all " k, quad abs(alpha_(h,k)) <= alpha " for all " h, k quad ==> quad
norm(nabla_(Q_h) ell)_F <= 2 sqrt(2) thin gamma alpha overline(f)_max sqrt(ell - L^*)
"""

STATED = 2 * sp.sqrt(2) * gamma * alpha * f_max * sp.sqrt(HERE.gap)
SLOPE = norm(HERE.G_h, "F")
BOUND = Relation(SLOPE, STATED)


def gradient_chain(point: Point, softmax: Lipschitz, setting: Setting = PAPER) -> Chain:
    """‖∇_{Q_h} ℓ‖_F ≤ √2 c γ α f̄_max √(ℓ − L*)."""
    pulled = Z_bar.T * point.delta_k
    column = V * point.J_hk * pulled
    return at_most(norm(point.G_h, "F")).by(
        triangle_sum(quote(lemma1.GRADIENT_QUERIES, point), "F"),
        outer_product(column * point.alpha_hk, v_k),
        times_number(column, point.alpha_hk),
        setting.token,
        setting.bounded(point),
        *deviation_steps(point, softmax, setting, pulled),
        largest_entry(FEATURES, point.delta_k),
        cauchy_schwarz(z_bar_i, point.delta_k),
        F_MAX,
        quote(lemma3.BELOW_LENGTH, k, norm(point.delta_k)),
        quote(lemma5.GAP, point),
    )


def deviation_steps(point: Point, softmax: Lipschitz, setting: Setting, vector: object) -> tuple[Fact, ...]:
    """‖V J u‖ ≤ max_i ‖v_i‖ ‖J u‖₁ ≤ c ‖u‖_∞."""
    return hoelder_columns(PROMPT, point.J_hk * vector), setting.prompt_token, softmax.of_jacobian(point, vector)


GRADIENT = Lemma(__name__, "Lemma 7", gradient_chain)


def all_gradients_chain(point: Point, softmax: Lipschitz) -> Chain:
    """‖∇_Q ℓ‖_F ≤ (c γ/K) f̄_max ‖α‖_F ‖δ‖: the gradients of all heads together, for Long run."""
    pulled = Z_bar.T * point.delta_k
    column = V * point.J_hk * pulled
    return at_most(length(h, norm(point.G_h, "F"))).by(
        triangle_sum(quote(lemma1.GRADIENT_QUERIES, point), "F"),
        outer_product(column * point.alpha_hk, v_k),
        times_number(column, point.alpha_hk),
        PAPER.token,
        *deviation_steps(point, softmax, PAPER, pulled),
        largest_entry(FEATURES, point.delta_k),
        cauchy_schwarz(z_bar_i, point.delta_k),
        F_MAX,
        cauchy_schwarz_sum(k, norm(point.alpha_hk), norm(point.delta_k)),
    )


ALL_GRADIENTS = Lemma(__name__, "Lemma 7, all heads", all_gradients_chain)


def derive_bound(subject: StatedBounds) -> Iterator[Identity]:
    """Lemma 1's gradient, bounded head by head with Lemma 2, Cauchy–Schwarz and Lemma 5."""
    chain = gradient_chain(HERE, LIPSCHITZ, subject.setting)
    yield conclude_stated(
        "‖∇_{Q_h} ℓ‖_F ≤ 2√2 γ α f̄_max √(ℓ − L*)",
        subject.relation(BOUND),
        chain,
        gradient_chain(HERE, SHARP, subject.setting),
        instances=small_networks(subject.setting),
    )


def measure_gradients(subject: StatedBounds) -> Iterator[Bound]:
    """Gradients by automatic differentiation at random points stay within the bound."""
    points = [point for pair in pairs(subject.experiment, "lemma7", subject.setting) for point in pair]
    known = constants_of(subject.experiment) | {
        SLOPE: np.array([np.linalg.norm(p.gradients[0], axis=(1, 2)) for p in points])[:, :, None],
        gamma: each([p.gamma for p in points]),
        alpha: each([alpha_of(subject.setting, p) for p in points]),
        HERE.gap: each([p.gap for p in points]),
    }
    yield held(
        "‖∇_{Q_h} ℓ‖_F",
        subject.relation(BOUND),
        known,
        np.array([p.gradient_errors[0] for p in points])[:, :, None],
        f"largest over heads, {2 * POINTS} points",
        uncertain={HERE.gap: each([p.gap_error for p in points])},
    )


CLAIM = Claim(
    statement=STATEMENT,
    about=StatedBounds,
    heeds=("instance", "start"),
    assumptions=("unit norm",),
    builds_on=("lemma1", "lemma2", "lemma3", "lemma5"),
    cites=("elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",),
    checks=(measure_unit_norm, derive_bound, measure_gradients),
    controls=dict(
        quarter_of_the_bound=planted("The constant is √2/2 instead of 2√2.", factor=Fraction(1, 4)),
        gap_instead_of_its_root=planted(
            "The bound enters with the power 2: the gap instead of its square root.", power=2
        ),
        long_tokens=planted(
            "The tokens have norm 5: the assumption ‖v_k‖ = 1 is dropped.", setting=Setting(token_length=5)
        ),
        alpha_not_bounded=planted(
            "Some |α_hk| reaches 100α: the assumption |α_hk| ≤ α is dropped.", setting=Setting(slack=100)
        ),
    ),
    stated=("BOUND",),
    drops=("long_tokens", "alpha_not_bounded"),
    catches={
        derive_bound: ("quarter_of_the_bound", "gap_instead_of_its_root", "long_tokens", "alpha_not_bounded"),
        measure_gradients: ("alpha_not_bounded",),
    },
)
