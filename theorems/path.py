"""Path of gradient descent [B]: the gap pays for every step, so that the weights stay in a ball and Q near its start.

With γ² ≥ 16√2(2 + √2) K f̄_max² Δ^(0) ζ_0^{−2}, η_Q ≤ 1/L and η_w = γ²η_Q, L that of the sharper Theorem 1 for
α = 4√(KΔ^(0))/(γ√ζ_0): for every t, with x_t = √(Δ^(t)/Δ^(0)), ‖α^(t)‖_F ≤ α (1 − x_t) and ‖Q^(t) − Q^(0)‖_F ≤
16√2 f̄_max K Δ^(0)/(γ²ζ_0^{3/2}) (1 − x_t), both over all heads and tokens.

One step from t to t + 1: the next point and the segment to it lie in the ball ‖α‖_F ≤ α whatever the gap is there, as
η_Q ‖∇_α ℓ‖ ≤ η_Q γ f̄_max √(2HΔ^(t)/K) ≤ αx_t, so L holds on the way: no argument by continuity is needed. By the
descent lemma and the PL inequality η_Q ‖∇ℓ‖ ≤ (α/√Δ^(0)) (√Δ^(t) − √Δ^(t+1)), and the path is at most their sum.

Wrong if a line does not follow from its facts, or if the chains give other constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import sympy as sp

from theorems import drift, lemma1, lemma2_sharp, lemma5, lemma7, lemma8, pl
from theorems.descent.induction import Induction
from theorems.descent.path import PathConstants
from theorems.lemma9 import FEATURES_BOUND
from theorems.lemma10 import LIPSCHITZ_GRADIENT, NORM_IS_L
from theorems.network.letters import AT_0, AT_NEXT, AT_T, BETWEEN, Point, Setting, h, k
from theorems.network.pair import Pair
from theorems.setting.constants import Delta_0, L, alpha, eta, f_max, gamma, q, rate, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import ENTRIES, SHARP_D, SHARP_MATRIX, SIGMA
from theorems.setting.stated_constants import WIDE_ALPHA as STATED_ALPHA
from theorems.setting.stated_constants import WIDE_GAMMA as REQUIRED_GAMMA
from theorems.setting.stated_constants import WIDE_QUERIES as STATED_QUERIES
from verify.claim import Argument, Claim, Identity, Step, planted
from verify.prove.inequalities.chain import Chain, Fact, at_least, at_most
from verify.prove.inequalities.conclusion import conclude
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
from verify.prove.inequalities.scalar_identity import prove_scalars

STATEMENT = r"""
"Assumptions" 1 "and" 2, quad norm(v_k) = 1, quad w^((0)) = 0, \
gamma^2 >= 16 sqrt(2) (2 + sqrt(2)) K overline(f)_max^2 Delta^((0)) zeta_0^(-2), quad
eta_Q <= 1 / L, quad eta_w = gamma^2 eta_Q, \
L "of the sharper Theorem 1 with" alpha = (4 sqrt(K Delta^((0)))) / (gamma sqrt(zeta_0)) quad ==> quad
norm(alpha^((t)))_F <= alpha (1 - sqrt(Delta^((t)) / Delta^((0)))), \
norm(Q^((t)) - Q^((0)))_F <= (16 sqrt(2) overline(f)_max K Delta^((0))) / (gamma^2 zeta_0^(3\/2))
(1 - sqrt(Delta^((t)) / Delta^((0)))) quad " for all " t
"""

NOW, AFTER, START = sp.sqrt(AT_T.gap), sp.sqrt(pl.next_gap), sp.sqrt(Delta_0)
WALKED_NEXT = 1 - AFTER / START  # p_{t+1}
STEP = "one step of gradient descent"
WEIGHTS_STEP = hypothesis(AT_NEXT.alpha_hk, AT_T.alpha_hk - eta * AT_T.g_hk, STEP)
QUERIES_STEP = hypothesis(AT_NEXT.Q_h, AT_T.Q_h - eta * AT_T.G_h, STEP)


def path_constants(gamma_squared: sp.Expr, weights: sp.Expr, queries: sp.Expr) -> PathConstants:
    """The constants of the sharper Theorem 1, with another requirement on γ² and other bounds on α and Q."""
    return PathConstants(
        softmax=lemma2_sharp.LIPSCHITZ,
        setting=Setting(by_columns=True),
        gamma_squared=gamma_squared,
        matrix=SHARP_MATRIX,
        alpha=weights,
        D=SHARP_D,
        queries=queries,
    )


def stated_constants() -> PathConstants:
    """The constants as stated above."""
    return path_constants(REQUIRED_GAMMA, STATED_ALPHA, STATED_QUERIES)


@dataclass(frozen=True)
class PaidPath(Induction):
    """The induction along the path with these constants; a defect claims a `share` of the bounds on α and Q."""

    experiment: Experiment
    _: KW_ONLY
    stated: Callable[[], PathConstants] = stated_constants
    share: sp.Expr = sp.Integer(1)

    @property
    def constants(self) -> PathConstants:
        """The constants with the defects."""
        given = self.stated()
        return replace(
            given,
            gamma_squared=given.gamma_squared * zeta_0**self.zeta_power,
            alpha=self.share * given.alpha,
            queries=self.share * given.queries,
            boost=self.boost,
            zeta=self.zeta,
        )


def drift_chain(constants: PathConstants) -> Chain:
    """‖B_k^(t) − B_k^(0)‖_F ≤ f̄_max times the bound on Q."""
    chain = at_most(norm(AT_T.B_k - AT_0.B_k, "F"))
    chain = chain.by(quote(lemma8.ALL_FEATURES_MOVED, AT_T, AT_0, constants.softmax), constants.queries_fact)
    return chain.to(constants.softmax.value * f_max * constants.queries, rule="√Δ^(t) ≥ 0")


def half_kept(constants: PathConstants) -> Fact:
    """B_k^(t) keeps half of ζ_0."""
    return drift.keeps_half(constants, drift_chain(constants).fact("the drift, by the induction hypothesis on Q"))


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
    chain = at_most(eta * gamma**2 * f_max * root).by(quote(pl.ZETA_BELOW, constants))
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


def derive_step(subject: PaidPath) -> Iterator[Identity]:
    """From the bounds at t: the next point is in the ball, L holds on the way there, and the gap pays for the step."""
    given, exact = subject.constants, subject.small_runs
    inside = next_weights_chain(given)
    yield conclude("‖α^(t+1)‖_F ≤ α", inside.start, alpha, inside, instances=exact)
    along = at_most(lipschitz_on_step(given).left).by(lipschitz_on_step(given))
    yield conclude("‖∇ℓ(ξᵘ) − ∇ℓ(ξ^(t))‖ ≤ L ‖ξᵘ − ξ^(t)‖", along.start, along.end, along, instances=exact)
    paid = paid_chain(given)
    yield conclude("√Δ^(t+1) + (η_Q √(2σ)/4) ‖∇ℓ‖ ≤ √Δ^(t)", paid.start, paid.end, paid, instances=exact)
    half = pl.half_rate(given)
    yield conclude("η_Q σ ≤ 1/2", half.start, subject.half, half, instances=exact)


def derive_growth(subject: PaidPath) -> Iterator[Identity]:
    """The bounds on α and Q at t give those at t + 1."""
    given, exact = subject.constants, subject.small_runs
    grown, turned = grown_chain(given), turned_chain(given)
    name, goal = "‖α^(t+1)‖_F ≤ α (1 − √Δ^(t+1)/√Δ^(0))", given.alpha * WALKED_NEXT
    yield conclude(name, grown.start, goal, grown, instances=exact)
    goal = given.queries * WALKED_NEXT
    yield conclude("‖Q^(t+1) − Q^(0)‖_F, likewise", turned.start, goal, turned, instances=exact)


def derive_bounds(subject: PaidPath) -> Iterator[Identity]:
    """The chains give exactly the stated α and the stated bound on Q."""
    given = subject.constants
    paid = paid_chain(given).start.coeff(pl.slope)  # times ‖∇ℓ‖, at most √Δ^(t) − √Δ^(t+1)
    yield prove_scalars("α", eta * sp.sqrt(Delta_0) / paid, given.alpha, "the whole path, for √Δ^(0)")
    turned = pulled_queries(given).end.coeff(pl.slope) / eta * given.alpha
    yield prove_scalars("the bound on Q", turned, given.queries, "‖∇_Q ℓ‖ in terms of ‖∇ℓ‖, along the path")


def argue_path(subject: PaidPath) -> Iterator[Argument]:
    """From the step to all steps: the induction over t."""
    steps = {
        "t = 0: α^(0) = 0, Q^(0) is where it starts, and 1 − √Δ^(0)/√Δ^(0) = 0": "w^(0) = 0",
        "from the two bounds at t follow those at t + 1": "derive_step and derive_growth",
    }
    made = tuple(Step(expression=expression, rule=rule) for expression, rule in steps.items())
    yield Argument(name="both bounds for every t", steps=made)


CLAIM = Claim(
    statement=STATEMENT,
    about=PaidPath,
    assumptions=("assumption1", "assumption2", "unit norm"),
    builds_on=("lemma1", "lemma2_sharp", "lemma5", "lemma7", "lemma8", "lemma9", "lemma10", "pl", "drift"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    stated=("STATED_ALPHA", "STATED_QUERIES"),
    drops=("large_steps",),
    checks=(derive_step, derive_growth, derive_bounds, argue_path),
    controls=dict(
        nearly_no_rate=planted(
            "Lemma 10 is said to give η_Q σ ≤ 10⁻⁹ instead of η_Q σ ≤ 1/2.", half=sp.Rational("1e-9")
        ),
        hundredth_of_the_path=planted("The bounds on α and on Q are divided by 100.", share=sp.Rational(1, 100)),
        large_steps=planted("η_Q = 100/L: the assumption η_Q ≤ 1/L is dropped.", boost=100),
    ),
    catches={
        derive_step: ("nearly_no_rate", "hundredth_of_the_path", "large_steps"),
        derive_growth: ("hundredth_of_the_path", "large_steps"),
        derive_bounds: ("hundredth_of_the_path",),
    },
)
