"""Theorem 1 [T, constants R]: gradient descent converges linearly to the least population loss.

Under Assumptions 1 and 2, with w^(0) = 0, γ² ≥ 128(2 + √2) K^{3/2} √H ‖Z̄‖² f̄_max Δ^(0) ζ_0^{−5/2}, η_Q ≤ 1/L (Lemma 10)
and η_w = γ²η_Q: for every t, Δ^(t) ≤ (1 − η_w ζ_0/(2K))^t Δ^(0), and inf L = L*.

The proof is an induction over t, from α^(0) = 0: the gaps so far bound the weights and the drift; B_k^(t) keeps half
of ζ_0; the PL inequality holds; one more step contracts the gap. The constants are computed from the lemmas.

Wrong if a run with these step sizes, certified in balls step by step or in closed form to the end, falls more slowly,
if a line of the induction does not follow from its facts, or if the lemmas give other constants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, replace

import sympy as sp

from theorems import drift, lemma2, long_run, pl
from theorems.descent import astray
from theorems.descent.certificate import certificate
from theorems.descent.certified_descent import certify_descent, certify_induction, measure_descent
from theorems.descent.induction import GAP, Induction, LemmaConstants
from theorems.descent.runs import runs_of
from theorems.descent.trajectory import DescentRun
from theorems.network.assumptions import measure_training_assumptions
from theorems.network.letters import AT_T, PAPER, t
from theorems.setting.constants import Delta_0, Z_norm, eta, eta_w, f_max, gamma, rate, zeta_0
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K
from theorems.setting.stated_constants import LIPSCHITZ_MATRIX, SIGMA, STATED_ALPHA, STATED_D
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, planted
from verify.prove.inequalities.chain import Chain, at_most
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.lemma import Lemma, hypothesis, quote
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


def stated_constants() -> LemmaConstants:
    """The constants of the theorem, as the lemmas state them."""
    given = {"gamma_squared": STATED_GAMMA, "matrix": LIPSCHITZ_MATRIX, "alpha": STATED_ALPHA, "D": STATED_D}
    return LemmaConstants(softmax=lemma2.LIPSCHITZ, setting=PAPER, **given)


@dataclass(frozen=True)
class LinearConvergence(Induction):
    """The induction with these constants for an experiment, and what is run: with a defect, one `run` that has it."""

    experiment: Experiment
    _: KW_ONLY
    stated: Callable[[], LemmaConstants] = stated_constants
    run: Callable[[Experiment], DescentRun] | None = None

    @property
    def runs(self) -> tuple[DescentRun, ...]:
        """What is run, held to the rate as it is stated."""
        made = (self.run(self.experiment),) if self.run else runs_of(self.experiment)
        return tuple(replace(run, decrease=1 - STATED_RATE) for run in made)


def contraction(constants: LemmaConstants) -> Chain:
    """Δ^(t+1) ≤ r^{t+1} Δ^(0) from Δ^(t) ≤ r^t Δ^(0): one step from where B_k^(t) keeps half of ζ_0."""
    kept, steep = drift.keeps_half(constants), drift.lipschitz(constants)
    step = quote(pl.STEP, AT_T, kept, constants.step_size_fact, steep)
    held = hypothesis(AT_T.gap, GAP, "induction hypothesis at t")
    return at_most(pl.next_gap).by(step).to(rate * AT_T.gap, pl.rate_is(constants)).by(held)


def derive_induction(subject: Induction) -> Iterator[Identity]:
    """If the bound holds up to step t, B_k^(t) keeps half of ζ_0, the PL inequality holds, and it holds at t + 1."""
    chain, goal = contraction(subject.constants), subject.claimed(rate) ** (t + 1) * Delta_0
    name = "Δ^(t+1) ≤ (1 − η_w ζ_0/(2K))^{t+1} Δ^(0)"
    yield conclude(name, chain.start, goal, chain, instances=subject.small_runs)


def derive_premises(subject: Induction) -> Iterator[Identity]:
    """What the step needs: η_Q σ ≤ 1/2, so that r is a rate, and Lemma 10 between ξ^(t) and ξ^(t+1)."""
    chain, exact = pl.half_rate(subject.constants), subject.small_runs
    yield conclude("η_Q σ ≤ 1/2", chain.start, subject.half, chain, instances=exact)
    steep = drift.lipschitz(subject.constants)
    along = at_most(steep.left).by(steep)
    yield conclude("‖∇ℓ(ξᵘ) − ∇ℓ(ξ^(t))‖ ≤ L ‖ξᵘ − ξ^(t)‖", along.start, along.end, along, instances=exact)


def argue_every_step(subject: Induction) -> Iterator[Argument]:
    """From the step to all steps: the induction over t."""
    before = "Drift, whose hypothesis is the bound at the steps before"
    steps = {
        "t = 0: Δ^(0) ≤ Δ^(0), α^(0) = 0 and B_k^(0) is where it starts": "w^(0) = 0",
        "from the bound at the steps up to t follow |α_hk| ≤ α at t and t + 1, and the drift at t": before,
        "and from these the bound at t + 1": "derive_premises and derive_induction",
    }
    made = tuple(Step(expression=expression, rule=rule) for expression, rule in steps.items())
    yield Argument(name="Δ^(t) ≤ (1 − η_w ζ_0/(2K))^t Δ^(0) for every t", steps=made)


def derive_infimum(subject: Induction) -> Iterator[Identity]:
    """L* ≤ inf L ≤ L(θ^(t)) for every t, and L(θ^(t)) − L* ≤ r^t Δ^(0) tends to 0."""
    infimum = sp.Symbol("inf L − L*", nonnegative=True)
    below = hypothesis(infimum, AT_T.gap, "an infimum: inf L ≤ L(θ^(t)); it is at least L* by Lemma 5")
    chain = at_most(infimum).by(below, hypothesis(AT_T.gap, GAP, "the bound at t"))
    name = "0 ≤ inf L − L* ≤ r^t Δ^(0) for every t"
    yield conclude(name, chain.start, GAP, chain, instances=subject.small_runs)
    base = sp.Symbol("b", positive=True)  # any rate below 1 is b/(1 + b) with b > 0
    limit = sp.limit((1 if subject.rate == 0 else base / (1 + base)) ** t * Delta_0, t, sp.oo)
    yield prove_scalars("r^t Δ^(0) → 0 for r < 1", limit, 0, "limit for t → ∞, with r = b/(1 + b), b > 0")


def derive_constants(subject: Induction) -> Iterator[Identity]:
    """The lemmas give exactly the stated requirement on γ² and the stated rate."""
    derived = drift.gamma_squared(subject.constants.softmax, subject.constants.setting)
    yield prove_scalars("γ²", derived, subject.constants.gamma_squared, "drift ≤ (1 − 1/√2)√ζ_0, solved for γ²")
    claimed = subject.claimed(STATED_RATE).subs(eta_w, gamma**2 * eta)
    yield prove_scalars("the rate", 1 - eta * SIGMA, claimed, "1 − η_Q σ with η_w = γ²η_Q")


def certify_long_run(subject: LinearConvergence) -> Iterator[Assumption | Bound]:
    """In closed form, Q moving, the gap lies under its bound from the first step to four times those guaranteed."""
    for check in (long_run.certify_motion, long_run.certify_long_run, long_run.certify_steps):
        yield from check(long_run.LongRun(subject.experiment, given=subject.runs))


def _proofs() -> Iterator[Identity]:
    """Of Δ^(T) ≤ r^T Δ^(0), where others quote it: the induction, which looks at no experiment."""
    yield from derive_induction(Induction(stated=stated_constants))
    yield from derive_premises(Induction(stated=stated_constants))


FALL = Lemma(__name__, "Theorem 1", lambda gap, steps: Relation(gap, rate**steps * Delta_0), _proofs)
RUN_ASTRAY = ("large_steps", "penalty_changed", "fewer_heads_than_labels", "weights_start_elsewhere")

CLAIM = Claim(
    statement=STATEMENT,
    about=LinearConvergence,
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
    drops=("large_steps", "overstated_zeta"),
    controls=dict(
        four_times_the_rate=planted(
            "The rate is 1 − 4 η_w ζ_0/(2K) instead of 1 − η_w ζ_0/(2K).", rate=4, run=astray.four_times_the_rate
        ),
        rate_one=planted("The rate is 1: the gap need not fall.", rate=0),
        nearly_no_rate=planted(
            "Lemma 10 is said to give η_Q σ ≤ 10⁻⁹ instead of η_Q σ ≤ 1/2.", half=sp.Rational("1e-9")
        ),
        other_power_of_zeta=planted("γ² is required to be large with ζ_0^{−3/2} instead of ζ_0^{−5/2}.", zeta_power=1),
        large_steps=planted("η_Q = 10/L: the assumption η_Q ≤ 1/L is dropped.", boost=10, run=astray.large_steps),
        overstated_zeta=planted(
            "ζ_0 is four times the least eigenvalue: the assumption on B_k^(0) is dropped.", zeta=4
        ),
        penalty_changed=planted("Z̄ and Â belong to the penalty 2mτ; training does not.", run=astray.penalty_changed),
        gamma_too_small=planted("γ is a thousand times too small.", run=astray.gamma_too_small),
        fewer_heads_than_labels=planted(
            "One head is left, with the step sizes of all sixteen.", run=astray.fewer_heads_than_labels
        ),
        weights_start_elsewhere=planted(
            "The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k.",
            run=astray.weights_start_elsewhere,
        ),
    ),
    catches={
        derive_induction: ("four_times_the_rate", "large_steps", "overstated_zeta"),
        derive_premises: ("nearly_no_rate",),
        derive_infimum: ("rate_one",),
        derive_constants: ("four_times_the_rate", "rate_one", "other_power_of_zeta"),
        certify_descent: ("four_times_the_rate", *RUN_ASTRAY),
        certify_induction: ("gamma_too_small", *RUN_ASTRAY),
        certify_long_run: ("four_times_the_rate",),
        measure_descent: ("four_times_the_rate", *RUN_ASTRAY),
    },
)
