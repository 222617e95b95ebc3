"""Planted defects shared by several claims: in each the experiment has one thing wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import sympy as sp

from numerics.loss import LabelNoise
from theorems.setting.experiment import Experiment
from theorems.setting.limit import Limit
from theorems.setting.notation import N, Z, Z_tilde, m, tau
from theorems.setting.study import stream
from verify.defect import defect_of_experiment


class _RidgeEverywhere(Limit):
    @property
    def a_hat(self) -> sp.MatrixExpr:
        return self.z_bar_squared.I * Z.T * Z_tilde


class _OtherCoefficients(Limit):
    @property
    def coefficient_map(self) -> sp.MatrixExpr:
        return Z * (Z.T * Z + N * tau * sp.Identity(N)).I


@defect_of_experiment
def penalty_n_tau(experiment: Experiment) -> Experiment:
    """The theory's penalty is Nτ instead of mτ."""
    return replace(experiment, limit=Limit(penalty=N * tau))


@defect_of_experiment
def penalty_twice(experiment: Experiment) -> Experiment:
    """The theory's penalty is 2mτ instead of mτ."""
    return replace(experiment, limit=Limit(penalty=2 * m * tau))


@defect_of_experiment
def penalty_tau_squared(experiment: Experiment) -> Experiment:
    """The theory's penalty is mτ² instead of mτ."""
    return replace(experiment, limit=Limit(penalty=m * tau**2))


@defect_of_experiment
def prompt_answered_by_ridge(experiment: Experiment) -> Experiment:
    """The limit answers prompt tokens too by λ̂ᵀz_k instead of by their own labels."""
    return replace(experiment, limit=_RidgeEverywhere())


@defect_of_experiment
def coefficients_n_tau(experiment: Experiment) -> Experiment:
    """λ̂ belongs to the penalty Nτ, Â to mτ."""
    return replace(experiment, limit=_OtherCoefficients())


@defect_of_experiment
def one_head(experiment: Experiment) -> Experiment:
    """The network has one head, H = 1, and is presented as trained."""
    start = experiment.study.start
    single = replace(start, queries=start.queries[:1], weights=start.weights[:1])
    return replace(experiment, study=replace(experiment.study, start=single), presented=True)


@defect_of_experiment
def untrained(experiment: Experiment) -> Experiment:
    """A network that was never trained is presented as trained."""
    recipe = replace(experiment.study.recipe, steps=0)
    return replace(experiment, study=replace(experiment.study, recipe=recipe), presented=True)


@defect_of_experiment
def noise_ignores_task(experiment: Experiment) -> Experiment:
    """Label noise has variance τ instead of τ‖λ‖²."""
    level = experiment.instance.noise
    noise = LabelNoise(given_task=lambda tasks: np.full(len(tasks), level), mean=lambda covariance: level)
    return replace(experiment, study=replace(experiment.study, noise=noise))


@defect_of_experiment
def noise_uniform(experiment: Experiment) -> Experiment:
    """Label noise is uniform, with the variance τ‖λ‖² that it should have."""
    reach = np.sqrt(3.0)  # the standard deviation of a uniform number in [-1, 1] is 1/√3
    noise = replace(experiment.study.noise, law=lambda rng, shape: rng.uniform(-reach, reach, shape))
    return replace(experiment, study=replace(experiment.study, noise=noise))


@defect_of_experiment
def noise_constant(experiment: Experiment) -> Experiment:
    """Label noise is always √(τ‖λ‖²), of the right second moment."""
    noise = replace(experiment.study.noise, law=lambda rng, shape: np.ones(shape))
    return replace(experiment, study=replace(experiment.study, noise=noise))


@defect_of_experiment
def labels_shuffled(experiment: Experiment) -> Experiment:
    """The network sees the prompt labels in another order than the ridge regression."""
    length = experiment.instance.prompt_length
    order = np.roll(stream(experiment.study.seed, "shuffle").permutation(length), 1)
    if np.array_equal(order, np.arange(length)):
        order = np.roll(order, 1)
    return replace(experiment, shown=lambda labels: labels[:, order])
