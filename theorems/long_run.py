"""Long run [B]: with Theorem 1's own step sizes the whole trajectory follows in closed form, to the last step.

√Δ⁽ᵗ⁾ is within n(t) of √Δ̄(t), where Δ̄(t) = (1/2K) Σ_k ‖(I − P_k)ᵗ Z̄â_k‖², P_k = (η_w/K)B_k⁽⁰⁾B_k⁽⁰⁾ᵀ, is the gap with Q
at its start: a sum of exponentials, evaluated at any t. n(t) bounds what the motion of Q does, a posteriori.

Let ‖Q − Q⁽⁰⁾‖ ≤ q and ‖w‖ ≤ W up to step t, norms over all heads and tokens. The step of δ_k = B_kw_k − Z̄â_k is exactly
δ⁺ = (I − P)δ + r, where ‖r‖ ≤ ε‖δ‖, ε = (η_w/K)κ, κ = 2‖B⁽⁰⁾‖b + b² + f̄_max²W²/γ², b = f̄_max q, because
‖B − B⁽⁰⁾‖ ≤ b and ‖B⁺ − B‖ ≤ f̄_max ‖Q⁺ − Q‖ ≤ (η_w/Kγ²) f̄_max² W ‖δ‖. As η_w‖B⁽⁰⁾‖² ≤ K, ‖I − P‖ ≤ p = 1 − η_wζ₀/K, and
n(t + 1) = (p + ε) n(t) + ε √Δ̄(t), n(0) = 0, is a bound. Summed over t, with S = (η_w/K) Σ_s ‖δ̄(s)‖ and ρ = κ/ζ₀ < 1:
(η_w/K) Σ_s ‖δ(s)‖ ≤ S/(1 − ρ), so ‖Q − Q⁽⁰⁾‖ ≤ f̄_max W S/((1 − ρ)γ²) and ‖w‖ ≤ ‖w̄‖ + (b + ‖B⁽⁰⁾‖ρ) S/(1 − ρ) at step
t + 1, ‖w̄‖ = ‖B⁽⁰⁾†Z̄Â‖. Where these are at most q and W, both hold for every t. Then ‖δ‖ shrinks by p + ε in every step:
Theorem 1, at four times its rate. The chains are in `theorems.descent.motion`; what is only argued says so.

Wrong if a chain does not end in these formulas, if an exact run leaves the closed form by more than n(t), if √Δ̄ + n is
above Theorem 1's bound at some t, or if more steps are needed than are guaranteed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from typing import cast

import sympy as sp

from theorems import lemma7, lemma8
from theorems.descent import motion
from theorems.descent.certified_closed_form import (
    ARGUMENTS,
    bound_kept,
    motion_reproduced,
    neglect_kept,
    remainder_kept,
    steps_kept,
    why_not_closed,
)
from theorems.descent.closed_form import ClosedForm, Formulas, closed_form
from theorems.descent.runs import runs_of, violated
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.lemma2_sharp import LIPSCHITZ
from theorems.network.instances import small_networks
from theorems.network.letters import HERE, THERE, h, k
from theorems.setting.constants import f_max, gamma, zeta_0
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K, N
from verify.claim import Argument, Assumption, Bound, Claim, Identity, defect_of_experiment, defect_of_subject, planted
from verify.prove import prove
from verify.prove.inequalities.conclusion import conclude
from verify.prove.inequalities.quantity import length, norm
from verify.prove.inequalities.scalar_identity import prove_scalars

STATEMENT = r"""
"Theorem 1's step sizes," quad w^((0)) = 0, quad norm(Q^((t)) - Q^((0))) <= q, quad norm(w^((t))) <= W, \
q "and" W "such that these bounds up to step" t "give them at" t + 1 quad ==> \
abs(sqrt(Delta^((t))) - sqrt(overline(Delta)(t))) <= n(t), quad
overline(Delta)(t) = 1/(2 K) sum_k norm((I - eta_w/K B_k^((0)) B_k^((0) top))^t overline(Z) hat(a)_k)^2, \
n(t+1) = (1 - eta_w/K (zeta_0 - kappa)) n(t) + eta_w/K kappa sqrt(overline(Delta)(t)), quad n(0) = 0, \
kappa = 2 norm(B^((0))) b + b^2 + (overline(f)_max^2 W^2)/gamma^2, quad b = overline(f)_max q, \
(sqrt(overline(Delta)(t)) + n(t))^2 <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) quad "for all" t
"""

# In the symbols of `theorems.descent.motion`; the closed form is evaluated with these very formulas.
STATED_LOSS = 2 * motion.B_norm * motion.b + motion.b**2 + f_max**2 * motion.W**2 / gamma**2 + motion.defect
STATED_QUERIES = f_max * motion.W * motion.S / (motion.room * gamma**2)
STATED_WEIGHTS = motion.limit + (motion.b + motion.B_norm * motion.rho) * motion.S / motion.room

B_0, B, B_next = (sp.MatrixSymbol(name, N, H) for name in ("B⁽⁰⁾", "B", "B⁺"))
M, w = sp.MatrixSymbol("M", N, N), sp.MatrixSymbol("w", H, 1)
frozen, a = sp.MatrixSymbol("δ̄", N, 1), sp.MatrixSymbol("a", N, 1)  # a = Z̄â_k
p, eps, S, x, step = sp.symbols("p ε S x η", positive=True)

SMALLER = 0.5  # times γ, where Q moves more


@dataclass(frozen=True)
class LongRun:
    """The runs to follow; controls change n(t), the exponent 2t, Z̄ in B_k = Z̄C_k, a formula, or drop a term.

    Other runs than those of the experiment may be `given`.
    """

    experiment: Experiment
    _: KW_ONLY
    given: tuple[DescentRun, ...] = ()
    neglect: float = 1.0
    exponent: float = 2.0
    by_features: bool = True
    complete: bool = True
    loss: sp.Expr = sp.Integer(1)
    bounds: sp.Expr = sp.Integer(1)

    @cached_property
    def runs(self) -> tuple[DescentRun, ...]:
        """The literal instance first, the experiment's own last."""
        return self.given or runs_of(self.experiment)

    @property
    def formulas(self) -> Formulas:
        """κ and the bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖, as stated."""
        queries, weights = self.bounds * STATED_QUERIES, self.bounds * STATED_WEIGHTS
        return Formulas(loss=self.loss * STATED_LOSS, queries=queries, weights=weights)

    def closed(self, run: DescentRun) -> ClosedForm | None:
        """The run in closed form; None where a hypothesis is missing or no bound on the motion reproduces itself."""
        return (
            None
            if violated(run) and not run.forced
            else closed_form(run, self.formulas, self.exponent, self.by_features)
        )

    @property
    def forms(self) -> Iterator[ClosedForm]:
        """The runs in closed form, as far as they have one, the experiment's own instance first."""
        return filter(None, map(self.closed, reversed(self.runs)))

    @property
    def followed(self) -> Iterator[tuple[ClosedForm, Trajectory]]:
        """The run that is within reach, with γ and with half of it, in closed form and exactly."""
        first = self.runs[0]
        halved = replace(first, gamma_factor=SMALLER * first.gamma_factor, forced=True, name=f"{first.name} with γ/2")
        return ((form, descend(form.run)) for form in map(self.closed, (first, halved)) if form is not None)

    def missing(self, runs: Iterable[DescentRun]) -> Iterator[Assumption]:
        """Why some of these runs have no closed form."""
        for run in runs:
            if self.closed(run) is None:
                yield from why_not_closed(run)


def derive_recursion(subject: LongRun) -> Iterator[Identity]:
    """One step of gradient descent in which B moves to B⁺: δ⁺ is (I − P)δ and two terms of the motion; η = η_w/K."""
    delta = B * w - a
    moved = B_next * (w - step * B.T * delta) - a
    last = (B_next - B) * w if subject.complete else sp.ZeroMatrix(N, 1)
    stated = delta - step * B_0 * B_0.T * delta - step * (B_next * B.T - B_0 * B_0.T) * delta + last
    yield prove("δ⁺ = (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ − η(B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ)δ + (B⁺ − B)w", moved, stated)


def derive_motion(subject: LongRun) -> Iterator[Identity]:
    """All heads together: ‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F and ‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖, w = γα."""
    moved, slope = lemma8.all_features_chain(HERE, THERE, LIPSCHITZ), lemma7.all_gradients_chain(HERE, LIPSCHITZ)
    exact = small_networks()
    factor = subject.bounds
    goal = factor * f_max * length(h, norm(HERE.Q_h - THERE.Q_h, "F"))
    yield conclude("‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F", moved.start, goal, moved, instances=exact)
    goal = factor * gamma / K * f_max * length((h, k), norm(HERE.alpha_hk)) * length(k, norm(HERE.delta_k))
    yield conclude("‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖", slope.start, goal, slope, instances=exact)


def derive_remainder(subject: LongRun) -> Iterator[Identity]:
    """What a step with B moving adds to (I − (η_w/K)M)δ is at most (η_w/K) κ ‖δ‖, ‖B⁽⁰⁾B⁽⁰⁾ᵀ − M‖ ≤ d."""
    chain, goal = motion.remainder_chain(), motion.step * subject.formulas.loss * norm(motion.delta)
    yield conclude("‖δ⁺ − (I − ηM)δ‖ ≤ ηκ ‖δ‖", chain.start, goal, chain, instances=motion.tight_instances())


def derive_neglect(subject: LongRun) -> Iterator[Identity]:
    """The distance to the closed form grows by the recursion of n(t), solved by ε Σ_{s<t} (p + ε)^{t−1−s} √Δ̄(s)."""
    chain, loss = motion.neglect_chain(), subject.loss * motion.kappa
    goal = (1 - motion.step * (zeta_0 - loss)) * norm(motion.off_s) + motion.step * loss * norm(motion.frozen_s)
    name = "‖δ⁺ − δ̄⁺‖ ≤ (1 − η(ζ_0 − κ)) ‖δ − δ̄‖ + ηκ ‖δ̄‖"
    yield conclude(name, chain.start, goal, chain, instances=motion.run_instances())
    yield prove_scalars("n(t + 1)", (p + eps) * eps * S + eps * x, eps * ((p + eps) * S + x), "S is the sum up to t")


def derive_fixed_point(subject: LongRun) -> Iterator[Identity]:
    """From the bounds up to step t to those at t + 1: the path (η_w/K) Σ_s ‖δ(s)‖, ‖Q − Q⁽⁰⁾‖ and ‖w‖."""
    formulas, exact = subject.formulas, motion.run_instances()
    path, turned, grown = motion.path_chain(), motion.queries_chain(), motion.weights_chain()
    yield conclude("η Σ_s ‖δ(s)‖ ≤ S/(1 − ρ)", path.start, motion.S / motion.room, path, instances=exact)
    yield conclude("‖Q^(t) − Q⁽⁰⁾‖ ≤ f̄_max W S/((1 − ρ)γ²)", turned.start, formulas.queries, turned, instances=exact)
    name = "‖w^(t)‖ ≤ ‖w̄‖ + (b + ‖B⁽⁰⁾‖ρ) S/(1 − ρ)"
    yield conclude(name, grown.start, formulas.weights, grown, instances=exact)
    solution = B_0.T * M.I
    before, after = solution * (frozen + a), solution * (frozen - step * M * frozen + a)
    yield prove("w̄ = B⁽⁰⁾ᵀM⁻¹(δ̄ + a) is w̄⁺ = w̄ − ηB⁽⁰⁾ᵀδ̄", after, before - step * B_0.T * frozen)


def argue_every_step(subject: LongRun) -> Iterator[Argument]:
    """From one step to all: the induction, the blocks of B, and the spectrum of M."""
    yield from ARGUMENTS


def certify_motion(subject: LongRun) -> Iterator[Assumption | Bound]:
    """The bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖ reproduce themselves, and every step shrinks Δ by Theorem 1's factor or more."""
    yield from subject.missing(reversed(subject.runs))
    for form in subject.forms:
        yield from motion_reproduced(form)


def certify_remainder(subject: LongRun) -> Iterator[Assumption | Bound]:
    """One more step at the end of exact runs, at γ and at half of it, leaves no more than κ, for what moved there."""
    yield from subject.missing(subject.runs[:1])
    for form, exact in subject.followed:
        yield from remainder_kept(form, exact, subject.formulas.loss)


def certify_neglect(subject: LongRun) -> Iterator[Assumption | Bound]:
    """Exact runs with Q moving, at γ and at half of it, depart from the closed form by at most n(t) at every step."""
    yield from subject.missing(subject.runs[:1])
    for form, exact in subject.followed:
        yield from neglect_kept(form, exact, subject.neglect)


def certify_long_run(subject: LongRun) -> Iterator[Assumption | Bound]:
    """The gap, Q moving, lies under Theorem 1's bound from the first step to four times the steps guaranteed."""
    yield from subject.missing(reversed(subject.runs))
    for form in subject.forms:
        yield from bound_kept(form)


def certify_steps(subject: LongRun) -> Iterator[Assumption | Bound]:
    """The gap is 10³ and 10⁶ times smaller after no more steps than guaranteed; the slack is what is given away.

    Of it, 2 log(1 − 2y)/log(1 − y) = 4 + 2y + …, y = η_wζ₀/2K, is given away by the rate. The second bound has the
    rate of every step instead: its slack is the constant's, because the slow modes carry little of Δ⁽⁰⁾.
    """
    yield from subject.missing(reversed(subject.runs))
    for form in subject.forms:
        yield from steps_kept(form)


@defect_of_experiment
def penalty_changed(experiment: Experiment) -> Experiment:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    return cast(Experiment, penalty_twice.plant(experiment))


@defect_of_subject
def rate_eight_times(subject: LongRun) -> LongRun:
    """The claimed rate is (1 − 8η_wζ₀/2K)ᵗ."""
    return replace(subject, given=tuple(replace(run, rate_factor=8.0, forced=True) for run in subject.runs))


CLAIM = Claim(
    statement=STATEMENT,
    about=LongRun,
    stated=("STATED_LOSS", "STATED_QUERIES", "STATED_WEIGHTS"),
    heeds=("instance", "start", "start_weights", "descent"),
    assumptions=("assumption2",),
    builds_on=("lemma1", "lemma2_sharp", "lemma5", "lemma8"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "Cauchy–Schwarz and Minkowski for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    checks=(
        derive_recursion,
        derive_motion,
        derive_remainder,
        derive_neglect,
        derive_fixed_point,
        argue_every_step,
        certify_motion,
        certify_remainder,
        certify_neglect,
        certify_long_run,
        certify_steps,
    ),
    controls=dict(
        rate_eight_times=rate_eight_times,
        features_forgotten=planted("The modes are those of C_kC_kᵀ instead of B_kB_kᵀ, without Z̄.", by_features=False),
        penalty_changed=penalty_changed,
        millionth_of_the_neglect=planted("What is neglected is claimed to be 10⁻⁶ n(t).", neglect=1e-6),
        exponent_once=planted(
            "The modes of the gap are claimed to shrink by (1 − η_wλ/K)ᵗ instead of (1 − η_wλ/K)²ᵗ.", exponent=1.0
        ),
        motion_left_out=planted("The recursion is stated without (B⁺ − B)w.", complete=False),
        twentieth_of_kappa=planted("κ is claimed to be a twentieth of what it is.", loss=sp.Rational(1, 20)),
        half_the_bounds=planted("The bounds on the motion of B_k, Q and w are halved.", bounds=sp.Rational(1, 2)),
    ),
    catches={
        derive_recursion: ("motion_left_out",),
        derive_motion: ("half_the_bounds",),
        derive_remainder: ("twentieth_of_kappa",),
        derive_neglect: ("twentieth_of_kappa",),
        derive_fixed_point: ("half_the_bounds",),
        certify_motion: ("rate_eight_times",),
        certify_remainder: ("twentieth_of_kappa",),
        certify_neglect: ("features_forgotten", "penalty_changed", "millionth_of_the_neglect", "exponent_once"),
        certify_long_run: ("rate_eight_times",),
        certify_steps: ("rate_eight_times", "exponent_once"),
    },
)
