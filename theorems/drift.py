"""Drift [R]: along training the weights stay bounded and the attention hardly moves.

If w^(0) = 0 and Δ^(s) ≤ (1 − η_Q σ)^s Δ^(0) for all s < t, with σ = γ²ζ_0/(2K) and η_Q σ ≤ 1, then
|α^(t)_hk| ≤ α := 4√(2K) ‖Z̄‖ √Δ^(0) / (γζ_0), and
‖B_k^(t) − B_k^(0)‖_F ≤ 128 K^{3/2} √H ‖Z̄‖² f̄_max Δ^(0) / (γ²ζ_0²), which is at most (1 − 1/√2)√ζ_0
when γ² ≥ 128(2 + √2) K^{3/2} √H ‖Z̄‖² f̄_max Δ^(0) ζ_0^{−5/2}.

Wrong if a run with these step sizes moves further, or if a line of the derivation does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache

import numpy as np
import sympy as sp

from theorems import lemma1, lemma5
from theorems.descent.induction import LemmaConstants
from theorems.descent.step_sizes import FLOAT_STEPS, StepSizes, exact_runs, float_run
from theorems.lemma2 import LIPSCHITZ
from theorems.lemma2_sharp import LIPSCHITZ as SHARP
from theorems.lemma7 import GRADIENT
from theorems.lemma8 import FEATURES_MOVED
from theorems.lemma9 import FEATURES_BOUND
from theorems.lemma10 import LIPSCHITZ_GRADIENT
from theorems.network.assumptions import measure_training_assumptions
from theorems.network.letters import AT_0, AT_NEXT, AT_P, AT_R, AT_S, AT_T, BETWEEN, PAPER, Point, Setting, k, s
from theorems.network.pair import Pair
from theorems.network.softmax import Lipschitz
from theorems.network.stated import each, held
from theorems.setting.constants import Delta_0, Z_norm, alpha, eta, gamma, q, sigma, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K
from theorems.setting.stated_constants import (
    LIPSCHITZ_MATRIX,
    SIGMA,
    STATED_ALPHA,
    STATED_D,
    STATED_DRIFT,
    STATED_ROOM,
    spectral_norm,
)
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, Fact, at_most
from verify.prove.inequalities.lemma import Lemma, define, hypothesis, quote
from verify.prove.inequalities.quantity import SumOf, norm, total
from verify.prove.inequalities.rules import (
    cauchy_schwarz,
    frobenius,
    frobenius_columns,
    geometric,
    least_singular_value,
    member,
    same,
    triangle,
    triangle_sum,
)
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
w^((0)) = 0, quad Delta^((s)) <= (1 - eta_Q sigma)^s Delta^((0)) " for all " s < t, quad
sigma = (gamma^2 zeta_0)/(2 K), quad eta_Q sigma <= 1, quad norm(v_k) = 1 quad ==> \
abs(alpha_(h,k)^((t))) <= alpha := (4 sqrt(2 K) norm(overline(Z)) sqrt(Delta^((0)))) / (gamma zeta_0), quad
norm(B_k^((t)) - B_k^((0)))_F
<= (128 K^(3\/2) sqrt(H) norm(overline(Z))^2 overline(f)_max Delta^((0))) / (gamma^2 zeta_0^2), \
"the latter" <= (1 - 1/sqrt(2)) sqrt(zeta_0) quad "if" quad
gamma^2 >= 128 (2 + sqrt(2)) K^(3\/2) sqrt(H) norm(overline(Z))^2 overline(f)_max Delta^((0)) zeta_0^(-5\/2)
"""

GROWN, MOVED = norm(AT_T.alpha_hk), norm(AT_T.B_k - AT_0.B_k, "F")
BOUND_ALPHA = Relation(GROWN, STATED_ALPHA)
BOUND_DRIFT = Relation(MOVED, STATED_DRIFT)
BOUND_ROOM = Relation(STATED_DRIFT, STATED_ROOM)

RATIO = hypothesis(q**2, 1 - eta * sigma, "q² = 1 − η_Q σ, where η_Q σ ≤ 1", equal=True)
ROOT_OF_TWO = at_most(sp.sqrt(2)).to(2).fact("√2 ≤ 2")
SIGMA_IS = define(sigma, SIGMA, "σ = γ²ζ_0/(2K)")


def fallen(point: Point) -> Fact:
    """√Δ^(s) ≤ q^s √Δ^(0) at an earlier step s."""
    bound = q**point.step * sp.sqrt(Delta_0)
    known: Fact = hypothesis(sp.sqrt(point.gap), bound, f"Δ^({point.step}) ≤ q^(2{point.step}) Δ^(0)")
    return known


def series(index: sp.Idx) -> Fact:
    """Σ_{s<t} q^s ≤ 2/(η_Q σ): 1 − q² = (1 − q)(1 + q) ≤ 2(1 − q)."""
    below_one = at_most(q).to(1, RATIO).fact("q ≤ 1")
    chain = at_most(total(index, q**index)).to(2 / (eta * sigma), geometric(q, index, below_one), RATIO, below_one)
    return chain.fact("Σ_s q^s ≤ 1/(1 − q) ≤ 2/(1 − q²)")


def weights_chain(setting: Setting = PAPER, point: Point = AT_T, earlier: Point = AT_S) -> Chain:
    """|α^(t)_hk| at a point t, from w^(0) = 0 and the sum of all earlier steps s."""
    words = "gradient descent from α^(0) = 0"
    steps = SumOf(point.alpha_hk, earlier.step, -eta * earlier.g_hk, words)
    pull = earlier.delta_k.T * earlier.b_hk
    slope = same(earlier.g_hk, gamma / K * pull, "∂ℓ/∂α_hk by Lemma 1", quote(lemma1.GRADIENT_WEIGHT, earlier))
    return at_most(norm(point.alpha_hk)).by(
        triangle_sum(steps),
        slope,
        cauchy_schwarz(earlier.delta_k, earlier.b_hk),
        quote(FEATURES_BOUND, earlier, setting),
        member(k, norm(earlier.delta_k)),
        quote(lemma5.GAP, earlier),
        fallen(earlier),
        series(earlier.step),
        SIGMA_IS.reversed(),
    )


WEIGHTS = Lemma(__name__, "Drift", weights_chain)


def weights_bound(setting: Setting, point: Point, earlier: Point) -> Fact:
    """|α_hk| ≤ α at a point, α being the bound of the lemma."""
    named = define(alpha, weights_chain(setting).end, "α is the bound of Drift on the weights")
    chain = at_most(norm(point.alpha_hk)).by(quote(WEIGHTS, setting, point, earlier)).to(alpha, named)
    return chain.fact(f"|{point.alpha_hk.name}| ≤ α, by Drift")


def features_chain(softmax: Lipschitz, setting: Setting = PAPER) -> Chain:
    """‖B_k^(t) − B_k^(0)‖_F, column by column."""
    steps = SumOf(AT_T.Q_h - AT_0.Q_h, s, -eta * AT_S.G_h, "gradient descent")
    named = define(alpha, weights_chain(setting).end, "α is the bound of Drift on the weights")
    bounded = replace(setting, bounds=((AT_S, weights_bound(setting, AT_S, AT_R)),))
    return at_most(norm(AT_T.B_k - AT_0.B_k, "F")).by(
        frobenius_columns(AT_T.columns - AT_0.columns),
        quote(FEATURES_MOVED, AT_T, AT_0, softmax, setting),
        triangle_sum(steps, "F"),
        quote(GRADIENT, AT_S, softmax, bounded),
        fallen(AT_S),
        series(s),
        SIGMA_IS.reversed(),
        named.reversed(),
    )


FEATURES = Lemma(__name__, "Drift", features_chain)


def gamma_squared(softmax: Lipschitz, setting: Setting = PAPER) -> sp.Expr:
    """The least γ² for which the bound on the drift is at most (1 − 1/√2)√ζ_0."""
    quotient = sp.radsimp(features_chain(softmax, setting).end * gamma**2 / (1 - 1 / sp.sqrt(2)))
    return sp.factor(quotient) / sp.sqrt(zeta_0)


@dataclass(frozen=True)
class DriftBounds:
    """The experiment with α times a factor, another power of γ in the drift, or α^(0) = start · α."""

    experiment: Experiment
    _: KW_ONLY
    factor: sp.Expr = sp.Integer(1)
    gamma_power: int = 2
    start: int = 0

    @property
    def weights(self) -> Relation:
        """The stated bound on the weights."""
        return replace(BOUND_ALPHA, right=self.factor * BOUND_ALPHA.right)

    @property
    def drift(self) -> Relation:
        """The stated bound on the drift."""
        return replace(BOUND_DRIFT, right=BOUND_DRIFT.right * gamma**2 / gamma**self.gamma_power)


@cache
def step_sizes() -> StepSizes:
    """The step sizes of Theorem 1 as stated."""
    return StepSizes(
        gamma_squared=gamma_squared(LIPSCHITZ),
        alpha=STATED_ALPHA,
        D=STATED_D,
        matrix=LIPSCHITZ_MATRIX,
        L=spectral_norm(LIPSCHITZ_MATRIX),
        sigma=SIGMA,
    )


def derive_weights(subject: DriftBounds) -> Iterator[Identity]:
    """|α_hk| grows by at most η_Q |∂ℓ/∂α_hk| per step, and the steps form a geometric series."""
    chain = at_most(norm(AT_T.alpha_hk)) if subject.start else weights_chain()
    yield conclude_stated(
        "|α^(t)_hk| ≤ α", subject.weights, chain, instances=exact_runs(step_sizes(), start=subject.start)
    )


def derive_drift(subject: DriftBounds) -> Iterator[Identity]:
    """Each Q_h moves by at most η_Q ‖∇_{Q_h} ℓ‖ per step (Lemma 7), and B_k by Lemma 8."""
    chain, exact = features_chain(LIPSCHITZ), exact_runs(step_sizes(), start=subject.start)
    sharper = () if subject.start else (features_chain(SHARP),)
    chain = at_most(chain.start) if subject.start else chain
    yield conclude_stated("‖B_k^(t) − B_k^(0)‖_F", subject.drift, chain, *sharper, instances=exact)
    enough = hypothesis(gamma_squared(LIPSCHITZ), gamma**2, "γ² ≥ 128(2 + √2) K^{3/2} √H ‖Z̄‖² f̄_max Δ_0 ζ_0^{−5/2}")
    room = at_most(STATED_DRIFT).to(STATED_ROOM, enough, ROOT_OF_TWO)
    yield conclude_stated("the drift is at most (1 − 1/√2)√ζ_0", BOUND_ROOM, room, instances=exact)


share, rest = sp.symbols("u ū", nonnegative=True)  # u + ū = 1


def keeps_half(constants: LemmaConstants, moved: Fact | None = None) -> Fact:
    """√(ζ_0/2) ‖δ_k‖ ≤ ‖B_k^(t)ᵀ δ_k‖: the drift is too small to lose more than half of ζ_0.

    `moved` bounds the drift; by default this file's lemma does.
    """
    x, change = AT_T.delta_k, AT_0.B_k - AT_T.B_k
    parts = AT_T.B_k.T * x, change.T * x
    drift = moved or quote(FEATURES, constants.softmax, constants.setting)
    enough = hypothesis(constants.gamma_squared, gamma**2, "the requirement on γ²")
    room = at_most(drift.right).to(STATED_ROOM, enough, ROOT_OF_TWO)
    small = at_most(norm(change, "F")).by(drift, room.fact("γ² is large enough"))
    least = sp.sqrt(zeta_0 / constants.zeta)
    start = at_most(least * norm(x)).by(
        constants.least_fact,
        least_singular_value(AT_0.B_k, x),
        same(AT_0.B_k.T * x, parts[0] + parts[1], "add and subtract B_k^(t)"),
        triangle(*parts),
        frobenius(change, x),
        small.fact("the drift is at most (1 − 1/√2)√ζ_0"),
    )
    half = at_most(sp.sqrt(zeta_0 / 2) * norm(x)).to(norm(parts[0]), start.fact("√ζ_0 ‖δ_k‖ is at most this"))
    return half.fact("B_k^(t) keeps half of ζ_0")


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


def measure_run(subject: DriftBounds) -> Iterator[Bound]:
    """A run in float64 with exactly these step sizes stays within the three bounds."""
    run = float_run(subject.experiment, step_sizes(), start=subject.start)
    if run is None:
        return
    first = run.points[0]
    moved = [np.linalg.norm(p.b - first.b, axis=(0, 1)).max() for p in run.points]
    # b is Lipschitz in Q with constant 2‖Z̄‖ (Lemma 8) and computed within b_error, for each of H heads.
    heads = np.sqrt(len(first.queries))
    error = heads * (2 * run.numbers[Z_norm] * run.errors[0] + 2 * first.b_error)
    known = run.numbers | {GROWN: each([np.abs(p.alpha).max() for p in run.points]), MOVED: each(moved)}
    for name, stated, wrong in (
        ("|α_hk| ≤ α", subject.weights, run.errors[1]),
        ("‖B_k − B_k^(0)‖_F", subject.drift, error),
        ("… ≤ (1 − 1/√2)√ζ_0", Relation(MOVED, BOUND_ROOM.right), error),
    ):
        steps = np.arange(FLOAT_STEPS + 1)
        yield held(name, stated, known, each(wrong), f"{FLOAT_STEPS} steps", steps=steps)


CLAIM = Claim(
    statement=STATEMENT,
    about=DriftBounds,
    heeds=("instance", "start", "start_weights"),
    assumptions=("assumption1", "assumption2", "unit norm"),
    builds_on=("lemma1", "lemma2", "lemma5", "lemma6", "lemma7", "lemma8", "lemma9"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "geometric series (Rudin, Principles of Mathematical Analysis, 3rd ed., Theorem 3.26)",
    ),
    checks=(measure_training_assumptions, derive_weights, derive_drift, measure_run),
    stated=("BOUND_ALPHA", "BOUND_DRIFT", "BOUND_ROOM"),
    drops=("weights_not_zero",),
    controls=dict(
        tenth_of_alpha=planted("The bound on |α_hk| is divided by 10.", factor=sp.Rational(1, 10)),
        fourth_power_of_gamma=planted("The bound on the drift has γ⁴ instead of γ² in its denominator.", gamma_power=4),
        weights_not_zero=planted("Training starts at α^(0) = 10 α: the assumption w^(0) = 0 is dropped.", start=10),
    ),
    catches={
        derive_weights: ("tenth_of_alpha", "weights_not_zero"),
        derive_drift: ("fourth_power_of_gamma",),
        measure_run: ("weights_not_zero",),
    },
)
