"""Theorem 1, certified run [T, constants R]: with its own step sizes the gap lies under the bound at every step.

With γ, L, η_Q and η_w computed in balls from the certified ζ₀, ‖Z̄‖, f̄_max and Δ⁽⁰⁾, gradient descent has
Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ at every step t of the run, and the statements of the proof's induction hold along it.

The guaranteed number of steps is out of reach for most instances; then the whole descent is certified on a
small literal instance, and the experiment's own instance is followed for its first steps. Findings say which.

Wrong if one ball of one step lies above its bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import flint
import numpy as np

from numerics.measure import UNIT_ROUNDOFF
from theorems.assumption2 import largest_rank
from theorems.enclosed import Ball, Problem, problem_of
from theorems.experiment import Experiment
from theorems.float_descent import float_descent, float_problem
from theorems.limit import Limit
from theorems.notation import m, tau
from theorems.parameters import prepare, resolve
from theorems.trajectory import Plan, Trajectory, descend
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import bound_of, lower, middles
from verify.claim import Assumption, Bound, Claim

STATEMENT = r"""
Delta^((t)) <= (1 - (eta_w zeta_0)/(2 K))^t Delta^((0)) quad "for every step" t "of a run with the prescribed"
gamma, eta_Q, eta_w
"""

# The literal instance: γ is about 10 and the guaranteed decrease 0.057 per step. The seed is the one of the
# first six with the largest decrease; nothing else depends on it.
LITERAL: dict[str, Any] = {"N": 2, "K": 4, "d": 4, "m": 2, "H": 16, "tau": 1.0, "beta": 5.0, "seed": 5}
STEPS = 1000
FACTOR = 1e100  # by which the gap falls within these steps
OWN_STEPS = 20
BUDGET = 100_000_000  # multiplications of balls spent on the experiment's own instance
FLOAT_STEPS = 1500
VACUOUS = 1e12  # more guaranteed steps than this promise nothing


@lru_cache(maxsize=8)
def literal_problem(limit: Limit) -> Problem:
    """The literal instance, with what is claimed of its limit."""
    experiment = prepare(resolve("quick", LITERAL))
    return problem_of(replace(experiment, limit=limit))


def literal_plan(experiment: Experiment) -> Plan:
    """The descent on the literal instance that is certified from its first step to its last."""
    return Plan(name="literal instance", problem=literal_problem(experiment.limit), steps=STEPS)


def plans(subject: Experiment | Plan) -> tuple[Plan, ...]:
    """What to run: the experiment's own instance alone if the budget reaches far enough, else the literal one first.

    Far enough is the number of steps that are guaranteed to cut the gap by 1000.
    """
    if isinstance(subject, Plan):
        return (subject,)
    own, literal = Plan(name="this instance", problem=problem_of(subject), steps=STEPS), literal_plan(subject)
    affordable = max(1, BUDGET // own.operations)
    try:
        guaranteed = own.prescription.guaranteed_steps(1e3)
    except NotPositiveDefiniteError:
        return literal, own
    if min(STEPS, affordable) >= guaranteed:
        return (replace(own, steps=min(STEPS, affordable)),)
    word = ", which is vacuous" if guaranteed > VACUOUS else ""
    note = f"; {guaranteed:.2g} steps are guaranteed to cut the gap by 1000{word}"
    return literal, replace(own, steps=min(OWN_STEPS, affordable), note=note)


def certify_descent(subject: Experiment | Plan) -> Iterator[Assumption | Bound]:
    """With the theorem's own step sizes the gap lies under its bound at every step, in ball arithmetic."""
    for plan in plans(subject):
        yield from _hypotheses(plan)
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
                f"Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾, {plan.name}", gaps[1:], bounds[1:],
                f"certified with {run.bits} bits to t = {run.reached}, gap {gaps[-1].str(3, radius=False)}{plan.note}",
                x=np.arange(1, len(gaps)), x_label="step t",
            )  # fmt: skip
            if plan.steps >= STEPS and plan.name.startswith("literal"):
                yield bound_of(f"the gap falls by {FACTOR:g}, {plan.name}", [gaps[-1] * FACTOR], [gaps[0]], "Theorem 1")


def certify_induction(subject: Experiment | Plan) -> Iterator[Assumption | Bound]:
    """At every step the weights, the drift of B_k, λ_min(B_kB_kᵀ) and the gradient obey the proof's induction."""
    for plan in plans(subject):
        N, most = plan.problem.sizes[0], largest_rank(plan.problem)
        yield Bound(name=f"N ≤ rank B_k, {plan.name}", observed=N, bound=most, reason="different tokens and heads")
        run = _descend(plan)
        if run is None or not run.moments:
            continue
        with flint.ctx.workprec(run.bits):
            yield from _induction(plan, run)


def measure_descent_float64(subject: Experiment | Plan) -> Iterator[Bound]:
    """In float64 the gap stays under the bound as far as rounding lets one tell."""
    for plan in plans(subject):
        run = _descend(replace(plan, steps=0))
        if run is None or not run.moments:
            continue
        with flint.ctx.workprec(128):
            rate = 1 - plan.rate_factor * plan.prescription.rate
            first = lower(run.moments[0].gap)
            bounds = middles([first * rate**t for t in range(_float_steps(plan) + 1)])
        gaps, errors = float_descent(plan, len(bounds) - 1)
        bounds = bounds[: len(gaps)]
        known = np.flatnonzero(bounds[1:] <= 4 * errors[1:])
        last = int(known[0]) if len(known) else len(bounds) - 1
        told = "" if last == len(bounds) - 1 else ", below it nothing is decided"
        yield Bound(
            name=f"Δ⁽ᵗ⁾ in float64, {plan.name}", observed=gaps[1 : last + 1], bound=bounds[1 : last + 1],
            rounding=errors[1 : last + 1] + 4 * UNIT_ROUNDOFF * bounds[1 : last + 1],
            reason=f"t ≤ {last}, rounding floor {errors[last]:.1g}{told}", x=np.arange(1, last + 1), x_label="step t",
        )  # fmt: skip


def _descend(plan: Plan) -> Trajectory | None:
    """The run, or None where the theorem prescribes no step sizes."""
    try:
        return descend(plan)
    except NotPositiveDefiniteError:
        return None


def _hypotheses(plan: Plan) -> Iterator[Assumption]:
    """Assumption 2, w⁽⁰⁾ = 0, γ and η_Q, each with its margin."""
    try:
        prescription = plan.prescription
    except NotPositiveDefiniteError as error:
        yield Assumption(name="assumption2", margin=0.0, meaning=f"{plan.name}: ζ₀ > 0 is certified ({error})")
        return
    deficit = plan.problem.sizes[0] - largest_rank(plan.problem)
    least = lower(prescription.zeta_0) if deficit <= 0 else 0.0
    yield Assumption(name="assumption2", margin=least, meaning=f"{plan.name}: ζ₀ > 0, certified")
    weight = float(np.abs(plan.problem.weights).max())
    yield Assumption(name="w = 0", margin=-weight if weight else 1.0, meaning=f"{plan.name}: the weights start at zero")
    with flint.ctx.workprec(128):
        for name, part, whole in (
            ("γ", prescription.required_gamma, flint.arb(prescription.gamma)),
            ("η_Q ≤ 1/L", flint.arb(prescription.step_queries), 1 / prescription.L),
        ):
            yield Assumption(
                name=name, margin=lower(whole / part - 1),
                meaning=f"{plan.name}: {part.str(4, radius=False)} is at most {whole.str(4, radius=False)}",
            )  # fmt: skip


def _steps_known(plan: Plan, run: Trajectory) -> Bound:
    """Every step was certified; where precision ran out, the rest is undecided."""
    missing = plan.steps - run.reached
    return Bound(
        name=f"steps certified, {plan.name}", observed=plan.steps, bound=run.reached, rounding=missing,
        reason=f"{run.reached} of {plan.steps} with {run.bits} bits",
    )  # fmt: skip


def _bounds(plan: Plan, start: Ball, count: int) -> list[Ball]:
    """(1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ for t = 0, 1, …."""
    factor, bounds = 1 - plan.rate_factor * plan.prescription.rate, [start]
    while len(bounds) < count:
        bounds.append(bounds[-1] * factor)
    return bounds


def _induction(plan: Plan, run: Trajectory) -> Iterator[Bound]:
    prescription, moments = plan.prescription, run.moments
    gamma, zeta = flint.arb(prescription.gamma), prescription.zeta_0
    x = np.array([moment.step for moment in moments])
    every: list[tuple[str, list[Ball], list[Ball], str]] = [
        ("|α_hk| ≤ α", [m.weight / gamma for m in moments], [prescription.alpha] * len(x), "α of the drift lemma"),
        ("‖B_k − B_k⁽⁰⁾‖_F ≤ its bound", [m.drift for m in moments], [prescription.drift] * len(x), "drift lemma"),
        (
            "√(ζ₀/2) ≤ √λ_min(B_kB_kᵀ)", [(zeta / 2).sqrt()] * len(x), [zeta.sqrt() - m.drift for m in moments],
            "singular values move by at most the drift",
        ),
        (
            "(γ²ζ₀/K) Δ ≤ ‖∇ℓ‖²", [gamma**2 * zeta * m.gap / prescription.K for m in moments],
            [m.slope for m in moments], "the inequality of Polyak and Łojasiewicz",
        ),
    ]  # fmt: skip
    for name, observed, bound, reason in every:
        yield bound_of(f"{name}, {plan.name}", observed, bound, reason, x=x, x_label="step t")
    drift, radius = [prescription.drift], [prescription.radius]
    yield bound_of(f"drift bound ≤ (1 − 1/√2)√ζ₀, {plan.name}", drift, radius, "choice of γ")
    chosen = [(moment.step, moment.least) for moment in moments if moment.least is not None]
    yield bound_of(
        f"ζ₀/2 ≤ λ_min(B_kB_kᵀ), {plan.name}", [zeta / 2] * len(chosen), [least for _, least in chosen],
        "enclosed at selected steps", x=np.array([step for step, _ in chosen]), x_label="step t",
    )  # fmt: skip


def _float_steps(plan: Plan) -> int:
    """Twenty times as many steps as the budget would pay for in balls, at most `FLOAT_STEPS`."""
    return max(plan.steps, min(FLOAT_STEPS, 20 * BUDGET // plan.operations))


def rate_four_times_faster(experiment: Experiment) -> Plan:
    """The claimed rate is (1 − 4η_wζ₀/2K)ᵗ."""
    return replace(literal_plan(experiment), rate_factor=4.0, steps=60)


def penalty_changed(experiment: Experiment) -> Plan:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    plan = literal_plan(experiment)
    return replace(plan, problem=replace(plan.problem, limit=Limit(penalty=2 * m * tau)), steps=200)


def step_too_large(experiment: Experiment) -> Plan:
    """The steps are sixteen times those of the theorem, η_Q = 16/L."""
    return replace(literal_plan(experiment), step_factor=16.0, steps=8)


def gamma_too_small(experiment: Experiment) -> Plan:
    """γ is a thousand times too small."""
    return replace(literal_plan(experiment), gamma_factor=1e-3, steps=60)


def fewer_heads_than_labels(experiment: Experiment) -> Plan:
    """One head is left, with the step sizes of all sixteen."""
    plan = literal_plan(experiment)
    few = replace(plan.problem, queries=plan.problem.queries[:1], weights=plan.problem.weights[:1])
    return replace(plan, problem=few, prescribed_for=plan.problem, steps=60)


def weights_start_elsewhere(experiment: Experiment) -> Plan:
    """The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k."""
    plan = literal_plan(experiment)
    data = float_problem(plan)
    s = data.attention(plan.problem.queries)
    columns = [np.linalg.svd(data.z_bar @ s[:, :, k].T)[2][-1] for k in range(s.shape[2])]
    weights = 1e3 * plan.prescription.gamma * np.array(columns).T
    return replace(plan, problem=replace(plan.problem, weights=weights), prescribed_for=plan.problem, steps=60)


CLAIM = Claim(
    statement=STATEMENT,
    assumptions=("assumption2",),
    builds_on=("theorem1",),
    checks=(certify_descent, certify_induction, measure_descent_float64),
    controls=(
        rate_four_times_faster, penalty_changed, step_too_large, gamma_too_small, fewer_heads_than_labels,
        weights_start_elsewhere,
    ),
)  # fmt: skip
