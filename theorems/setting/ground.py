"""The ground of a study: its network at the first and the last weights, and everything that it drew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from numpy import ndarray

from numerics.ground import (
    functions_trouble,
    logits_trouble,
    loss_trouble,
    mixture_trouble,
    products_trouble,
    seen,
    softmax_trouble,
)
from numerics.ground_random import normal_trouble, streams_trouble
from numerics.ground_training import gradient_trouble, optimizer_trouble
from numerics.instance import Instance
from numerics.loss import sample_labels, sample_tasks
from numerics.model import Network, initial_network
from theorems.setting.study import TEST_PROMPTS, Prompts, Study, stream
from verify.ground import SelfTest

HEADS = 8  # of a network drawn to be tested
# The images that ship with scikit-learn: 1797 of 8 × 8 pixels, hashed when this was written.
DIGITS_SHAPE = (1797, 64)
DIGITS_SHA256 = "20def7f70a702f0af9732fbba4375e147a7d54fe70d8c45569b8e7c1c7010c10"
TINY, HUGE = 1e-290, 1e290  # variances in between lose nothing in a square root
OPTIMIZERS = "torch._dynamo"  # loaded, in seconds, by the first optimizer that a run makes
Check = Callable[[], str | None]


def grounds(study: Study) -> Iterator[SelfTest]:
    """What this study can be tested for: at its first weights, or at the last once it is trained."""
    rows: list[tuple[str, str, str, Check]] = [*_network(study), *_drawn(study)]
    if study.instance.source.startswith("digits"):
        rows.append(("scikit-learn's digits", "arrays", "their known hash", _digits))
    for name, area, against, check in rows:
        loaded = OPTIMIZERS if name in ("Adam", "gradient descent") else "torch"
        yield SelfTest(name=name, area=area, against=against, check=check, loaded=loaded)


def _network(study: Study) -> Iterator[tuple[str, str, str, Check]]:
    yield "torch's functions", "network", "values written down", functions_trouble
    yield "torch's matrix products", "network", "integers", lambda: products_trouble(study.device, study.tf32)
    yield "torch's gradient of the loss", "network", "central differences in mpmath", gradient_trouble
    yield "Adam", "network", "its formula", lambda: optimizer_trouble("adam")
    yield "gradient descent", "network", "its formula", lambda: optimizer_trouble("gd")
    trained = vars(study).get("trained")
    if trained is None:
        yield from _weights("first", study.start, study.instance, None)
    elif trained.diverged_at is None:  # else there are no numbers to test; the checks say so
        yield from _weights("last", trained.network, study.instance, trained.final)
        yield (
            "loss at the last weights",
            "network",
            "exact fractions",
            lambda: loss_trouble(trained.final, study.moments, study.losses(trained.final[None])[0]),
        )


def _weights(
    which: str, network: Network, data: Instance, found: ndarray | None
) -> Iterator[tuple[str, str, str, Check]]:
    sight = cache(lambda: seen(network, data.tokens, data.prompt_length))
    yield f"logits at the {which} weights", "network", "integers", lambda: logits_trouble(sight())
    yield f"softmax at the {which} weights", "network", "mpmath", lambda: softmax_trouble(sight())
    yield f"mixture at the {which} weights", "network", "Python's arithmetic", lambda: mixture_trouble(sight(), found)


def _drawn(study: Study) -> Iterator[tuple[str, str, str, Check]]:
    law = "the normal law, at a declared rate"
    purposes = ("ground", "ground", "other ground")
    yield "numpy's random numbers", "random", law, lambda: streams_trouble(*(stream(study.seed, p) for p in purposes))
    yield "a network drawn at the start", "random", law, lambda: _initial(stream(study.seed, "ground"))
    for prompts in study.test_sets:
        yield f"tasks and noise of {prompts.name} prompts", "random", law, _noise_of(study, prompts)


def _initial(rng: np.random.Generator) -> str | None:
    network = initial_network(rng, heads=HEADS, d=20, K=30, scale=2.0, weight_scale=3.0)
    return normal_trouble("entries of Q", network.queries.numpy() / 2) or normal_trouble(
        "entries of w", network.weights.numpy() / 3
    )


def _noise_of(study: Study, prompts: Prompts) -> Check:
    """The tasks and the noise of the very prompts that are used, drawn again from their stream."""
    data = study.instance

    def check() -> str | None:
        rng = stream(study.seed, prompts.name)
        tasks = sample_tasks(rng, TEST_PROMPTS, data.feature_count, mean=prompts.mean, deviation=prompts.deviation)
        noise = sample_labels(rng, tasks, np.zeros_like(data.features), study.noise)
        same = (tasks == prompts.tasks).all() and (tasks @ data.features.T + noise == prompts.labels).all()
        if not same:
            return f"the {prompts.name} prompts are not λᵀz plus noise of their own stream"
        standard = (tasks - prompts.mean) / prompts.deviation
        lengths = [sum(x * x for x in row) for row in tasks.tolist()]
        if not all(TINY < data.noise * length < HUGE for length in lengths):
            return normal_trouble("tasks", standard)  # the variance of the noise is no full float64 number
        spread = np.array([[(data.noise * length) ** 0.5] for length in lengths])
        return normal_trouble("tasks", standard) or normal_trouble("label noise over √τ‖λ‖", noise / spread)

    return check


def _digits() -> str | None:
    from sklearn.datasets import load_digits

    images = np.ascontiguousarray(load_digits().data, dtype="<f8")
    found = hashlib.sha256(images.tobytes()).hexdigest()
    if images.shape == DIGITS_SHAPE and found == DIGITS_SHA256:
        return None
    return f"the digits are {images.shape} with sha256 {found}, expected {DIGITS_SHAPE} with {DIGITS_SHA256}"
