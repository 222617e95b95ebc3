"""What is certified of a run in closed form and of the exact run beside it, and what is argued of all steps."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, inf, isfinite
from typing import Any

import flint
import numpy as np

from theorems.descent import motion
from theorems.descent.closed_form import ClosedForm
from theorems.descent.one_step import one_step
from theorems.descent.prescription import BITS
from theorems.descent.runs import VACUOUS, bound_on, violated
from theorems.descent.trajectory import DescentRun, Trajectory
from theorems.setting.constants import f_max, gamma
from verify.certify import evaluate
from verify.certify.compare import upper
from verify.claim import Argument, Assumption, Bound, Step

FACTORS = (1e3, 1e6)  # by which the gap is to fall


def why_not_closed(run: DescentRun) -> Iterator[Assumption]:
    """Why a run has no closed form: a hypothesis, or the induction."""
    broken = violated(run)
    yield from broken
    if run.forced or not broken:
        told = f"{run.name}: no bound on the motion reproduces itself"
        yield Assumption(name="motion", margin=flint.arb(0), meaning=told, elsewhere=run.elsewhere)


def motion_reproduced(form: ClosedForm) -> Iterator[Assumption | Bound]:
    """The bounds on the motion, and the factor of every step against Theorem 1's."""
    run, moved = form.run, form.movement
    assert moved is not None  # it has closed
    with flint.ctx.workprec(BITS):
        queries, weights, lost = upper(moved.queries), upper(moved.weights), moved.loss / form.modes.least
        told = f"‖Q − Q⁽⁰⁾‖ ≤ {queries:.2g}, ‖w‖ ≤ {weights:.2g} for every t, at a cost of {upper(lost):.2g} ζ₀"
        yield Assumption(
            name="motion",
            margin=1 - lost,
            meaning=f"{run.name}: {told}",
            elsewhere=run.elsewhere,
            quantities={"queries_moved": queries, "weights_norm": weights, "cost": upper(lost)},
        )
        exponents = [-(1 - run.rate).log() / run.rate], [-2 * form.factor.log() / run.rate]
        name = "Theorem 1's exponent ≤ that of every step"
        yield bound_on(run, name, *exponents, "Q moving, in units of η_wζ₀/2K")


def remainder_kept(form: ClosedForm, exact: Trajectory, loss: Any) -> Iterator[Bound]:
    """What the step leaves, and B_k's part of it, is at most κ, given as a formula for `loss`."""
    run = form.run
    with flint.ctx.workprec(exact.bits):
        found = one_step(run, exact)
        values = {
            motion.B_norm: found.B_norm,
            motion.b: found.b,
            motion.defect: flint.arb(0),
            f_max: form.modes.reach,
            gamma: flint.arb(run.prescription.gamma),
        }
        for name, observed, W in (
            ("‖B⁺Bᵀ − B⁽⁰⁾B⁽⁰⁾ᵀ‖ ≤ κ for w = 0", found.turned, flint.arb(0)),
            ("‖δ⁺ − (I − ηB⁽⁰⁾B⁽⁰⁾ᵀ)δ‖ ≤ ηκ ‖δ‖", found.remainder, found.weights),
        ):
            bound = evaluate(loss, values | {motion.W: W})
            told = f"at t = {exact.reached}, all tokens together"
            yield bound_on(run, name, [observed], [bound], told, quantities={"steps": exact.reached})


def neglect_kept(form: ClosedForm, exact: Trajectory, factor: float) -> Iterator[Bound]:
    """At every step the exact run is within `factor` n(t) of the closed form."""
    with flint.ctx.workprec(exact.bits):
        found = [(moment.gap.sqrt(), *form.at(moment.step)) for moment in exact.moments[1:]]
        yield bound_on(
            form.run,
            "|√Δ − √Δ̄| ≤ n(t)",
            [abs(true - root) for true, root, _ in found],
            [factor * n for *_, n in found],
            f"{exact.reached} steps with {exact.bits} bits",
            steps=np.arange(1, len(found) + 1),
            quantities={"steps": exact.reached, "bits": exact.bits},
        )


def bound_kept(form: ClosedForm) -> Iterator[Bound]:
    """The gap, what is neglected included, lies under Theorem 1's bound."""
    run = form.run
    with flint.ctx.workprec(BITS):
        pairs, times = list(zip(form.roots, form.neglect, strict=True)), form.times
        base, start = 1 - run.rate, form.roots[0] ** 2
        neglect = max(upper(n / root) for root, n in pairs)
        yield bound_on(
            run,
            "(√Δ̄ + n)² ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾",
            [(root + n) ** 2 for root, n in pairs[1:]],
            [start * base**t for t in times[1:]],
            f"closed form to t = {times[-1]:.3g}; √Δ is √Δ̄ to {neglect:.2g}, relatively",
            steps=np.log10(np.array(times[1:], dtype=float)),
            step="log₁₀ t",
            quantities={"last_step": float(times[-1]), "relative_neglect": neglect},
        )


def steps_kept(form: ClosedForm) -> Iterator[Bound]:
    """The steps to a gap smaller by `FACTORS` against those guaranteed, and those that the rate of every step gives."""
    run = form.run
    with flint.ctx.workprec(BITS):
        rates = -(-run.rate).log1p(), -2 * form.factor.log()
        for factor in FACTORS:
            needed, enough = form.steps_to(factor)
            bounds = [_whole(upper(flint.arb(factor).log() / rate)) for rate in rates]
            vacuous = ", which is vacuous" if bounds[0] > VACUOUS else ""
            told = f"{needed:.6g} to {enough:.6g} steps, guaranteed {bounds[0]:.4g}{vacuous}"
            for word, bound in zip(("guaranteed", "at the rate of every step"), bounds, strict=True):
                name = f"steps to a gap {factor:g} times smaller ≤ {word}"
                known = {"needed": needed, "enough": enough, "guaranteed": bounds[0]}
                yield bound_on(run, name, [flint.arb(enough)], [flint.arb(bound)], told, quantities=known)


def _whole(steps: float) -> float:
    """So many steps, rounded up; infinite where their number is not known."""
    return float(ceil(steps)) if isfinite(steps) else inf


ARGUMENTS = (
    Argument(
        name="‖Q − Q⁽⁰⁾‖ ≤ q and ‖w‖ ≤ W for every t",
        steps=(
            Step(expression="t = 0: Q = Q⁽⁰⁾ and w = 0", rule="start of the induction over t"),
            Step(
                expression="they hold up to t, so ‖r(s)‖ ≤ ηκ‖δ(s)‖ for s < t + 1, and the two bounds follow at t + 1",
                rule="derive_remainder and derive_fixed_point; κ rises with q and W",
            ),
            Step(expression="the bounds at t + 1 are at most q and W", rule="certify_motion, in balls"),
        ),
    ),
    Argument(
        name="the hypotheses of the chains hold for the blocks of all tokens together",
        steps=(
            Step(
                expression="‖B − B⁽⁰⁾‖₂ = max_k ‖B_k − B_k⁽⁰⁾‖₂ ≤ max_k ‖B_k − B_k⁽⁰⁾‖_F ≤ f̄_max ‖Q − Q⁽⁰⁾‖ ≤ b",
                rule="block diagonal; derive_motion",
            ),
            Step(
                expression="‖B⁺ − B‖₂ ≤ f̄_max ‖Q⁺ − Q‖, ‖Q⁺ − Q‖ = η_Q ‖∇_Q ℓ‖ ≤ (η_Q/K) f̄_max W ‖δ‖, η_Q = η_w/γ²",
                rule="derive_motion twice, w = γα",
            ),
            Step(
                expression="Σ_{s<t} x_s = Σ_{0<s<t} x_s ≤ Σ_{s<t} x_{s+1} for x_s = ‖δ(s) − δ̄(s)‖",
                rule="x_0 = 0, as both start at −Z̄â; x_t ≥ 0",
            ),
        ),
    ),
    Argument(
        name="‖(I − ηM)x‖ ≤ (1 − ηζ_0)‖x‖ and ‖w̄‖² ≤ aᵀM⁻¹a (1 + d/ζ_0) for every t",
        steps=(
            Step(
                expression="ζ_0 ≤ λ ≤ 1/η for all eigenvalues λ of M", rule="certified, before the motion is looked for"
            ),
            Step(
                expression="w̄ = B⁽⁰⁾ᵀM⁻¹Fa with F = I − (I − ηM)ᵗ, 0 ⪯ F ⪯ I, and F commutes with M",
                rule="derive_fixed_point, with δ̄ = −(I − ηM)ᵗa",
            ),
            Step(
                expression="‖w̄‖² = aᵀFM⁻¹(M + (B⁽⁰⁾B⁽⁰⁾ᵀ − M))M⁻¹Fa ≤ aᵀM⁻¹F²a (1 + d/ζ_0) ≤ aᵀM⁻¹a (1 + d/ζ_0)",
                rule="‖B⁽⁰⁾B⁽⁰⁾ᵀ − M‖₂ ≤ d",
            ),
        ),
    ),
)
