"""Planted defects shared by several claims: each returns the experiment with one thing wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from numerics.loss import LabelNoise
from theorems.experiment import Experiment, stream
from theorems.limit import Limit
from theorems.notation import N, m, tau


def penalty_n_tau(experiment: Experiment) -> Experiment:
    """The theory's penalty is Nτ instead of mτ."""
    return replace(experiment, limit=Limit(penalty=N * tau))


def penalty_twice(experiment: Experiment) -> Experiment:
    """The theory's penalty is 2mτ instead of mτ."""
    return replace(experiment, limit=Limit(penalty=2 * m * tau))


def penalty_tau_squared(experiment: Experiment) -> Experiment:
    """The theory's penalty is mτ² instead of mτ."""
    return replace(experiment, limit=Limit(penalty=m * tau**2))


def one_head(experiment: Experiment) -> Experiment:
    """The network has one head, H = 1, and is presented as trained."""
    start = experiment.study.start
    single = replace(start, queries=start.queries[:1], weights=start.weights[:1])
    return replace(experiment, study=replace(experiment.study, start=single), presented=True)


def untrained(experiment: Experiment) -> Experiment:
    """A network that was never trained is presented as trained."""
    recipe = replace(experiment.study.recipe, steps=0)
    return replace(experiment, study=replace(experiment.study, recipe=recipe), presented=True)


def noise_ignores_task(experiment: Experiment) -> Experiment:
    """Label noise has variance τ instead of τ‖λ‖²."""
    level = experiment.instance.noise
    noise = LabelNoise(given_task=lambda tasks: np.full(len(tasks), level), mean=lambda covariance: level)
    return replace(experiment, study=replace(experiment.study, noise=noise))


def labels_shuffled(experiment: Experiment) -> Experiment:
    """The network sees the prompt labels in another order than the ridge regression."""
    length = experiment.instance.prompt_length
    order = np.roll(stream(experiment.study.seed, "shuffle").permutation(length), 1)
    if np.array_equal(order, np.arange(length)):
        order = np.roll(order, 1)
    return replace(experiment, shown=lambda labels: labels[:, order])
