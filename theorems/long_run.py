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

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.descent import motion
from theorems.descent.closed_form import Formulas, LongRun, followed
from theorems.descent.motion_bounds import ARGUMENTS, features_moved_chain, slope_chain
from theorems.descent.one_step import one_step
from theorems.descent.plans import VACUOUS, plans, violated
from theorems.descent.prescription import BITS
from theorems.descent.trajectory import DescentRun, descend
from theorems.network.instances import small_networks
from theorems.network.letters import HERE, THERE, h, k
from theorems.setting.constants import f_max, gamma, zeta_0
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import H, K, N
from verify.certify import evaluate
from verify.certify.compare import bound_of, upper
from verify.claim import Argument, Assumption, Bound, Claim, Identity
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

FACTORS = (1e3, 1e6)  # by which the gap is to fall
SMALLER = 0.5  # times γ, where Q moves more


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The plans to follow; controls change n(t), the exponent 2t, Z̄ in B_k = Z̄C_k, a formula, or drop a term."""

    plans: tuple[DescentRun, ...]
    neglect: float = 1.0
    exponent: float = 2.0
    by_features: bool = True
    complete: bool = True
    loss: Any = 1
    bounds: Any = 1

    @property
    def formulas(self) -> Formulas:
        """κ and the bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖, as stated."""
        queries, weights = self.bounds * STATED_QUERIES, self.bounds * STATED_WEIGHTS
        return Formulas(loss=self.loss * STATED_LOSS, queries=queries, weights=weights)


Subject = Experiment | Variant


def derive_recursion(subject: Subject) -> Iterator[Identity]:
    """One step of gradient descent in which B moves to B⁺: δ⁺ is (I − P)δ and two terms of the motion; η = η_w/K."""
    delta = B * w - a
    moved = B_next * (w - step * B.T * delta) - a
    last = (B_next - B) * w if _stated(subject).complete else sp.ZeroMatrix(N, 1)
    stated = delta - step * B_0 * B_0.T * delta - step * (B_next * B.T - B_0 * B_0.T) * delta + last
    yield prove("δ⁺ = (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ − η(B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ)δ + (B⁺ − B)w", moved, stated)


def derive_motion(subject: Subject) -> Iterator[Identity]:
    """All heads together: ‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F and ‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖, w = γα."""
    moved, slope, exact = features_moved_chain(), slope_chain(), small_networks()
    factor = _stated(subject).bounds
    goal = factor * f_max * length(h, norm(HERE.Q_h - THERE.Q_h, "F"))
    yield conclude("‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F", moved.start, goal, moved, instances=exact)
    goal = factor * gamma / K * f_max * length((h, k), norm(HERE.alpha_hk)) * length(k, norm(HERE.delta_k))
    yield conclude("‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖", slope.start, goal, slope, instances=exact)


def derive_remainder(subject: Subject) -> Iterator[Identity]:
    """What a step with B moving adds to (I − (η_w/K)M)δ is at most (η_w/K) κ ‖δ‖, ‖B⁽⁰⁾B⁽⁰⁾ᵀ − M‖ ≤ d."""
    chain, goal = motion.remainder_chain(), motion.step * _stated(subject).formulas.loss * norm(motion.delta)
    yield conclude("‖δ⁺ − (I − ηM)δ‖ ≤ ηκ ‖δ‖", chain.start, goal, chain, instances=motion.tight_instances())


def derive_neglect(subject: Subject) -> Iterator[Identity]:
    """The distance to the closed form grows by the recursion of n(t), solved by ε Σ_{s<t} (p + ε)^{t−1−s} √Δ̄(s)."""
    chain, loss = motion.neglect_chain(), _stated(subject).loss * motion.kappa
    goal = (1 - motion.step * (zeta_0 - loss)) * norm(motion.off_s) + motion.step * loss * norm(motion.frozen_s)
    name = "‖δ⁺ − δ̄⁺‖ ≤ (1 − η(ζ_0 − κ)) ‖δ − δ̄‖ + ηκ ‖δ̄‖"
    yield conclude(name, chain.start, goal, chain, instances=motion.run_instances())
    yield prove_scalars("n(t + 1)", (p + eps) * eps * S + eps * x, eps * ((p + eps) * S + x), "S is the sum up to t")


def derive_fixed_point(subject: Subject) -> Iterator[Identity]:
    """From the bounds up to step t to those at t + 1: the path (η_w/K) Σ_s ‖δ(s)‖, ‖Q − Q⁽⁰⁾‖ and ‖w‖."""
    formulas, exact = _stated(subject).formulas, motion.run_instances()
    path, turned, grown = motion.path_chain(), motion.queries_chain(), motion.weights_chain()
    yield conclude("η Σ_s ‖δ(s)‖ ≤ S/(1 − ρ)", path.start, motion.S / motion.room, path, instances=exact)
    yield conclude("‖Q^(t) − Q⁽⁰⁾‖ ≤ f̄_max W S/((1 − ρ)γ²)", turned.start, formulas.queries, turned, instances=exact)
    name = "‖w^(t)‖ ≤ ‖w̄‖ + (b + ‖B⁽⁰⁾‖ρ) S/(1 − ρ)"
    yield conclude(name, grown.start, formulas.weights, grown, instances=exact)
    solution = B_0.T * M.I
    before, after = solution * (frozen + a), solution * (frozen - step * M * frozen + a)
    yield prove("w̄ = B⁽⁰⁾ᵀM⁻¹(δ̄ + a) is w̄⁺ = w̄ − ηB⁽⁰⁾ᵀδ̄", after, before - step * B_0.T * frozen)


def argue_every_step(subject: Subject) -> Iterator[Argument]:
    """From one step to all: the induction, the blocks of B, and the spectrum of M."""
    yield from ARGUMENTS


def certify_motion(subject: Subject) -> Iterator[Assumption | Bound]:
    """The bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖ reproduce themselves, and every step shrinks Δ by Theorem 1's factor or more."""
    for plan, run in _runs(_variant(subject)):
        if run is None or run.movement is None:
            yield from _missing(plan)
            continue
        with flint.ctx.workprec(BITS):
            moved, rate = run.movement, plan.rate
            told = f"‖Q − Q⁽⁰⁾‖ ≤ {upper(moved.queries):.2g}, ‖w‖ ≤ {upper(moved.weights):.2g} for every t"
            lost = moved.loss / run.modes.least
            cost = f"{plan.name}: {told}, at a cost of {upper(lost):.2g} ζ₀"
            yield Assumption(name="motion", margin=1 - lost, meaning=cost, elsewhere=plan.elsewhere)
            yield bound_of(
                f"Theorem 1's exponent ≤ that of every step, {plan.name}",
                [-(1 - rate).log() / rate],
                [-2 * run.factor.log() / rate],
                "Q moving, in units of η_wζ₀/2K",
                elsewhere=plan.elsewhere,
            )


def certify_remainder(subject: Subject) -> Iterator[Assumption | Bound]:
    """One more step at the end of exact runs, at γ and at half of it, leaves no more than κ, for what moved there."""
    variant = _variant(subject)
    for plan, run in _runs(_halved(variant)):
        if run is None:
            yield from _missing(plan) if plan is variant.plans[0] else ()
            continue
        exact = descend(plan)
        with flint.ctx.workprec(exact.bits):
            found = one_step(plan, exact)
            values = {
                motion.B_norm: found.B_norm,
                motion.b: found.b,
                motion.W: found.weights,
                motion.defect: flint.arb(0),
                f_max: run.modes.reach,
                gamma: flint.arb(plan.prescription.gamma),
            }
            for name, observed, W in (
                ("‖B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ‖ ≤ κ for w = 0", found.turned, flint.arb(0)),
                ("‖δ⁺ − (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ‖ ≤ ηκ ‖δ‖", found.remainder, found.weights),
            ):
                bound = evaluate(variant.formulas.loss, values | {motion.W: W})
                told = f"at t = {exact.reached}, for every token"
                yield bound_of(f"{name}, {plan.name}", [observed], [bound], told, elsewhere=plan.elsewhere)


def _halved(variant: Variant) -> Variant:
    """The plan that is within reach, and the same with half of γ."""
    first = variant.plans[0]
    smaller = replace(first, gamma_factor=SMALLER * first.gamma_factor, forced=True, name=f"{first.name} with γ/2")
    return replace(variant, plans=(smaller, first))


def certify_neglect(subject: Subject) -> Iterator[Assumption | Bound]:
    """Exact runs with Q moving, at γ and at half of it, depart from the closed form by at most n(t) at every step."""
    variant = _variant(subject)
    for plan, run in _runs(_halved(variant)):
        if run is None:
            yield from _missing(plan) if plan is variant.plans[0] else ()
            continue
        exact = descend(plan)
        with flint.ctx.workprec(exact.bits):
            found = [(moment.gap.sqrt(), *run.at(moment.step)) for moment in exact.moments[1:]]
            yield bound_of(
                f"|√Δ − √Δ̄| ≤ n(t), {plan.name}",
                [abs(true - root) for true, root, _ in found],
                [variant.neglect * n for *_, n in found],
                f"{exact.reached} steps with {exact.bits} bits",
                x=np.arange(1, len(found) + 1),
                x_label="step t",
                elsewhere=plan.elsewhere,
            )


def certify_long_run(subject: Subject) -> Iterator[Assumption | Bound]:
    """The gap, Q moving, lies under Theorem 1's bound from the first step to four times the steps guaranteed."""
    for plan, run in _runs(_variant(subject)):
        if run is None:
            yield from _missing(plan)
            continue
        with flint.ctx.workprec(BITS):
            pairs = list(zip(run.roots, run.neglect, strict=True))
            base, start = 1 - plan.rate, run.roots[0] ** 2
            known = f"√Δ is √Δ̄ to {max(upper(n / root) for root, n in pairs):.2g}, relatively"
            yield bound_of(
                f"(√Δ̄ + n)² ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, {plan.name}",
                [(root + n) ** 2 for root, n in pairs[1:]],
                [start * base**t for t in run.times[1:]],
                f"closed form to t = {run.times[-1]:.3g}; {known}",
                x=np.log10(np.array(run.times[1:], dtype=float)),
                x_label="log₁₀ t",
                elsewhere=plan.elsewhere,
            )


def certify_steps(subject: Subject) -> Iterator[Assumption | Bound]:
    """The gap is 10³ and 10⁶ times smaller after no more steps than guaranteed; the slack is what is given away.

    Of it, 2 log(1 − 2y)/log(1 − y) = 4 + 2y + …, y = η_wζ₀/2K, is given away by the rate. The second bound has the
    rate of every step instead: its slack is the constant's, because the slow modes carry little of Δ⁽⁰⁾.
    """
    for plan, run in _runs(_variant(subject)):
        if run is None:
            yield from _missing(plan)
            continue
        with flint.ctx.workprec(BITS):
            rates = -(-plan.rate).log1p(), -2 * run.factor.log()
            for factor in FACTORS:
                needed, enough = run.steps_to(factor)
                bounds = [_whole(upper(flint.arb(factor).log() / rate)) for rate in rates]
                vacuous = ", which is vacuous" if bounds[0] > VACUOUS else ""
                reason = f"{needed:.6g} to {enough:.6g} steps, guaranteed {bounds[0]:.4g}{vacuous}"
                for word, bound in zip(("guaranteed", "at the rate of every step"), bounds, strict=True):
                    name = f"steps to a gap {factor:g} times smaller ≤ {word}, {plan.name}"
                    yield bound_of(name, [flint.arb(enough)], [flint.arb(bound)], reason, elsewhere=plan.elsewhere)


def _whole(steps: float) -> float:
    """So many steps, rounded up; infinite where their number is not known."""
    return float(ceil(steps)) if isfinite(steps) else inf


def _runs(variant: Variant) -> Iterator[tuple[DescentRun, LongRun | None]]:
    """Every plan with its trajectory, the experiment's own instance first."""
    for plan in reversed(variant.plans):
        yield plan, followed(plan, variant.formulas, variant.exponent, variant.by_features)


def _stated(subject: Subject) -> Variant:
    """What the proofs look at."""
    return subject if isinstance(subject, Variant) else Variant(plans=())


def _missing(plan: DescentRun) -> Iterator[Assumption]:
    broken = violated(plan)
    yield from broken
    if plan.forced or not broken:
        meaning = f"{plan.name}: no bound on the motion reproduces itself"
        yield Assumption(name="motion", margin=flint.arb(0), meaning=meaning, elsewhere=plan.elsewhere)


def _variant(subject: Subject) -> Variant:
    return subject if isinstance(subject, Variant) else Variant(plans=plans(subject))


def rate_eight_times(experiment: Experiment) -> Variant:
    """The claimed rate is (1 − 8η_wζ₀/2K)ᵗ."""
    return Variant(plans=tuple(replace(plan, rate_factor=8.0, forced=True) for plan in plans(experiment)))


def features_forgotten(experiment: Experiment) -> Variant:
    """The modes are those of C_kC_kᵀ instead of B_kB_kᵀ, without Z̄."""
    return Variant(plans=plans(experiment), by_features=False)


def penalty_changed(experiment: Experiment) -> Variant:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    return Variant(plans=plans(penalty_twice.plant(experiment)))


def millionth_of_the_neglect(experiment: Experiment) -> Variant:
    """What is neglected is claimed to be 10⁻⁶ n(t)."""
    return Variant(plans=plans(experiment), neglect=1e-6)


def exponent_once(experiment: Experiment) -> Variant:
    """The modes of the gap are claimed to shrink by (1 − η_wλ/K)ᵗ instead of (1 − η_wλ/K)²ᵗ."""
    return Variant(plans=plans(experiment), exponent=1.0)


def motion_left_out(experiment: Experiment) -> Variant:
    """The recursion is stated without (B⁺ − B)w."""
    return Variant(plans=plans(experiment), complete=False)


def twentieth_of_kappa(experiment: Experiment) -> Variant:
    """κ is claimed to be a twentieth of what it is."""
    return Variant(plans=plans(experiment), loss=sp.Rational(1, 20))


def half_the_bounds(experiment: Experiment) -> Variant:
    """The bounds on the motion of B_k, Q and w are halved."""
    return Variant(plans=plans(experiment), bounds=sp.Rational(1, 2))


CLAIM = Claim(
    statement=STATEMENT,
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
    controls=(
        rate_eight_times,
        features_forgotten,
        penalty_changed,
        millionth_of_the_neglect,
        exponent_once,
        motion_left_out,
        twentieth_of_kappa,
        half_the_bounds,
    ),
    catches={
        derive_recursion: (motion_left_out,),
        derive_motion: (half_the_bounds,),
        derive_remainder: (twentieth_of_kappa,),
        derive_neglect: (twentieth_of_kappa,),
        derive_fixed_point: (half_the_bounds,),
        certify_motion: (rate_eight_times,),
        certify_remainder: (twentieth_of_kappa,),
        certify_neglect: (features_forgotten, penalty_changed, millionth_of_the_neglect, exponent_once),
        certify_long_run: (rate_eight_times,),
        certify_steps: (rate_eight_times, exponent_once),
    },
)
