"""PL inequality [R]: where every B_k keeps half of its smallest eigenvalue, gradient descent contracts the gap.

While λ_min(B_k B_kᵀ) ≥ ζ_0/2 for all k: ‖∇ℓ‖² ≥ (γ²ζ_0/K)(ℓ − L*). So with σ := γ²ζ_0/(2K), if ∇ℓ is L-Lipschitz
between the two points and η_Q ≤ 1/L, one step of gradient descent multiplies the gap by at most 1 − η_Q σ.

Only the gradient in α is used, ∇_{α_k} ℓ = (γ/K) B_kᵀ δ_k. (The paper's proof takes x ∈ R^K where xᵀB_k needs
x ∈ R^N.) Wrong if one point's gradient is smaller, if one step contracts less, or if a line of the
derivation does not follow from its facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cache

import flint
import numpy as np
import sympy as sp

from theorems import lemma1, lemma5
from theorems.descent.induction import LemmaConstants
from theorems.lemma9 import FEATURES_BOUND
from theorems.lemma10 import NORM_IS_L, lipschitz_float
from theorems.network.instances import letters, networks, values
from theorems.network.letters import AT_0, BETWEEN, HERE, Point, h, k
from theorems.network.pair import Pair
from theorems.network.points import FloatPoint, pairs, slowest_point
from theorems.network.softmax import GENERIC
from theorems.network.stated import Known, each, held
from theorems.setting.constants import D, L, alpha, eta, gamma, rate, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import K, N
from theorems.setting.stated_constants import ENTRIES, LIPSCHITZ_MATRIX, SIGMA, STATED_D, spectral_norm
from verify.claim import Bound, Claim, Identity, planted
from verify.prove.inequalities.chain import Chain, Fact, at_least, at_most
from verify.prove.inequalities.lemma import Lemma, cite, define, hypothesis, quote
from verify.prove.inequalities.quantity import Letter, length, norm
from verify.prove.inequalities.rules import entry_below_norm, frobenius, frobenius_columns, least_singular_value, same
from verify.prove.inequalities.statement import conclude_stated
from verify.prove.inequalities.system import Relation
from verify.prove.inequalities.values import PRECISION, Values, extended

STATEMENT = r"""
lambda_min (B_k B_k^top) >= zeta_0 / 2 " for all " k quad ==> quad
norm(nabla ell)^2 >= (gamma^2 zeta_0)/K (ell - L^*), \
"if moreover" nabla ell "is" L"-Lipschitz on the segment from" xi "to" xi^+ = xi - eta_Q nabla ell(xi)
"and" eta_Q <= 1 / L: \
ell(xi^+) - L^* <= (1 - eta_Q sigma)(ell(xi) - L^*), quad sigma = (gamma^2 zeta_0)/(2 K)
"""

NESTEROV = "descent lemma (Nesterov, Lectures on Convex Optimization, 2nd ed., Lemma 1.2.3)"

slope = sp.Symbol("‖∇ℓ‖", nonnegative=True)
next_gap = sp.Symbol("Δ⁺", nonnegative=True)
STATED_PL = Relation(2 * SIGMA * HERE.gap, slope**2)
STATED_STEP = Relation(next_gap, HERE.gap - eta * SIGMA * HERE.gap)
STEP_SIZE = hypothesis(eta * L, 1, "η_Q ≤ 1/L")


@dataclass(frozen=True)
class Contraction:
    """The experiment with σ times a factor, the gap to a power, and λ_min(B_k B_kᵀ) ≥ ζ_0 / (2 · loss) only."""

    experiment: Experiment
    _: KW_ONLY
    factor: int = 1
    power: int = 1
    loss: int = 1

    @property
    def steep(self) -> Relation:
        """The first inequality as it is claimed here."""
        return self._claimed(STATED_PL, 2 * self.factor * SIGMA * HERE.gap**self.power, slope**2)

    @property
    def contracted(self) -> Relation:
        """The second inequality as it is claimed here."""
        return self._claimed(STATED_STEP, next_gap, HERE.gap - eta * self.factor * SIGMA * HERE.gap**self.power)

    def _claimed(self, stated: Relation, left: sp.Expr, right: sp.Expr) -> Relation:
        return stated if (self.factor, self.power) == (1, 1) else Relation(left, right)


def kept(point: Point, loss: int = 1) -> Fact:
    """√(ζ_0/2) ‖δ_k‖ ≤ ‖B_kᵀ δ_k‖, the assumption on λ_min(B_k B_kᵀ)."""
    least = sp.sqrt(zeta_0 / (2 * loss))
    supposed = hypothesis(least, norm(point.B_k, "least"), f"λ_min(B_k B_kᵀ) ≥ ζ_0/{2 * loss}")
    chain = at_most(least * norm(point.delta_k)).by(supposed, least_singular_value(point.B_k, point.delta_k))
    return chain.fact("B_k keeps half of ζ_0")


def slope_is(point: Point) -> Fact:
    """‖∇ℓ‖² = ‖∇_Q ℓ‖² + ‖∇_α ℓ‖²."""
    parts = length(h, norm(point.G_h, "F")), length(k, norm(point.g_k))
    named: Fact = define(slope, sp.sqrt(parts[0] ** 2 + parts[1] ** 2), "‖∇ℓ‖, over all heads and tokens")
    return named


def slope_chain(point: Point, kept: Fact) -> Chain:
    """‖∇ℓ‖² ≥ (γ²ζ_0/K)(ℓ − L*)."""
    pulled = point.B_k.T * point.delta_k
    return (
        at_least(slope**2)
        .to(length(k, norm(point.g_k)) ** 2, slope_is(point), rule="∇_α ℓ is a part of ∇ℓ")
        .by(
            same(point.g_k, gamma / K * pulled, "∇_{α_k} ℓ by Lemma 1", quote(lemma1.GRADIENT_WEIGHTS, point)),
            kept,
            quote(lemma5.GAP, point),
        )
    )


def on_segment(point: Point) -> Fact:
    """∇ℓ is L-Lipschitz between ξ and every point ξᵘ of the segment to ξ⁺."""
    pair = Pair(here=BETWEEN, there=point, softmax=GENERIC)
    moved, far = sp.Matrix(pair.gradients), sp.Matrix(pair.distances)
    known: Fact = hypothesis(
        sp.sqrt(moved.dot(moved)), L * sp.sqrt(far.dot(far)), "∇ℓ is L-Lipschitz on the segment from ξ to ξ⁺"
    )
    return known


SLOPE = Lemma(__name__, "the PL inequality", slope_chain)


def descent_chain(point: Point, size: Fact = STEP_SIZE, lipschitz: Fact | None = None) -> Chain:
    """ℓ(ξ⁺) − L* ≤ ℓ(ξ) − L* − (η_Q/2)‖∇ℓ‖².

    `lipschitz` bounds ‖∇ℓ(ξᵘ) − ∇ℓ(ξ)‖ for every point of the segment, and gives the constant; by default it is
    supposed.
    """
    lipschitz = lipschitz or on_segment(point)
    far = sp.Matrix(Pair(here=BETWEEN, there=point, softmax=GENERIC).distances)
    constant = lipschitz.right / sp.sqrt(far.dot(far))
    descent = point.gap - eta * slope**2 + constant / 2 * eta**2 * slope**2
    return (
        at_most(next_gap)
        .by(cite(next_gap, descent, "descent lemma", source=NESTEROV, needs=(lipschitz,)))
        .to(point.gap - eta / 2 * slope**2, size)
    )


def step_chain(point: Point, kept: Fact, size: Fact = STEP_SIZE, lipschitz: Fact | None = None) -> Chain:
    """ℓ(ξ⁺) − L* ≤ (1 − η_Q γ²ζ_0/(2K))(ℓ(ξ) − L*)."""
    bound = slope_chain(point, kept).fact("the PL inequality")
    return descent_chain(point, size, lipschitz).to(point.gap - eta / 2 * bound.left, bound)


DESCENT = Lemma(__name__, "one step (descent lemma)", descent_chain)
STEP = Lemma(__name__, "one step (descent lemma and PL)", step_chain)


def root_of_zeta(constants: LemmaConstants) -> Chain:
    """√ζ_0 ≤ √H ‖Z̄‖, by Assumption 2 and Lemma 9, which bound ‖B_k‖ from both sides."""
    x = Letter("e", N, 1)
    unit = hypothesis(norm(x), 1, "e is any vector of length 1", equal=True)
    root = at_most(sp.sqrt(zeta_0 / constants.zeta) * norm(x)).by(
        constants.least_fact,
        least_singular_value(AT_0.B_k, x),
        frobenius(AT_0.B_k, x),
        frobenius_columns(AT_0.columns),
        quote(FEATURES_BOUND, AT_0, constants.setting),
        unit,
    )
    known = root.fact("√ζ_0 ‖x‖ ≤ ‖B_k‖_F ‖x‖")
    return at_most(sp.sqrt(zeta_0)).to(sp.sqrt(constants.zeta) * root.end, known, unit)


ZETA_BELOW = Lemma(__name__, "the bound on √ζ_0", root_of_zeta)


def half_rate(constants: LemmaConstants) -> Chain:
    """η_Q σ ≤ 1/2, because ζ_0 ≤ K Laa/γ² (Assumption 2 and Lemma 9) and Laa ≤ L."""
    entry, small = constants.matrix[1, 1], root_of_zeta(constants).fact("the bound on √ζ_0")
    named = define(ENTRIES[1, 1], entry, f"{ENTRIES[1, 1]} names it")
    largest = entry_below_norm(ENTRIES, 1, 1)
    chain = at_most(eta * SIGMA).to(constants.zeta * eta / 2 * entry, small)
    chain = chain.to(constants.zeta * eta / 2 * L, named, largest, NORM_IS_L)
    return chain.to(sp.Rational(constants.boost * constants.zeta, 2), constants.step_size_fact)


def rate_is(constants: LemmaConstants) -> Fact:
    """r = 1 − η_Q σ, which is not negative."""
    words, value = "r = 1 − η_Q γ²ζ_0/(2K)", 1 - eta * SIGMA
    if constants.boost * constants.zeta > 2:  # a control, in which the rate may be negative
        supposed: Fact = hypothesis(rate, value, words, equal=True)
        return supposed
    named: Fact = define(rate, value, words, half_rate(constants).fact("η_Q σ ≤ 1/2"))
    return named


def derive_slope(subject: Contraction) -> Iterator[Identity]:
    """The gradient in α alone is large: Rayleigh's quotient for B_k B_kᵀ, then Lemma 5."""
    chain = slope_chain(HERE, kept(HERE, subject.loss))
    yield conclude_stated("‖∇ℓ‖² ≥ (γ²ζ_0/K)(ℓ − L*)", subject.steep, chain, instances=_instances(subject.loss))


def derive_step(subject: Contraction) -> Iterator[Identity]:
    """One step of gradient descent: the descent lemma, η_Q ≤ 1/L, and the inequality above."""
    chain = step_chain(HERE, kept(HERE, subject.loss))
    yield conclude_stated("Δ⁺ ≤ (1 − η_Q σ) Δ", subject.contracted, chain, instances=_instances(subject.loss))


@cache
def _instances(loss: int) -> tuple[Values, ...]:
    """The small networks after one step of size 1/L, with ζ_0 as large as the assumption allows."""
    result = []
    with flint.ctx.workprec(PRECISION):
        for network, (state, _) in networks():
            given = values(network, {"": state}, c=1, slack=1)
            given = extended(given, {alpha: 2 * alpha, D: STATED_D, L: spectral_norm(LIPSCHITZ_MATRIX), eta: 1 / L})
            after = network.descend(state, given.numbers["η_Q"])
            if not all(abs(entry) <= given.numbers["α"] for row in after.alpha for entry in row):
                continue  # the step leaves the region in which L holds
            between = network.descend(state, given.numbers["η_Q"] / 3)
            given = replace(given, matrices={**given.matrices, **letters(network, BETWEEN, [between])})
            numbers = {
                "‖∇ℓ‖": network.slope(state),
                "Δ⁺": network.gap(after),
                "ζ_0": 2 * loss * network.least_eigenvalue(state),
            }
            result.append(replace(given, numbers={**given.numbers, **numbers}))
    return tuple(result)


def measure_points(subject: Contraction) -> Iterator[Bound]:
    """At random points and where the first inequality is tight, gradients are large enough and a step contracts."""
    drawn = [p for p, _ in pairs(subject.experiment, "pl")]
    for name, relation, points in (
        ("(γ²ζ_0/K) Δ ≤ ‖∇ℓ‖²", subject.steep, [*drawn, *slowest_point(subject.experiment)]),
        (
            "Δ⁺ ≤ (1 − η_Q σ) Δ",
            subject.contracted,
            drawn,
        ),  # where only the slowest mode is left a step is within rounding
    ):
        known, wrong = _numbers(subject, points)
        yield held(name, relation, known, 0.0, f"{len(points)} points", uncertain=wrong)


def _numbers(subject: Contraction, points: list[FloatPoint]) -> tuple[Known, Known]:
    """What the two inequalities speak of, with ζ_0 as large as is assumed, after a step of size 1/L; and the errors."""
    slopes, errors, rates, steps = [], [], [], []
    for p in points:
        slopes.append(np.sqrt(sum(np.sum(part**2) for part in p.gradients)))
        errors.append(np.sqrt(sum(np.sum(part**2) for part in p.gradient_errors)))
        largest = 2 * float(np.abs(p.alpha).max())
        rates.append(1 / lipschitz_float(subject.experiment, largest, p.gamma))
        steps.append(p.descend(rates[-1]))
        if np.abs(steps[-1].alpha).max() > largest:
            raise ArithmeticError("one step of size 1/L doubles |α_hk|, so L does not hold between the two points")
    known = {
        gamma: each([p.gamma for p in points]),
        zeta_0: each([2 * subject.loss * p.least_eigenvalue for p in points]),
        K: subject.experiment.instance.dictionary_size,
        eta: each(rates),
        slope: each(slopes),
        HERE.gap: each([p.gap for p in points]),
        next_gap: each([p.gap for p in steps]),
    }
    wrong = {
        slope: each(errors),
        HERE.gap: each([p.gap_error for p in points]),
        next_gap: each([p.gap_error for p in steps]),
    }
    return known, wrong


CLAIM = Claim(
    statement=STATEMENT,
    about=Contraction,
    heeds=("instance", "start"),
    builds_on=("lemma1", "lemma5"),
    cites=(
        "descent lemma (Nesterov, Lectures on Convex Optimization, 2nd ed., Lemma 1.2.3)",
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
    ),
    checks=(derive_slope, derive_step, measure_points),
    stated=("STATED_PL", "STATED_STEP"),
    drops=("eigenvalue_lost",),
    controls=dict(
        twice_the_constant=planted("The constant is 2γ²ζ_0/K instead of γ²ζ_0/K, and σ twice as large.", factor=2),
        squared_gap=planted("The gap enters with the power 2 instead of 1.", power=2),
        eigenvalue_lost=planted(
            "λ_min(B_k B_kᵀ) is only known to be at least ζ_0/20: the assumption is dropped.", loss=10
        ),
    ),
    catches={
        derive_slope: ("twice_the_constant", "squared_gap", "eigenvalue_lost"),
        derive_step: ("twice_the_constant", "squared_gap", "eigenvalue_lost"),
        measure_points: ("twice_the_constant", "eigenvalue_lost"),
    },
)
