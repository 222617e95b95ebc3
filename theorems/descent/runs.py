"""The runs of gradient descent that are looked at, made from what was asked for, and the hypotheses of each.

The guaranteed number of steps is out of reach for most instances; then a small literal instance is followed
first, and the experiment's own instance for its first steps. Findings say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import TypedDict

import flint
import numpy as np
from numpy.typing import ArrayLike

from theorems.descent.prescription import THEOREM_1, Prescription, Required
from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import Ball, Problem, largest_rank
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from theorems.setting.limit import Limit
from theorems.setting.parameters import resolve
from theorems.setting.preparation import prepare
from theorems.setting.study import stream
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import bound_of
from verify.claim import Assumption, Bound, Verdict

STEPS = 1000  # where the guaranteed decrease is within reach
SHORT_STEPS = 200  # on the literal instance, when it only stands in for another
OWN_STEPS = 20
BUDGET = 1_000_000_000  # multiplications of balls, about a minute, spent on an instance that is within reach
SHORT_BUDGET = 100_000_000  # on the first steps of one that is not
LITERAL, HERE = "literal instance", "this instance"
VACUOUS = 1e12  # more guaranteed steps than this promise nothing


class Asked(TypedDict):
    """What the command line asks of a run beside its instance: factors of γ and of the step 1/L, and whether to run."""

    gamma_factor: float
    step_factor: float
    forced: bool


def asked(experiment: Experiment) -> Asked:
    """What was asked for; the theorem's own where nothing was."""
    given = experiment.parameters
    return Asked(gamma_factor=given.gamma_factor, step_factor=given.step_factor, forced=given.force)


@lru_cache(maxsize=8)
def literal_problem(limit: Limit) -> Problem:
    """The literal instance, with what is claimed of its limit."""
    return problem_of(replace(prepare(resolve("literal", {})), limit=limit))


def literal_run(experiment: Experiment, steps: int = STEPS) -> DescentRun:
    """So many steps on the literal instance with the step sizes of Theorem 1; all of `STEPS` can be certified."""
    return DescentRun(name=LITERAL, problem=literal_problem(experiment.limit), steps=steps, elsewhere="literal")


def run_here(experiment: Experiment, steps: int) -> DescentRun:
    """So many steps on the experiment's own instance with the step sizes of Theorem 1."""
    return DescentRun(name=HERE, problem=problem_of(experiment), steps=steps)


def run_within_reach(experiment: Experiment, steps: int, budget: int) -> DescentRun:
    """So many steps on the experiment's own instance if they are within the budget, else on the literal one."""
    own, literal = run_here(experiment, steps), literal_run(experiment, steps)
    return own if own.problem == literal.problem or steps <= affordable_steps(own.problem, budget) else literal


def own_run(experiment: Experiment, steps: int = STEPS, note: str = "") -> DescentRun:
    """So many steps on the experiment's own instance with the step sizes that were asked for.

    With fewer heads than labels there are none; a forced run takes those of the same network with enough heads.
    """
    problem, wanted = problem_of(experiment), asked(experiment)
    N, few = problem.sizes[0], len(problem.queries)
    other = _with_heads(problem, 2 * N) if wanted["forced"] and few < N else None
    return DescentRun(name=HERE, problem=problem, steps=steps, prescribed_for=other, note=note, **wanted)


def _with_heads(problem: Problem, heads: int) -> Problem:
    """The problem with further heads, as large as those that it has, up to `heads` of them; w = 0."""
    _, K, d, few = problem.sizes
    more = stream(0, "further heads").standard_normal((heads - few, d, d)) * problem.queries.std()
    return replace(problem, queries=np.concatenate([problem.queries, more]), weights=np.zeros((heads, K)))


def affordable_steps(problem: Problem, budget: int) -> int:
    """Steps that take about so many multiplications of balls; those outside matrix products count 100 times."""
    N, K, d, H = problem.sizes
    return budget // (H * (2 * N * d * (d + K) + 200 * N * K))


def runs_of(experiment: Experiment, required: Required = THEOREM_1) -> tuple[DescentRun, ...]:
    """What to run: the experiment's own instance alone if the budget reaches far enough, else the literal one first.

    Far enough is the number of steps that are guaranteed to cut the gap by 1000, with the step sizes `required`.
    """
    problem = problem_of(experiment)
    long, short = (max(1, min(STEPS, affordable_steps(problem, budget))) for budget in (BUDGET, SHORT_BUDGET))
    if problem == literal_problem(experiment.limit):
        return (replace(own_run(experiment, long), required=required),)
    own = replace(own_run(experiment, short), required=required)
    if violated(own):
        return (own,)
    guaranteed = own.prescription.guaranteed_steps(1e3)
    if long >= guaranteed:
        return (replace(own, steps=long),)
    word = ", which is vacuous" if guaranteed > VACUOUS else ""
    note = f"; {guaranteed:.2g} steps are guaranteed to cut the gap by 1000{word}"
    literal = replace(literal_run(experiment, SHORT_STEPS), required=required)
    return literal, replace(own, steps=min(OWN_STEPS, short), note=note)


def bound_on(
    run: DescentRun,
    name: str,
    observed: Sequence[Ball],
    bound: Sequence[Ball],
    reason: str,
    *,
    steps: ArrayLike | None = None,
    step: str = "step t",
    quantities: Mapping[str, int | float] = MappingProxyType({}),
) -> Bound:
    """The finding observed ≤ bound on a run, whose name it bears; `steps` are the t of the entries, called `step`."""
    return bound_of(
        f"{name}, {run.name}",
        observed,
        bound,
        reason,
        x=steps,
        x_label="" if steps is None else step,
        elsewhere=run.elsewhere,
        quantities=quantities,
    )


def violated(run: DescentRun) -> tuple[Assumption, ...]:
    """The hypotheses that do not hold."""
    return tuple(found for found in hypotheses(run) if found.verdict is not Verdict.PASS)


def hypotheses(run: DescentRun, *, advise: bool = True) -> Iterator[Assumption]:
    """Assumption 2, w⁽⁰⁾ = 0, γ and η_Q, each with its margin; `advise` to force the run where one fails."""
    advice = "" if run.forced or not advise else "; --force runs the descent nevertheless"
    found: Iterable[Assumption]
    try:
        found = _hypotheses(run.problem, run.prescription)
    except NotPositiveDefiniteError as error:
        found = (Assumption(name="assumption2", margin=flint.arb(0), meaning=f"ζ₀ > 0; {error}"),)
    for each in found:
        told = each.meaning + (advice if each.margin <= 0 else "")
        yield replace(each, meaning=f"{run.name}: {told}", elsewhere=run.elsewhere)


def _hypotheses(problem: Problem, prescription: Prescription) -> Iterator[Assumption]:
    deficit = problem.sizes[0] - largest_rank(problem)
    least = prescription.zeta_0 if deficit <= 0 else flint.arb(0)
    yield Assumption(name="assumption2", margin=least, meaning="ζ₀ > 0, certified")
    weight = float(np.abs(problem.weights).max())
    yield Assumption(
        name="w⁽⁰⁾ = 0",
        margin=flint.arb(-weight if weight else 1),
        meaning=f"the largest weight at the start is {weight:.3g}",
        quantities={"weight": weight},
    )
    with flint.ctx.workprec(128):
        for name, part, whole in (
            ("γ large enough", prescription.required_gamma, flint.arb(prescription.gamma)),
            ("η_Q ≤ 1/L", flint.arb(prescription.step_queries), 1 / prescription.L),
        ):
            yield Assumption(
                name=name,
                margin=whole / part - 1,
                meaning=f"{part.str(4, radius=False)} is at most {whole.str(4, radius=False)}",
                quantities={"part": float(part.mid()), "whole": float(whole.mid())},
            )
