"""The problem of an experiment: its data and its parameters, where training begins and where it ends."""

from __future__ import annotations

from dataclasses import replace

import torch

from theorems.network.enclosed import Problem
from theorems.setting.experiment import Experiment


def problem_of(experiment: Experiment) -> Problem:
    """The experiment's data and start: exactly the float64 numbers that training begins with."""
    start = experiment.study.start.to(device="cpu", dtype=torch.float64)
    return Problem(
        instance=experiment.instance,
        limit=experiment.limit,
        tokens=experiment.instance.tokens,
        queries=start.queries.numpy(),
        weights=start.weights.numpy(),
    )


def trained_problem_of(experiment: Experiment) -> Problem:
    """The same data with the parameters that training ended with; float32 numbers are float64 numbers."""
    network = experiment.study.trained.network.to(device="cpu", dtype=torch.float64)
    return replace(problem_of(experiment), queries=network.queries.numpy(), weights=network.weights.numpy())
