"""Theorem 1 [T, constants R]: gradient descent converges linearly to the least population loss.

Under Assumptions 1 and 2, with w^(0) = 0, γ² ≥ 128(2 + √2) K^{3/2} √H ‖Z̄‖² f̄_max Δ^(0) ζ_0^{−5/2}, η_Q ≤ 1/L (Lemma 10)
and η_w = γ²η_Q: for every t, Δ^(t) ≤ (1 − η_w ζ_0/(2K))^t Δ^(0), and inf L = L*.

The proof is an induction over t, from α^(0) = 0: the gaps so far bound the weights and the drift; B_k^(t) keeps half
of ζ_0; the PL inequality holds; one more step contracts the gap. The constants are computed from the lemmas.

Wrong if a run with these step sizes, certified in balls step by step or in closed form to the end, falls more slowly,
if a line of the induction does not follow from its facts, or if the lemmas give other constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from theorems import lemma2, long_run
from theorems.descent import certified_descent
from theorems.descent.certificate import certificate_of
from theorems.descent.induction import GAP, LemmaConstants, contraction, half_rate, infimum_chain, lipschitz
from theorems.descent.step_sizes import exact_runs
from theorems.descent.trajectory import DescentRun
from theorems.drift import STATED_ALPHA, gamma_squared
from theorems.lemma9 import STATED_D
from theorems.lemma10 import STATED as LIPSCHITZ_MATRIX
from theorems.network.letters import PAPER, t
from theorems.pl import SIGMA
from theorems.setting.assumptions import measure_training_assumptions
from theorems.setting.constants import Delta_0, Z_norm, eta, eta_w, f_max, gamma, rate, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step
from verify.prove.inequalities.chain import at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma
from verify.prove.inequalities.scalar_identity import prove_scalars
from verify.prove.inequalities.system import Relation

STATEMENT = r"""
"Assumptions" 1 "and" 2, quad norm(v_k) = 1, quad w^((0)) = 0, \
gamma^2 >= 128 (2 + sqrt(2)) K^(3\/2) sqrt(H) norm(overline(Z))^2 overline(f)_max Delta^((0)) zeta_0^(-5\/2), quad
eta_Q <= 1 / L, quad eta_w = gamma^2 eta_Q, \
L "of Lemma 10 with" alpha = (4 sqrt(2 K) norm(overline(Z)) sqrt(Delta^((0)))) / (gamma zeta_0) quad
==> quad Delta^((t)) <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) " for all " t, quad inf L = L^*
"""

STATED_GAMMA = (2 + sp.sqrt(2)) * sp.sqrt(K**3 * H) * Z_norm**2 * f_max * Delta_0 / sp.sqrt(zeta_0) ** 5 * 128
STATED_RATE = 1 - eta_w * zeta_0 / (2 * K)

DEFECT_STEPS = 60  # of the certified descent with a planted defect

CONSTANTS = LemmaConstants(
    softmax=lemma2.LIPSCHITZ,
    setting=PAPER,
    gamma_squared=STATED_GAMMA,
    matrix=LIPSCHITZ_MATRIX,
    alpha=STATED_ALPHA,
    D=STATED_D,
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The experiment with η_w ζ_0/(2K) times a factor, another power of ζ_0 in γ², η_Q ≤ boost/L, or ζ_0 overstated.

    `run` is a certified descent with a defect of its own.
    """

    experiment: Any  # an Experiment; the proofs, which others quote, look at its limit at most
    rate: int = 1
    zeta_power: int = 0
    boost: int = 1
    zeta: int = 1
    half: Any = sp.Rational(1, 2)
    recipe: LemmaConstants = CONSTANTS
    run: DescentRun | None = None

    @property
    def descent(self) -> DescentRun:
        """The certified descent with the defects that it knows of."""
        plan = replace(certified_descent.literal_plan(self.experiment), steps=DEFECT_STEPS, forced=True)
        return self.run or replace(plan, rate_factor=float(self.rate), step_factor=float(self.boost))

    @property
    def claimed_rate(self) -> Any:
        """What the gap is claimed to be multiplied by in one step, at most."""
        return 1 - self.rate * (1 - STATED_RATE)

    @property
    def planted(self) -> LemmaConstants:
        """The recipe with the defects."""
        stated = STATED_GAMMA if self.recipe is CONSTANTS else self.recipe.gamma_squared
        required = stated * zeta_0**self.zeta_power
        return replace(self.recipe, gamma_squared=required, boost=self.boost, zeta=self.zeta)


def derive_induction(subject: Experiment | Variant) -> Iterator[Identity]:
    """If the bound holds up to step t, B_k^(t) keeps half of ζ_0, the PL inequality holds, and it holds at t + 1."""
    variant = variant_of(subject)
    chain = contraction(variant.planted)
    claimed = rate if variant.rate == 1 else 1 - variant.rate * (1 - rate)
    goal = claimed ** (t + 1) * Delta_0
    yield conclude(
        "Δ^(t+1) ≤ (1 − η_w ζ_0/(2K))^{t+1} Δ^(0)",
        chain.start,
        goal,
        chain,
        instances=exact_runs(variant.planted.step_sizes),
    )


def _proofs() -> Iterator[Identity]:
    """The induction of this file; it looks at no experiment."""
    paper = Variant(experiment=None)
    return itertools.chain(derive_induction(paper), derive_premises(paper))


def _fall(gap: Any, steps: Any) -> Relation:
    """Δ^(T) ≤ r^T Δ^(0), by induction."""
    return Relation(gap, rate**steps * Delta_0)


FALL = Lemma(__name__, "Theorem 1", _fall, _proofs)


def derive_premises(subject: Experiment | Variant) -> Iterator[Identity]:
    """What the step needs: η_Q σ ≤ 1/2, so that r is a rate, and Lemma 10 between ξ^(t) and ξ^(t+1)."""
    variant = variant_of(subject)
    recipe = variant.recipe
    chain, steep, exact = half_rate(recipe), lipschitz(recipe), exact_runs(recipe.step_sizes)
    yield conclude("η_Q σ ≤ 1/2", chain.start, variant.half, chain, instances=exact)
    along = at_most(steep.left).by(steep)
    yield conclude("‖∇ℓ(ξᵘ) − ∇ℓ(ξ^(t))‖ ≤ L ‖ξᵘ − ξ^(t)‖", along.start, along.end, along, instances=exact)


def argue_every_step(subject: Experiment | Variant) -> Iterator[Argument]:
    """From the step to all steps: the induction over t."""
    yield Argument(
        name="Δ^(t) ≤ (1 − η_w ζ_0/(2K))^t Δ^(0) for every t",
        steps=(
            Step(expression="t = 0: Δ^(0) ≤ Δ^(0), α^(0) = 0 and B_k^(0) is where it starts", rule="w^(0) = 0"),
            Step(
                expression="from the bound at the steps up to t follow |α_hk| ≤ α at t and t + 1, and the drift at t",
                rule="Drift, whose hypothesis is the bound at the steps before",
            ),
            Step(expression="and from these the bound at t + 1", rule="derive_premises and derive_induction"),
        ),
    )


def derive_infimum(subject: Experiment | Variant) -> Iterator[Identity]:
    """L* ≤ inf L ≤ L(θ^(t)) for every t, and L(θ^(t)) − L* ≤ r^t Δ^(0) tends to 0."""
    chain = infimum_chain()
    exact = exact_runs(variant_of(subject).recipe.step_sizes)
    yield conclude("0 ≤ inf L − L* ≤ r^t Δ^(0) for every t", chain.start, GAP, chain, instances=exact)
    base = sp.Symbol("b", positive=True)  # any rate below 1 is b/(1 + b) with b > 0
    below_one = 1 if variant_of(subject).rate == 0 else base / (1 + base)
    limit = sp.limit(sp.sympify(below_one) ** t * Delta_0, t, sp.oo)
    yield prove_scalars("r^t Δ^(0) → 0 for r < 1", limit, 0, "limit for t → ∞, with r = b/(1 + b), b > 0")


def derive_constants(subject: Experiment | Variant) -> Iterator[Identity]:
    """The lemmas give exactly the stated requirement on γ² and the stated rate."""
    variant = variant_of(subject)
    recipe = variant.recipe
    derived = gamma_squared(recipe.softmax, recipe.setting)
    yield prove_scalars("γ²", derived, variant.planted.gamma_squared, "drift ≤ (1 − 1/√2)√ζ_0, solved for γ²")
    claimed = variant.claimed_rate.subs(eta_w, gamma**2 * eta)
    yield prove_scalars("the rate", 1 - eta * SIGMA, claimed, "1 − η_Q σ with η_w = γ²η_Q")


def certify_descent(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """With the theorem's own step sizes the gap lies under its bound at every step, in ball arithmetic."""
    yield from certified_descent.certify_descent(_descent(subject))


def certify_induction(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """At every step the weights, the drift of B_k, λ_min(B_kB_kᵀ) and the gradient obey the proof's induction."""
    yield from certified_descent.certify_induction(_descent(subject))


def certify_long_run(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """In closed form, Q moving, the gap lies under its bound from the first step to four times those guaranteed."""
    for check in (long_run.certify_motion, long_run.certify_long_run, long_run.certify_steps):
        yield from check(_descent(subject))


def measure_descent(subject: Experiment | Variant) -> Iterator[Assumption | Bound]:
    """In float64 the gap stays under the bound as far as rounding lets one tell."""
    yield from certified_descent.measure_descent_float64(_descent(subject))


def certificate(experiment: Experiment) -> dict[str, Any]:
    """What `theorems/checkers/check_certificate.py` needs to check the descent of this instance again, on its own."""
    return certificate_of(_descent(experiment)[-1])


def _descent(subject: Experiment | Variant) -> tuple[DescentRun, ...]:
    """What is run, held to the rate as it is stated."""
    plans = (subject.descent,) if isinstance(subject, Variant) else certified_descent.plans(subject)
    return tuple(replace(plan, decrease=1 - STATED_RATE) for plan in plans)


def variant_of(subject: Experiment | Variant) -> Variant:
    """The statement as it stands, unless a defect is planted already."""
    return subject if isinstance(subject, Variant) else Variant(experiment=subject)


def four_times_the_rate(experiment: Experiment) -> Variant:
    """The rate is 1 − 4 η_w ζ_0/(2K) instead of 1 − η_w ζ_0/(2K)."""
    return Variant(experiment=experiment, rate=4)


def rate_one(experiment: Experiment) -> Variant:
    """The rate is 1: the gap need not fall."""
    return Variant(experiment=experiment, rate=0)


def nearly_no_rate(experiment: Experiment) -> Variant:
    """Lemma 10 is said to give η_Q σ ≤ 10⁻⁹ instead of η_Q σ ≤ 1/2."""
    return Variant(experiment=experiment, half=sp.Rational(1, 10**9))


def other_power_of_zeta(experiment: Experiment) -> Variant:
    """γ² is required to be large with ζ_0^{−3/2} instead of ζ_0^{−5/2}."""
    return Variant(experiment=experiment, zeta_power=1)


def large_steps(experiment: Experiment) -> Variant:
    """η_Q = 10/L: the assumption η_Q ≤ 1/L is dropped."""
    return Variant(experiment=experiment, boost=10)


def overstated_zeta(experiment: Experiment) -> Variant:
    """ζ_0 is four times the least eigenvalue: the assumption on B_k^(0) is dropped."""
    return Variant(experiment=experiment, zeta=4)


def penalty_changed(experiment: Experiment) -> Variant:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    return Variant(experiment=experiment, run=certified_descent.penalty_changed(experiment))


def gamma_too_small(experiment: Experiment) -> Variant:
    """γ is a thousand times too small."""
    return Variant(experiment=experiment, run=certified_descent.gamma_too_small(experiment))


def fewer_heads_than_labels(experiment: Experiment) -> Variant:
    """One head is left, with the step sizes of all sixteen."""
    return Variant(experiment=experiment, run=certified_descent.fewer_heads_than_labels(experiment))


def weights_start_elsewhere(experiment: Experiment) -> Variant:
    """The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k."""
    return Variant(experiment=experiment, run=certified_descent.weights_start_elsewhere(experiment))


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "start_weights", "descent"),
    certificate=certificate,
    assumptions=("assumption1", "assumption2", "unit norm"),
    builds_on=("lemma2", "lemma5", "lemma6", "lemma9", "lemma10", "pl", "drift", "long_run"),
    cites=("elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",),
    checks=(
        measure_training_assumptions,
        derive_induction,
        derive_premises,
        argue_every_step,
        derive_infimum,
        derive_constants,
        certify_descent,
        certify_induction,
        certify_long_run,
        measure_descent,
    ),
    stated=("STATED_GAMMA", "STATED_RATE"),
    drops=(large_steps, overstated_zeta),
    controls=(
        four_times_the_rate,
        rate_one,
        nearly_no_rate,
        other_power_of_zeta,
        large_steps,
        overstated_zeta,
        penalty_changed,
        gamma_too_small,
        fewer_heads_than_labels,
        weights_start_elsewhere,
    ),
    catches={
        derive_induction: (four_times_the_rate, large_steps, overstated_zeta),
        derive_premises: (nearly_no_rate,),
        derive_infimum: (rate_one,),
        derive_constants: (four_times_the_rate, rate_one, other_power_of_zeta),
        certify_descent: (
            four_times_the_rate,
            large_steps,
            penalty_changed,
            fewer_heads_than_labels,
            weights_start_elsewhere,
        ),
        certify_induction: (
            large_steps,
            penalty_changed,
            gamma_too_small,
            fewer_heads_than_labels,
            weights_start_elsewhere,
        ),
        certify_long_run: (four_times_the_rate,),
        measure_descent: (
            four_times_the_rate,
            large_steps,
            penalty_changed,
            fewer_heads_than_labels,
            weights_start_elsewhere,
        ),
    },
)
