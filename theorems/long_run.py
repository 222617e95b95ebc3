"""Long run [B]: with Theorem 1's own step sizes the whole trajectory follows in closed form, to the last step.

√Δ⁽ᵗ⁾ is within n(t) of √Δ̄(t), where Δ̄(t) = (1/2K) Σ_k ‖(I − P_k)ᵗ Z̄â_k‖², P_k = (η_w/K)B_k⁽⁰⁾B_k⁽⁰⁾ᵀ, is the gap with Q
at its start: a sum of exponentials, evaluated at any t. n(t) bounds what the motion of Q does, a posteriori.

Let ‖Q − Q⁽⁰⁾‖ ≤ q and ‖w‖ ≤ W up to step t, norms over all heads and tokens. The step of δ_k = B_kw_k − Z̄â_k is exactly
δ⁺ = (I − P)δ − (η_w/K)(B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ)δ + (B⁺ − B)w with ‖B − B⁽⁰⁾‖ ≤ b = f̄_max q, ‖B⁺ − B‖ ≤ f̄_max ‖Q⁺ − Q‖ and
‖Q⁺ − Q‖ ≤ (η_Q/K) f̄_max W ‖δ‖: two terms of at most ε‖δ‖, ε = (η_w/K)κ, κ = 2‖B⁽⁰⁾‖b + b² + f̄_max²W²/γ².
As η_w‖B⁽⁰⁾‖² ≤ K, ‖I − P‖ ≤ p = 1 − η_wζ₀/K, and n(t + 1) = (p + ε) n(t) + ε √Δ̄(t), n(0) = 0, is a bound.
Summed over t, with S = (η_w/K) Σ_s ‖δ̄(s)‖ and ρ = κ/ζ₀ < 1: (η_w/K) Σ_s ‖δ(s)‖ ≤ S/(1 − ρ), so at step t + 1
‖Q − Q⁽⁰⁾‖ ≤ f̄_max W S/((1 − ρ)γ²) and ‖w‖ ≤ ‖B⁽⁰⁾†Z̄Â‖ + (b + ‖B⁽⁰⁾‖ρ) S/(1 − ρ). Where these are at most q and W, both
hold for every t by induction. Then ‖δ‖ shrinks by p + ε in every step: Theorem 1, at four times its rate.

Wrong if an exact run leaves the closed form by more than n(t), if √Δ̄ + n rises above Theorem 1's bound at some t, or
if more steps are needed than are guaranteed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import flint
import numpy as np
import sympy as sp

from theorems.certified_descent import VACUOUS, plans, violated
from theorems.closed_form import LongRun, followed
from theorems.constants import f_max, gamma
from theorems.defects import penalty_twice
from theorems.experiment import Experiment
from theorems.instances import small_networks
from theorems.lemma2_sharp import LIPSCHITZ
from theorems.lemma7 import deviation_steps
from theorems.lemma8 import features_moved
from theorems.notation import H, K, N
from theorems.prescription import BITS
from theorems.terms import F_MAX, FEATURES, HERE, PAPER, THERE, Setting, V, Z_bar, h, k, v_k, z_bar_i
from theorems.trajectory import Plan, descend
from verify.certify.compare import bound_of, upper
from verify.claim import Assumption, Bound, Claim, Identity
from verify.prove import prove
from verify.prove.conclusion import conclude
from verify.prove.inequality import assume, at_most
from verify.prove.quantity import length, norm, total
from verify.prove.rules import (
    SUMS,
    cauchy_schwarz,
    frobenius_columns,
    largest_entry,
    outer_product,
    times_number,
    triangle_sum,
)
from verify.prove.scalar_identity import prove_scalars

STATEMENT = r"""
abs(sqrt(Delta^((t))) - sqrt(overline(Delta)(t))) <= n(t), quad
overline(Delta)(t) = 1/(2 K) sum_k norm((I - eta_w/K B_k^((0)) B_k^((0) top))^t overline(Z) hat(a)_k)^2, \
(sqrt(overline(Delta)(t)) + n(t))^2 <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) quad "for all" t
"""

B_0, B, B_next = (sp.MatrixSymbol(name, N, H) for name in ("B⁽⁰⁾", "B", "B⁺"))
w: Any = sp.MatrixSymbol("w", H, 1)
a: Any = sp.MatrixSymbol("a", N, 1)  # Z̄â_k
p, eps, S, x, rho, zeta, step = sp.symbols("p ε S x ρ ζ_0 η", positive=True)

FACTORS = (1e3, 1e6)  # by which the gap is to fall
SMALLER = 0.5  # times γ, where Q moves more


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The plans to follow; controls change n(t), the exponent 2t, Z̄ in B_k = Z̄C_k, or drop a term of the recursion."""

    plans: tuple[Plan, ...]
    neglect: float = 1.0
    exponent: float = 2.0
    by_features: bool = True
    complete: bool = True


Subject = Experiment | Plan | Variant


def derive_recursion(subject: Subject) -> Iterator[Identity]:
    """One step of gradient descent in which B moves to B⁺: δ⁺ is (I − P)δ and two terms of the motion; η = η_w/K."""
    delta = B * w - a
    moved = B_next * (w - step * B.T * delta) - a
    complete = subject.complete if isinstance(subject, Variant) else True
    last = (B_next - B) * w if complete else sp.ZeroMatrix(N, 1)
    stated = delta - step * B_0 * B_0.T * delta - step * (B_next * B.T - B_0 * B_0.T) * delta + last
    yield prove("δ⁺ = (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ − η(B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ)δ + (B⁺ − B)w", moved, stated)


def derive_motion(subject: Subject) -> Iterator[Identity]:
    """All heads together: ‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F and ‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖, w = γα."""
    turned = norm(HERE.Q_h - THERE.Q_h, "F")
    moved = at_most(norm(HERE.B_k - THERE.B_k, "F")).by(
        frobenius_columns(HERE.columns - THERE.columns),
        features_moved(HERE, THERE, LIPSCHITZ, Setting(by_columns=True)),
    )
    goal = f_max * length(h, turned)
    yield conclude("‖B_k − B_k′‖_F ≤ f̄_max ‖Q − Q′‖_F", moved.start, goal, moved, instances=small_networks())
    pulled, sizes = Z_bar.T * HERE.delta_k, (norm(HERE.alpha_hk), norm(HERE.delta_k))
    column, lengths = V * HERE.J_hk * pulled, (length(k, sizes[0]), length(k, sizes[1]))
    slope = at_most(length(h, norm(HERE.G_h, "F"))).by(
        triangle_sum(HERE.gradient_Q, "F"), outer_product(column * HERE.alpha_hk, v_k),
        times_number(column, HERE.alpha_hk), PAPER.token, *deviation_steps(HERE, LIPSCHITZ, PAPER, pulled),
        largest_entry(FEATURES, HERE.delta_k), cauchy_schwarz(z_bar_i, HERE.delta_k), F_MAX,
        assume(total(k, sizes[0] * sizes[1]), lengths[0] * lengths[1], "Cauchy–Schwarz", source=SUMS),
    )  # fmt: skip
    goal = gamma / K * f_max * length((h, k), sizes[0]) * lengths[1]
    yield conclude("‖∇_Q ℓ‖_F ≤ (γ/K) f̄_max ‖α‖_F ‖δ‖", slope.start, goal, slope, instances=small_networks())


def derive_neglect(subject: Subject) -> Iterator[Identity]:
    """n(t) = ε Σ_{s<t} (p + ε)^{t−1−s} √Δ̄(s) solves its recursion, and all n(t) add up to ρ/(1 − ρ) times all √Δ̄."""
    yield prove_scalars("n(t + 1)", (p + eps) * eps * S + eps * x, eps * ((p + eps) * S + x), "S is the sum up to t")
    ratio = (eps / (1 - p - eps)).subs({p: 1 - step * zeta, eps: step * rho * zeta})
    yield prove_scalars("ε/(1 − p − ε) = ρ/(1 − ρ)", ratio, rho / (1 - rho), "p = 1 − ηζ_0, ε = ηκ, κ = ρζ_0")


def certify_motion(subject: Subject) -> Iterator[Assumption | Bound]:
    """The bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖ reproduce themselves, and every step shrinks Δ by Theorem 1's factor or more."""
    for plan, run in _runs(_variant(subject)):
        if run is None or run.movement is None:
            yield from _missing(plan)
            continue
        with flint.ctx.workprec(BITS):
            moved, rate = run.movement, plan.rate_factor * plan.prescription.rate
            told = f"‖Q − Q⁽⁰⁾‖ ≤ {upper(moved.queries):.2g}, ‖w‖ ≤ {upper(moved.weights):.2g} for every t"
            lost = upper(moved.loss / run.modes.least)
            yield Assumption(name="motion", margin=1 - lost, meaning=f"{plan.name}: {told}, at a cost of {lost:.2g} ζ₀")
            yield bound_of(
                f"Theorem 1's exponent ≤ that of every step, {plan.name}", [-(1 - rate).log() / rate],
                [-2 * run.factor.log() / rate], "Q moving, in units of η_wζ₀/2K",
            )  # fmt: skip


def certify_neglect(subject: Subject) -> Iterator[Assumption | Bound]:
    """Exact runs with Q moving, at γ and at half of it, depart from the closed form by at most n(t) at every step."""
    variant = _variant(subject)
    first = variant.plans[0]  # the one that is within reach
    smaller = replace(first, gamma_factor=SMALLER * first.gamma_factor, forced=True, name=f"{first.name} with γ/2")
    for plan, run in _runs(replace(variant, plans=(smaller, first))):
        if run is None:
            yield from _missing(plan) if plan is first else ()
            continue
        exact = descend(plan)
        with flint.ctx.workprec(exact.bits):
            found = [(moment.gap.sqrt(), *run.at(moment.step)) for moment in exact.moments[1:]]
            yield bound_of(
                f"|√Δ − √Δ̄| ≤ n(t), {plan.name}", [abs(true - root) for true, root, _ in found],
                [variant.neglect * n for *_, n in found], f"{exact.reached} steps with {exact.bits} bits",
                x=np.arange(1, len(found) + 1), x_label="step t",
            )  # fmt: skip


def certify_long_run(subject: Subject) -> Iterator[Assumption | Bound]:
    """The gap, Q moving, lies under Theorem 1's bound from the first step to four times the steps guaranteed."""
    for plan, run in _runs(_variant(subject)):
        if run is None:
            yield from _missing(plan)
            continue
        with flint.ctx.workprec(BITS):
            pairs = list(zip(run.roots, run.neglect, strict=True))
            base, start = 1 - plan.rate_factor * plan.prescription.rate, run.roots[0] ** 2
            known = f"√Δ is √Δ̄ to {max(upper(n / root) for root, n in pairs):.2g}, relatively"
            yield bound_of(
                f"(√Δ̄ + n)² ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, {plan.name}", [(root + n) ** 2 for root, n in pairs[1:]],
                [start * base**t for t in run.times[1:]], f"closed form to t = {run.times[-1]:.3g}; {known}",
                x=np.log10(np.array(run.times[1:], dtype=float)), x_label="log₁₀ t",
            )  # fmt: skip


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
            rates = -(1 - plan.rate_factor * plan.prescription.rate).log(), -2 * run.factor.log()
            for factor in FACTORS:
                needed, enough = run.steps_to(factor)
                bounds = [float(ceil(upper(flint.arb(factor).log() / rate))) for rate in rates]
                vacuous = ", which is vacuous" if bounds[0] > VACUOUS else ""
                reason = f"{needed:.6g} to {enough:.6g} steps, guaranteed {bounds[0]:.4g}{vacuous}"
                for word, bound in zip(("guaranteed", "at the rate of every step"), bounds, strict=True):
                    name = f"steps to a gap {factor:g} times smaller ≤ {word}, {plan.name}"
                    yield Bound(name=name, observed=enough, bound=bound, reason=reason)


def _runs(variant: Variant) -> Iterator[tuple[Plan, LongRun | None]]:
    """Every plan with its trajectory, the experiment's own instance first."""
    for plan in reversed(variant.plans):
        yield plan, followed(plan, variant.exponent, variant.by_features)


def _missing(plan: Plan) -> Iterator[Assumption]:
    broken = violated(plan)
    yield from broken
    if plan.forced or not broken:
        meaning = f"{plan.name}: no bound on the motion of Q reproduces itself"
        yield Assumption(name="motion", margin=0.0, meaning=meaning)


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
    return Variant(plans=plans(penalty_twice(experiment)))


def millionth_of_the_neglect(experiment: Experiment) -> Variant:
    """What is neglected is claimed to be 10⁻⁶ n(t)."""
    return Variant(plans=plans(experiment), neglect=1e-6)


def exponent_once(experiment: Experiment) -> Variant:
    """The modes of the gap are claimed to shrink by (1 − η_wλ/K)ᵗ instead of (1 − η_wλ/K)²ᵗ."""
    return Variant(plans=plans(experiment), exponent=1.0)


def motion_left_out(experiment: Experiment) -> Variant:
    """The recursion is stated without (B⁺ − B)w."""
    return Variant(plans=plans(experiment), complete=False)


CLAIM = Claim(
    statement=STATEMENT,
    heeds=("instance", "start", "start_weights", "descent"),
    assumptions=("assumption2",),
    builds_on=("lemma1", "lemma2_sharp", "lemma5"),
    cites=(
        "elementary norm inequalities (Horn, Johnson, Matrix Analysis, 2nd ed., Chapter 5)",
        "Cauchy–Schwarz for sums (Hardy, Littlewood, Pólya, Inequalities, Chapter 2)",
    ),
    checks=(
        derive_recursion, derive_motion, derive_neglect,
        certify_motion, certify_neglect, certify_long_run, certify_steps,
    ),
    controls=(
        rate_eight_times, features_forgotten, penalty_changed, millionth_of_the_neglect, exponent_once, motion_left_out,
    ),
)  # fmt: skip
