"""Theorem 1's own descent, certified: the checks of a run with the prescribed step sizes in ball arithmetic.

With γ, L, η_Q and η_w computed in balls from the certified ζ₀, ‖Z̄‖, f̄_max and Δ⁽⁰⁾, gradient descent has
Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ at every step t of the run, and the statements of the proof's induction hold along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import flint
import numpy as np

from numerics.measure import UNIT_ROUNDOFF
from theorems.descent.float_descent import float_descent, gap_errors
from theorems.descent.plans import SHORT_BUDGET, SHORT_STEPS, hypotheses, literal_problem, violated
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball
from theorems.network.rank import largest_rank
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import bound_of, lower, middles
from verify.claim import Assumption, Bound

DIGITS_PER_STEP = 0.1  # of the gap on the literal instance, where sharp_rate gives −2 log₁₀(1 − η_wζ₀/K) = 0.105
FLOAT_STEPS = 1500


@runtime_checkable
class Followed(Protocol):
    """What these checks look at: the runs that are made."""

    @property
    def runs(self) -> tuple[DescentRun, ...]: ...


def certify_descent(subject: Followed) -> Iterator[Assumption | Bound]:
    """With the theorem's own step sizes the gap lies under its bound at every step, in ball arithmetic."""
    for plan in subject.runs:
        yield from hypotheses(plan)
        run = _descend(plan)
        if run is None:
            continue
        yield _steps_known(plan, run)
        if not run.moments:
            continue
        with flint.ctx.workprec(run.bits):
            gaps = [moment.gap for moment in run.moments]
            bounds = _bounds(plan, gaps[0], len(gaps))
            yield bound_of(
                f"Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, {plan.name}",
                gaps[1:],
                bounds[1:],
                f"certified with {run.bits} bits to t = {run.reached}, gap {gaps[-1].str(3, radius=False)}{plan.note}",
                x=np.arange(1, len(gaps)),
                x_label="step t",
                elsewhere=plan.elsewhere,
                quantities=_quantities(plan, run),
            )
            if _is_literal(plan) and run.reached >= SHORT_STEPS:
                factor = flint.arb(10) ** int(run.reached * DIGITS_PER_STEP)
                name = f"the gap falls by {factor.str(2, radius=False)}, {plan.name}"
                yield bound_of(
                    name, [gaps[-1] * factor], [gaps[0]], "asymptotic rate, sharp_rate", elsewhere=plan.elsewhere
                )


def certify_induction(subject: Followed) -> Iterator[Assumption | Bound]:
    """At every step the weights, the drift of B_k, λ_min(B_kB_kᵀ) and the gradient obey the proof's induction."""
    for plan in subject.runs:
        N, most = plan.problem.sizes[0], largest_rank(plan.problem)
        yield Assumption(
            name="N ≤ rank B_k",
            margin=flint.arb(most - N + 1),
            meaning=f"{plan.name}: different tokens and heads",
            elsewhere=plan.elsewhere,
        )
        yield from violated(plan)
        run = _descend(plan)
        if run is None or not run.moments:
            continue
        with flint.ctx.workprec(run.bits):
            yield from _induction(plan, run)


def measure_descent(subject: Followed) -> Iterator[Assumption | Bound]:
    """In float64 the gap stays under the bound as far as rounding lets one tell."""
    for plan in subject.runs:
        yield from violated(plan)
        run = _descend(plan)
        if run is None or not run.moments:
            continue
        with flint.ctx.workprec(128):
            rate = 1 - plan.rate
            first = lower(run.moments[0].gap)
            bounds = middles([first * rate**t for t in range(_float_steps(plan) + 1)])
        gaps, away = float_descent(plan, len(bounds) - 1)
        bounds = bounds[: len(gaps)]
        errors = gap_errors(plan, bounds, away)
        known = np.flatnonzero(bounds[1:] <= 4 * errors[1:])
        last = int(known[0]) if len(known) else len(bounds) - 1
        told = "" if last == len(bounds) - 1 else ", below it nothing is decided"
        yield Bound(
            name=f"Δ⁽ᵗ⁾ in float64, {plan.name}",
            observed=gaps[1 : last + 1],
            bound=bounds[1 : last + 1],
            rounding=errors[1 : last + 1] + 4 * UNIT_ROUNDOFF * bounds[1 : last + 1],
            reason=f"t ≤ {last}, rounding floor {errors[last]:.1g}{told}",
            x=np.arange(1, last + 1),
            x_label="step t",
            elsewhere=plan.elsewhere,
        )


def _quantities(plan: DescentRun, run: Trajectory) -> dict[str, float]:
    """The numbers of the run that sentences speak of."""
    prescription = plan.prescription
    return {
        "gap_initial": float(run.moments[0].gap.mid()),
        "gap_final": float(run.moments[-1].gap.mid()),
        "zeta0": float(prescription.zeta_0.mid()),
        "gamma": prescription.gamma,
        "gamma_required": float(prescription.required_gamma.mid()),
        "step_queries": prescription.step_queries,
        "step_weights": float(prescription.step_weights.mid()),
        "smoothness": float(prescription.L.mid()),
        "rate": float(prescription.rate.mid()),
        "steps_guaranteed": prescription.guaranteed_steps(1e3),
        "steps": run.reached,
        "bits": run.bits,
    }


def _is_literal(plan: DescentRun) -> bool:
    """The literal instance with the step sizes of Theorem 1."""
    return plan.gamma_factor == plan.step_factor == 1 and plan.problem == literal_problem(plan.problem.limit)


def _descend(plan: DescentRun) -> Trajectory | None:
    """The run, or None where the theorem prescribes no step sizes or says nothing, unless the run is forced."""
    if violated(plan) and not plan.forced:
        return None
    try:
        return descend(plan)
    except NotPositiveDefiniteError:
        return None


def _steps_known(plan: DescentRun, run: Trajectory) -> Bound:
    """Every step was certified; where precision ran out, the rest is undecided."""
    missing = plan.steps - run.reached
    return bound_of(
        f"steps certified, {plan.name}",
        [flint.arb(plan.steps)],
        [flint.arb(run.reached, missing)],
        f"{run.reached} of {plan.steps} with {run.bits} bits",
        elsewhere=plan.elsewhere,
    )


def _bounds(plan: DescentRun, start: Ball, count: int) -> list[Ball]:
    """(1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ for t = 0, 1, …."""
    factor, bounds = 1 - plan.rate, [start]
    while len(bounds) < count:
        bounds.append(bounds[-1] * factor)
    return bounds


def _induction(plan: DescentRun, run: Trajectory) -> Iterator[Bound]:
    prescription, moments = plan.prescription, run.moments
    gamma, zeta = flint.arb(prescription.gamma), prescription.zeta_0
    x = np.array([moment.step for moment in moments])
    every: list[tuple[str, list[Ball], list[Ball], str]] = [
        ("|α_hk| ≤ α", [m.weight / gamma for m in moments], [prescription.alpha] * len(x), "α of the drift lemma"),
        ("‖B_k − B_k⁽⁰⁾‖_F ≤ its bound", [m.drift for m in moments], [prescription.drift] * len(x), "drift lemma"),
        (
            "√(ζ₀/2) ≤ √λ_min(B_kB_kᵀ)",
            [(zeta / 2).sqrt()] * len(x),
            [zeta.sqrt() - m.drift for m in moments],
            "singular values move by at most the drift",
        ),
        (
            "(γ²ζ₀/K) Δ ≤ ‖∇ℓ‖²",
            [gamma**2 * zeta * m.gap / prescription.K for m in moments],
            [m.slope for m in moments],
            "the inequality of Polyak and Łojasiewicz",
        ),
    ]
    for name, observed, bound, reason in every:
        yield bound_of(f"{name}, {plan.name}", observed, bound, reason, x=x, x_label="step t", elsewhere=plan.elsewhere)
    drift, radius = [prescription.drift], [prescription.radius]
    yield bound_of(f"drift bound ≤ (1 − 1/√2)√ζ₀, {plan.name}", drift, radius, "choice of γ", elsewhere=plan.elsewhere)
    chosen = [(moment.step, moment.least) for moment in moments if moment.least is not None]
    yield bound_of(
        f"ζ₀/2 ≤ λ_min(B_kB_kᵀ), {plan.name}",
        [zeta / 2] * len(chosen),
        [least for _, least in chosen],
        "enclosed at selected steps",
        x=np.array([step for step, _ in chosen]),
        x_label="step t",
        elsewhere=plan.elsewhere,
    )


def _float_steps(plan: DescentRun) -> int:
    """Twenty times as many steps as the budget would pay for in balls, at most `FLOAT_STEPS`."""
    return max(plan.steps, min(FLOAT_STEPS, 20 * SHORT_BUDGET // plan.operations))
