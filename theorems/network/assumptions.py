"""Assumptions 1 to 4 and unit norm on an instance, each with its margin; shared by several claims."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from numerics.instance import UNIT_NORM_TOLERANCE, squared_lengths
from numerics.measure import rounding
from theorems.network.enclosed import least_eigenvalue
from theorems.network.problem import problem_of
from theorems.setting.experiment import Experiment
from theorems.setting.study import Prompts
from verify.claim import Assumption

TASK_TAIL = 1e-6  # the chance that tasks drawn from the right law are said to have another mean, or other moments


@runtime_checkable
class OfExperiment(Protocol):
    """What a claim is about, as far as these checks look at it."""

    @property
    def experiment(self) -> Experiment: ...


def measure_assumptions(subject: OfExperiment) -> Iterator[Assumption]:
    """Assumptions 1 to 4 and unit-norm tokens hold on this instance, and w starts at 0."""
    experiment = subject.experiment
    data = experiment.instance
    yield _task_moments(experiment)
    yield _full_row_rank(experiment)
    spread, coordinate = _coordinate_spread(data.tokens[: data.prompt_length])
    yield Assumption(
        name="assumption3",
        margin=spread,
        meaning=f"coordinate {coordinate} takes N different values in the prompt, at least this far apart",
    )
    for prompts in experiment.study.test_sets:
        yield _bounded_task(experiment, prompts)
    yield from measure_unit_norm(subject)
    yield _weights_at_zero(experiment)


def measure_training_assumptions(subject: OfExperiment) -> Iterator[Assumption]:
    """Assumptions 1 and 2 and unit-norm tokens hold on this instance, and w starts at 0."""
    yield _task_moments(subject.experiment)
    yield _full_row_rank(subject.experiment)
    yield from measure_unit_norm(subject)
    yield _weights_at_zero(subject.experiment)


def measure_unit_norm(subject: OfExperiment) -> Iterator[Assumption]:
    """The tokens have norm 1."""
    tokens = subject.experiment.instance.tokens
    squares = squared_lengths(tokens)
    deviation = float(np.abs(squares - 1).max())
    advice = "" if deviation <= UNIT_NORM_TOLERANCE else "; --normalize scales the tokens of a file"
    yield Assumption(
        name="unit norm",
        margin=UNIT_NORM_TOLERANCE - deviation,
        rounding=rounding(tokens.shape[1] + 1) * float(squares.max()),
        meaning=f"every ‖v_k‖² is within {UNIT_NORM_TOLERANCE:g} of 1 (largest deviation {deviation:.2g}){advice}",
        quantities={"largest_deviation": deviation},
    )


def _weights_at_zero(experiment: Experiment) -> Assumption:
    """Theorem 1 starts from w = 0, exactly."""
    largest = float(experiment.study.start.weights.abs().max())
    told = f"the largest weight at the start is {largest:.3g}"
    known = {"largest_weight": largest}
    return Assumption(name="w⁽⁰⁾ = 0", margin=-largest if largest else 1.0, meaning=told, quantities=known)


def _task_moments(experiment: Experiment) -> Assumption:
    """E λ = 0 and E λλᵀ = I, tested on the tasks that were drawn.

    Of n standard Gaussian tasks the mean is longer than (√m + √(2 log 1/p))/√n, and the mean of λλᵀ farther from I than
    2e + e² in the spectral norm, e = √(m/n) + √(2 log(2/p)/n), with probability at most p each: Gaussian concentration
    and K. Davidson, S. Szarek, Handbook of the Geometry of Banach Spaces 1 (2001), Theorem II.13.
    """
    tasks = experiment.study.prompts(out_of_domain=False).tasks
    n, m = tasks.shape
    reach = np.sqrt(m / n) + np.sqrt(2 * np.log(2 / TASK_TAIL) / n)
    allowed = (np.sqrt(m) + np.sqrt(2 * np.log(1 / TASK_TAIL))) / np.sqrt(n), 2 * reach + reach**2
    found = np.linalg.norm(tasks.mean(axis=0)), np.linalg.norm(tasks.T @ tasks / n - np.eye(m), 2)
    names = ("mean_length", "second_moment_off", "mean_length_allowed", "second_moment_off_allowed")
    told = f"of {n} tasks the mean has length {found[0]:.2g}, at most {allowed[0]:.2g}"
    return Assumption(
        name="assumption1",
        margin=float(min(np.subtract(allowed, found))),
        rounding=rounding(n + m) * (1 + m),
        meaning=f"{told}, and the mean of λλᵀ is {found[1]:.2g} from I, at most {allowed[1]:.2g} (rate {TASK_TAIL:g})",
        quantities=dict(zip(names, map(float, (*found, *allowed)), strict=True)),
    )


def _full_row_rank(experiment: Experiment) -> Assumption:
    """ζ₀, the least eigenvalue over k of B_k B_kᵀ at the start, certified as the claim assumption2 does it."""
    zeta = least_eigenvalue(problem_of(experiment))
    told = "the rank is deficient, or not decided" if zeta is None else f"ζ₀ ∈ {zeta.str(6)}, certified"
    return Assumption(
        name="assumption2",
        margin=0.0 if zeta is None else zeta,
        meaning=f"ζ₀ = min_k λ_min(B_k B_kᵀ) at the start is positive: every B_k has full row rank ({told})",
    )


def _coordinate_spread(tokens: np.ndarray) -> tuple[float, int]:
    """The largest, over coordinates, of the least distance between two prompt tokens' entries."""
    if len(tokens) == 1:
        return float("inf"), 0
    gaps = np.diff(np.sort(tokens, axis=0), axis=0).min(axis=0)
    return float(gaps.max()), int(gaps.argmax())


def _bounded_task(experiment: Experiment, prompts: Prompts) -> Assumption:
    """‖λ‖ ≤ B for the B that was given."""
    bound, largest = experiment.parameters.B, float(np.linalg.norm(prompts.tasks, axis=1).max())
    advice = "" if largest <= bound else f"; give --B {largest:.3g} or more"
    error = rounding(prompts.tasks.shape[1] + 1) * largest
    return Assumption(
        name=f"assumption4, {prompts.name}",
        margin=bound - largest,
        rounding=error,
        meaning=f"‖λ‖ ≤ B = {bound:g} for every test prompt (largest {largest:.3g}){advice}",
        quantities={f"largest_task_{prompts.name.replace('-', '_')}": largest},
    )
