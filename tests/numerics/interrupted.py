"""A small training run, interrupted, for the tests of what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numerics.checkpoint import Keeper
from numerics.instance import synthetic
from numerics.loss import feature_noise, label_moments
from numerics.model import initial_network
from numerics.recipe import Recipe
from numerics.state import Origin, State
from numerics.training import train

N, K, D, M, H, TAU = 2, 5, 3, 2, 6, 0.5
INSTANCE = synthetic(np.random.default_rng(0), N=N, K=K, d=D, m=M, tau=TAU)
MOMENTS = label_moments(INSTANCE.features, feature_noise(TAU), np.eye(M))
START = initial_network(np.random.default_rng(1), heads=H, d=D, K=K, scale=1.0)


def recipe(**changes: Any) -> Recipe:
    given = {"steps": 250, "optimizer": "adam", "rate_queries": 0.02, "rate_weights": 0.02, "gradient_tolerance": 1e-2}
    return Recipe(**given | changes)


ORIGIN = Origin(instance=INSTANCE, start=START, recipe=recipe())


def kept(path: Path, wanted: Recipe | None = None, until: int = 47) -> Keeper:
    """A keeper whose run was interrupted at a step; its file is written."""

    def progress(step: int, steps: int, loss: float) -> None:
        if step > until:
            raise KeyboardInterrupt

    keeper = Keeper(path)
    with pytest.raises(KeyboardInterrupt):
        train(INSTANCE, START, wanted or recipe(), moments=MOMENTS, labels=MOMENTS, keeper=keeper, progress=progress)
    return keeper


def changed(state: State, name: str, change: Callable[[np.ndarray], np.ndarray]) -> State:
    return replace(state, arrays=dict(state.arrays) | {name: change(state.arrays[name].copy())})


def entry(value: float, place: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array.flat[place] = value
        return array

    return change
