"""Runs of gradient descent on the literal instance with one thing wrong, for planted defects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from theorems.descent.float_descent import float_problem
from theorems.descent.plans import literal_plan
from theorems.descent.trajectory import DescentRun
from theorems.setting.experiment import Experiment
from theorems.setting.limit import Limit
from theorems.setting.notation import m, tau

STEPS = 60


def four_times_the_rate(experiment: Experiment) -> DescentRun:
    """The claimed rate is (1 − 4η_wζ₀/2K)ᵗ."""
    return replace(literal_plan(experiment), rate_factor=4.0, steps=STEPS, forced=True)


def penalty_changed(experiment: Experiment) -> DescentRun:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    plan = literal_plan(experiment)
    return replace(plan, problem=replace(plan.problem, limit=Limit(penalty=2 * m * tau)), steps=100, forced=True)


def large_steps(experiment: Experiment) -> DescentRun:
    """The steps are ten times those of the theorem, η_Q = 10/L."""
    return replace(literal_plan(experiment), step_factor=10.0, steps=STEPS, forced=True)


def gamma_too_small(experiment: Experiment) -> DescentRun:
    """γ is a thousand times too small."""
    return replace(literal_plan(experiment), gamma_factor=1e-3, steps=STEPS, forced=True)


def fewer_heads_than_labels(experiment: Experiment) -> DescentRun:
    """One head is left, with the step sizes of all sixteen."""
    plan = literal_plan(experiment)
    few = replace(plan.problem, queries=plan.problem.queries[:1], weights=plan.problem.weights[:1])
    return replace(plan, problem=few, prescribed_for=plan.problem, steps=STEPS, forced=True)


def weights_start_elsewhere(experiment: Experiment) -> DescentRun:
    """The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k."""
    plan = literal_plan(experiment)
    data = float_problem(plan)
    s = data.attention(plan.problem.queries)
    columns = [np.linalg.svd(data.z_bar @ s[:, :, k].T)[2][-1] for k in range(s.shape[2])]
    weights = 1e3 * plan.prescription.gamma * np.array(columns).T
    start = replace(plan.problem, weights=weights)
    return replace(plan, problem=start, prescribed_for=plan.problem, steps=STEPS, forced=True)
