"""Assumptions 1 to 4 and unit norm on an instance, each with its margin; shared by several claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from numerics.instance import UNIT_NORM_TOLERANCE, squared_lengths
from numerics.measure import rounding
from theorems.experiment import Experiment, Prompts, initial_mixing
from verify.claim import Assumption

# The chance that one Gaussian task falls outside the declared ball |lambda| <= B of Assumption 4.
TASK_TAIL = 1e-6


def measure_assumptions(subject: Any) -> Iterator[Assumption]:
    """Assumptions 1 to 4 and unit-norm tokens hold on this instance, and w starts at 0."""
    experiment = _experiment(subject)
    data = experiment.instance
    yield _task_moments(experiment)
    yield _full_row_rank(experiment)
    spread, coordinate = _coordinate_spread(data.tokens[: data.prompt_length])
    yield Assumption(
        name="assumption3", margin=spread,
        meaning=f"coordinate {coordinate} takes N different values in the prompt, at least this far apart",
    )  # fmt: skip
    for prompts in experiment.test_sets:
        yield _bounded_task(prompts)
    yield from measure_unit_norm(experiment)
    yield _weights_at_zero(experiment)


def measure_training_assumptions(subject: Any) -> Iterator[Assumption]:
    """Assumptions 1 and 2 and unit-norm tokens hold on this instance, and w starts at 0."""
    yield _task_moments(_experiment(subject))
    yield _full_row_rank(_experiment(subject))
    yield from measure_unit_norm(subject)
    yield _weights_at_zero(_experiment(subject))


def measure_unit_norm(subject: Any) -> Iterator[Assumption]:
    """The tokens have norm 1."""
    tokens = _experiment(subject).instance.tokens
    squares = squared_lengths(tokens)
    deviation = float(np.abs(squares - 1).max())
    advice = "" if deviation <= UNIT_NORM_TOLERANCE else "; --normalize scales the tokens of a file"
    yield Assumption(
        name="unit norm", margin=UNIT_NORM_TOLERANCE - deviation,
        rounding=rounding(tokens.shape[1] + 1) * float(squares.max()),
        meaning=f"every ‖v_k‖² is within {UNIT_NORM_TOLERANCE:g} of 1 (largest deviation {deviation:.2g}){advice}",
    )  # fmt: skip


def _weights_at_zero(experiment: Experiment) -> Assumption:
    """Theorem 1 starts from w = 0, exactly."""
    largest = float(experiment.study.start.weights.abs().max())
    told = f"the largest weight at the start is {largest:.3g}"
    return Assumption(name="w⁽⁰⁾ = 0", margin=-largest if largest else 1.0, meaning=told)


def _experiment(subject: Any) -> Experiment:
    """The experiment, or the one that a planted defect wraps."""
    found: Experiment = getattr(subject, "experiment", subject)
    return found


def _task_moments(experiment: Experiment) -> Assumption:
    """E[lambda lambda^T] = I: the moments that training uses minus those of unit-variance tasks, in absolute value."""
    data = experiment.instance
    signal = data.features @ data.features.T
    noise = experiment.study.moments - signal
    off_diagonal = float(np.abs(noise - np.diag(np.diag(noise))).max())
    size = np.abs(data.features)
    allowed = rounding(2 * data.feature_count + 4) * float((size @ size.T).max())
    return Assumption(
        name="assumption1", margin=allowed - off_diagonal,
        meaning=f"tasks have mean 0 and E λλᵀ = I up to rounding (deviation {off_diagonal:.2g})",
    )  # fmt: skip


def _full_row_rank(experiment: Experiment) -> Assumption:
    """zeta_0, the least eigenvalue over k of B_k B_k^T with B_k = Z-bar C_k at the start."""
    B = experiment.theory.z_bar @ initial_mixing(experiment.study)  # K x N x H
    N, H = B.shape[1:]
    values = np.linalg.svd(B, compute_uv=False)
    least = float(values[:, N - 1].min()) if H >= N else 0.0
    # Singular values are computed to within a modest multiple of u |B|; N H is that multiple here.
    error = rounding(N * H) * float(values[:, 0].max())
    return Assumption(
        name="assumption2", margin=least**2, rounding=2 * least * error + error**2,
        meaning="ζ₀ = min_k λ_min(B_k B_kᵀ) at the start is positive: every B_k has full row rank",
    )  # fmt: skip


def _coordinate_spread(tokens: np.ndarray) -> tuple[float, int]:
    """The largest, over coordinates, of the least distance between two prompt tokens' entries."""
    if len(tokens) == 1:
        return float("inf"), 0
    gaps = np.diff(np.sort(tokens, axis=0), axis=0).min(axis=0)
    return float(gaps.max()), int(gaps.argmax())


def _bounded_task(prompts: Prompts) -> Assumption:
    """B from Gaussian concentration: |lambda| <= |mean| + s (sqrt m + sqrt(2 log 1/p)) except with probability p."""
    m = prompts.tasks.shape[1]
    radius = abs(prompts.mean) * np.sqrt(m) + prompts.deviation * (np.sqrt(m) + np.sqrt(2 * np.log(1 / TASK_TAIL)))
    largest = float(np.linalg.norm(prompts.tasks, axis=1).max())
    return Assumption(
        name=f"assumption4, {prompts.name}", margin=float(radius) - largest,
        meaning=f"‖λ‖ ≤ B = {radius:.3g} for every test prompt (largest {largest:.3g})",
    )  # fmt: skip
