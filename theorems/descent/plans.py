"""Which runs are made with the step sizes of Theorem 1, and which of its hypotheses hold for them.

The guaranteed number of steps is out of reach for most instances; then a small literal instance is followed
first, and the experiment's own instance for its first steps. Findings say which.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import flint
import numpy as np

from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import Problem, problem_of
from theorems.network.rank import largest_rank
from theorems.setting.experiment import Experiment, prepare, stream
from theorems.setting.limit import Limit
from theorems.setting.parameters import resolve
from verify.certify.balls import NotPositiveDefiniteError
from verify.claim import Assumption, Verdict

STEPS = 1000  # where the guaranteed decrease is within reach
SHORT_STEPS = 200  # on the literal instance, when it only stands in for another
OWN_STEPS = 20
BUDGET = 1_000_000_000  # multiplications of balls, about a minute, spent on an instance that is within reach
SHORT_BUDGET = 100_000_000  # on the first steps of one that is not
LITERAL, HERE = "literal instance", "this instance"
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


def plans(experiment: Experiment) -> tuple[DescentRun, ...]:
    """What to run: the experiment's own instance alone if the budget reaches far enough, else the literal one first.

    Far enough is the number of steps that are guaranteed to cut the gap by 1000.
    """
    own, literal = own_plan(experiment), replace(literal_plan(experiment), steps=SHORT_STEPS)
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
