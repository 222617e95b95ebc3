"""Theorem 1's own descent, certified: the checks of a run with the prescribed step sizes in ball arithmetic.

With γ, L, η_Q and η_w computed in balls from the certified ζ₀, ‖Z̄‖, f̄_max and Δ⁽⁰⁾, gradient descent has
Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ at every step t of the run, and the statements of the proof's induction hold along it.

The guaranteed number of steps is out of reach for most instances; then a small literal instance is followed
first, and the experiment's own instance for its first steps. Findings say which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import flint
import numpy as np

from numerics.measure import UNIT_ROUNDOFF
from theorems.assumption2 import largest_rank
from theorems.descent.float_descent import float_descent, float_problem, gap_errors
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, Problem, problem_of
from theorems.setting.experiment import Experiment, prepare, stream
from theorems.setting.limit import Limit
from theorems.setting.notation import m, tau
from theorems.setting.parameters import resolve
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import bound_of, lower, middles
from verify.claim import Assumption, Bound, Verdict

STEPS = 1000  # where the guaranteed decrease is within reach
SHORT_STEPS = 200  # on the literal instance, when it only stands in for another
DIGITS_PER_STEP = 0.1  # of the gap on the literal instance, where sharp_rate gives −2 log₁₀(1 − η_wζ₀/K) = 0.105
OWN_STEPS = 20
BUDGET = 1_000_000_000  # multiplications of balls, about a minute, spent on an instance that is within reach
SHORT_BUDGET = 100_000_000  # on the first steps of one that is not
FLOAT_STEPS = 1500
LITERAL, HERE = "literal instance", "this instance"
Subject = Experiment | DescentRun | tuple[DescentRun, ...]
VACUOUS = 1e12  # more guaranteed steps than this promise nothing


@lru_cache(maxsize=8)
def literal_problem(limit: Limit) -> Problem:
    """The literal instance, with what is claimed of its limit."""
    experiment = prepare(resolve("literal", {}))
    return problem_of(replace(experiment, limit=limit))


def literal_plan(experiment: Experiment) -> DescentRun:
    """The descent on the literal instance that is certified from its first step to its last."""
    return DescentRun(name=LITERAL, problem=literal_problem(experiment.limit), steps=STEPS, elsewhere="literal")


def plan_here(experiment: Experiment, steps: int) -> DescentRun:
    """So many steps on the experiment's own instance with the step sizes of Theorem 1."""
    return DescentRun(name=HERE, problem=problem_of(experiment), steps=steps)


def plan_within_reach(experiment: Experiment, steps: int, budget: int) -> DescentRun:
    """So many steps on the experiment's own instance if they are within the budget, else on the literal one."""
    own, literal = plan_here(experiment, steps), replace(literal_plan(experiment), steps=steps)
    return own if own.problem == literal.problem or steps * own.operations <= budget else literal


def own_plan(experiment: Experiment) -> DescentRun:
    """The descent on the experiment's own instance, with the step sizes that were asked for.

    With fewer heads than labels there are none; a forced run takes those of the same network with enough heads.
    """
    problem, settings = problem_of(experiment), experiment.settings
    forced, missing = bool(settings.get("force")), problem.sizes[0] - len(problem.queries)
    return DescentRun(
        name=HERE,
        problem=problem,
        steps=STEPS,
        forced=forced,
        prescribed_for=_with_heads(problem, 2 * problem.sizes[0]) if forced and missing > 0 else None,
        gamma_factor=settings.get("gamma_factor", 1.0),
        step_factor=settings.get("step_factor", 1.0),
    )


def _with_heads(problem: Problem, heads: int) -> Problem:
    """The problem with further heads, as large as those that it has, up to `heads` of them; w = 0."""
    _, K, d, few = problem.sizes
    more = stream(0, "further heads").standard_normal((heads - few, d, d)) * problem.queries.std()
    return replace(problem, queries=np.concatenate([problem.queries, more]), weights=np.zeros((heads, K)))


def plans(subject: Subject) -> tuple[DescentRun, ...]:
    """What to run: the experiment's own instance alone if the budget reaches far enough, else the literal one first.

    Far enough is the number of steps that are guaranteed to cut the gap by 1000.
    """
    if not isinstance(subject, Experiment):
        return (subject,) if isinstance(subject, DescentRun) else subject
    own, literal = own_plan(subject), replace(literal_plan(subject), steps=SHORT_STEPS)
    long, short = (max(1, min(STEPS, budget // own.operations)) for budget in (BUDGET, SHORT_BUDGET))
    if own.problem == literal.problem:
        return (replace(own, steps=long),)
    if violated(own):
        return (replace(own, steps=short),)
    guaranteed = own.prescription.guaranteed_steps(1e3)
    if long >= guaranteed:
        return (replace(own, steps=long),)
    word = ", which is vacuous" if guaranteed > VACUOUS else ""
    note = f"; {guaranteed:.2g} steps are guaranteed to cut the gap by 1000{word}"
    return literal, replace(own, steps=min(OWN_STEPS, short), note=note)


def certify_descent(subject: Subject) -> Iterator[Assumption | Bound]:
    """With the theorem's own step sizes the gap lies under its bound at every step, in ball arithmetic."""
    for plan in plans(subject):
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


def certify_induction(subject: Subject) -> Iterator[Assumption | Bound]:
    """At every step the weights, the drift of B_k, λ_min(B_kB_kᵀ) and the gradient obey the proof's induction."""
    for plan in plans(subject):
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


def measure_descent_float64(subject: Subject) -> Iterator[Assumption | Bound]:
    """In float64 the gap stays under the bound as far as rounding lets one tell."""
    for plan in plans(subject):
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


def violated(plan: DescentRun) -> tuple[Assumption, ...]:
    """The hypotheses that do not hold."""
    return tuple(found for found in hypotheses(plan) if found.verdict is not Verdict.PASS)


def hypotheses(plan: DescentRun, *, advise: bool = True) -> Iterator[Assumption]:
    """Assumption 2, w⁽⁰⁾ = 0, γ and η_Q, each with its margin; `advise` to force the run where one fails."""
    advice = "" if plan.forced or not advise else "; --force runs the descent nevertheless"
    for found in _hypotheses(plan):
        told = found.meaning + (advice if found.margin <= 0 else "")
        yield replace(found, meaning=f"{plan.name}: {told}", elsewhere=plan.elsewhere)


def _hypotheses(plan: DescentRun) -> Iterator[Assumption]:
    try:
        prescription = plan.prescription
    except NotPositiveDefiniteError as error:
        yield Assumption(name="assumption2", margin=flint.arb(0), meaning=f"ζ₀ > 0; {error}")
        return
    deficit = plan.problem.sizes[0] - largest_rank(plan.problem)
    least = prescription.zeta_0 if deficit <= 0 else flint.arb(0)
    yield Assumption(name="assumption2", margin=least, meaning="ζ₀ > 0, certified")
    weight = float(np.abs(plan.problem.weights).max())
    told = f"the largest weight at the start is {weight:.3g}"
    yield Assumption(name="w⁽⁰⁾ = 0", margin=flint.arb(-weight if weight else 1), meaning=told)
    with flint.ctx.workprec(128):
        for name, part, whole in (
            ("γ large enough", prescription.required_gamma, flint.arb(prescription.gamma)),
            ("η_Q ≤ 1/L", flint.arb(prescription.step_queries), 1 / prescription.L),
        ):
            meaning = f"{part.str(4, radius=False)} is at most {whole.str(4, radius=False)}"
            yield Assumption(name=name, margin=whole / part - 1, meaning=meaning)


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


def rate_four_times_faster(experiment: Experiment) -> DescentRun:
    """The claimed rate is (1 − 4η_wζ₀/2K)ᵗ."""
    return replace(literal_plan(experiment), rate_factor=4.0, steps=60, forced=True)


def penalty_changed(experiment: Experiment) -> DescentRun:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    plan = literal_plan(experiment)
    return replace(plan, problem=replace(plan.problem, limit=Limit(penalty=2 * m * tau)), steps=100, forced=True)


def step_too_large(experiment: Experiment) -> DescentRun:
    """The steps are sixteen times those of the theorem, η_Q = 16/L."""
    return replace(literal_plan(experiment), step_factor=16.0, steps=8, forced=True)


def gamma_too_small(experiment: Experiment) -> DescentRun:
    """γ is a thousand times too small."""
    return replace(literal_plan(experiment), gamma_factor=1e-3, steps=60, forced=True)


def fewer_heads_than_labels(experiment: Experiment) -> DescentRun:
    """One head is left, with the step sizes of all sixteen."""
    plan = literal_plan(experiment)
    few = replace(plan.problem, queries=plan.problem.queries[:1], weights=plan.problem.weights[:1])
    return replace(plan, problem=few, prescribed_for=plan.problem, steps=60, forced=True)


def weights_start_elsewhere(experiment: Experiment) -> DescentRun:
    """The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k."""
    plan = literal_plan(experiment)
    data = float_problem(plan)
    s = data.attention(plan.problem.queries)
    columns = [np.linalg.svd(data.z_bar @ s[:, :, k].T)[2][-1] for k in range(s.shape[2])]
    weights = 1e3 * plan.prescription.gamma * np.array(columns).T
    start = replace(plan.problem, weights=weights)
    return replace(plan, problem=start, prescribed_for=plan.problem, steps=60, forced=True)
