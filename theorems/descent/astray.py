"""Runs of gradient descent on the literal instance with one thing wrong, for planted defects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from theorems.descent.float_descent import float_problem
from theorems.descent.runs import literal_run
from theorems.descent.trajectory import DescentRun
from theorems.setting.experiment import Experiment
from theorems.setting.limit import Limit
from theorems.setting.notation import m, tau

STEPS = 60


def four_times_the_rate(experiment: Experiment) -> DescentRun:
    """The claimed rate is (1 − 4η_wζ₀/2K)ᵗ."""
    return replace(literal_run(experiment, STEPS), rate_factor=4.0, forced=True)


def eight_times_the_rate(experiment: Experiment) -> DescentRun:
    """The claimed rate is (1 − 8η_wζ₀/2K)ᵗ."""
    return replace(literal_run(experiment, STEPS), rate_factor=8.0, forced=True)


def penalty_changed(experiment: Experiment) -> DescentRun:
    """Z̄ and Â belong to the penalty 2mτ; training does not."""
    run = literal_run(experiment, 100)
    return replace(run, problem=replace(run.problem, limit=Limit(penalty=2 * m * tau)), forced=True)


def large_steps(experiment: Experiment) -> DescentRun:
    """The steps are ten times those of the theorem, η_Q = 10/L."""
    return replace(literal_run(experiment, STEPS), step_factor=10.0, forced=True)


def hundred_times_the_step(experiment: Experiment) -> DescentRun:
    """The steps are a hundred times those of the theorem, η_Q = 100/L."""
    return replace(literal_run(experiment, STEPS), step_factor=100.0, forced=True)


def gamma_too_small(experiment: Experiment) -> DescentRun:
    """γ is a thousand times too small."""
    return replace(literal_run(experiment, STEPS), gamma_factor=1e-3, forced=True)


def fewer_heads_than_labels(experiment: Experiment) -> DescentRun:
    """One head is left, with the step sizes of all sixteen."""
    run = literal_run(experiment, STEPS)
    few = replace(run.problem, queries=run.problem.queries[:1], weights=run.problem.weights[:1])
    return replace(run, problem=few, prescribed_for=run.problem, forced=True)


def weights_start_elsewhere(experiment: Experiment, size: float = 1e3) -> DescentRun:
    """The weights start far from 0, where B_k does not see them, w_k ∈ ker B_k, at `size` γ."""
    run = literal_run(experiment, STEPS)
    data = float_problem(run)
    s = data.attention(run.problem.queries)
    columns = [np.linalg.svd(data.z_bar @ s[:, :, k].T)[2][-1] for k in range(s.shape[2])]
    start = replace(run.problem, weights=size * run.prescription.gamma * np.array(columns).T)
    return replace(run, problem=start, prescribed_for=run.problem, forced=True)
