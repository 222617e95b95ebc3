"""Theorem 2's conclusion, certified: after exactly T steps with Theorem 1's step sizes, in ball arithmetic.

T is computed from the theorem for ε, δ and B. What the theorem then promises holds for every prompt with ‖λ‖ ≤ B and
label noise ‖n‖² ≤ τ‖λ‖²x_δ, an event of probability at least 1 − δ. Its answers are at most
B²(‖(Ã − Â)ᵀZᵀ‖₂ + √(τx_δ)‖Ã − Â‖₂)²/2K from ridge regression, and the worst prompt comes close to that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import flint
import numpy as np
import sympy as sp
from jaxtyping import Float
from numpy import ndarray

from theorems.descent.runs import (
    BUDGET,
    STEPS,
    affordable_steps,
    asked,
    hypotheses,
    literal_run,
    own_run,
    violated,
)
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, Matrix, enclose
from theorems.network.labelled import LABELS
from theorems.network.letters import HERE
from theorems.setting.constants import B, Delta_0, Z_size, epsilon, threshold
from theorems.setting.experiment import Experiment
from theorems.setting.notation import m, tau
from theorems.setting.study import OUT_OF_DOMAIN_DEVIATION, OUT_OF_DOMAIN_MEAN, stream
from theorems.setting.tail import x_delta
from verify.certify import balls, evaluate
from verify.certify.balls import NotPositiveDefiniteError, as_float64
from verify.certify.compare import bound_of, upper
from verify.certify.norms import frobenius_norm, largest, spectral_norm, sum_of_squares
from verify.claim import Assumption, Bound
from verify.prove.inequalities.quantity import norm

PROMPTS = 100  # half with tasks from the training law, half out of domain, shortened to ‖λ‖ ≤ B
SWEEPS = 200  # of alternating maximisation; whatever prompt it stops at is an admissible one
INSIDE = 1 - 2.0**-40  # keeps rounded prompts inside the sets that they shall be on the boundary of
FEWEST_STEPS = 100  # an instance for which not even these are within reach is not looked at: ζ₀ alone takes long
MOST_STEPS = 4000  # on the literal instance, about half a minute; where T is more, none is made
BITS = 128  # of T and its ingredients

label_size = sp.Symbol("‖y‖", nonnegative=True)  # a number, where the norm of a letter has none


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What Theorem 2 is asked for: error `epsilon`, probability `delta` of missing it, tasks up to norm `B`.

    `ratio` is by what it states the gap has to fall, `error` its bound on (1/2K)‖ŷ − ŷ*‖² in ‖y‖.
    """

    epsilon: float
    delta: float
    B: float
    ratio: Any
    error: Any


def conclusion(experiment: Experiment, promise: Promise) -> Iterator[Assumption | Bound]:
    """After exactly the T steps that the theorem asks for, every prompt's answer is within ε of ridge regression."""
    run = _run_of(experiment, promise)
    yield from hypotheses(run)
    if violated(run) and not run.forced:
        return
    needed = guaranteed_steps(run, promise)
    if math.isinf(needed):
        told = f"{run.name}: η_wζ₀/2K is not certainly between 0 and 1, so no number of steps is promised"
        yield Assumption(name="rate", margin=0.0, meaning=told, elsewhere=run.elsewhere)
        return
    trajectory = descend(run)
    told = f"T = {needed} for ε = {promise.epsilon:g}, δ = {promise.delta:g}, B = {promise.B:g}"
    yield bound_of(
        f"T steps made, {run.name}",
        [flint.arb(needed)],
        [flint.arb(trajectory.reached, max(0, needed - trajectory.reached))],
        f"{told}; {_followed(trajectory, needed)}",
        elsewhere=run.elsewhere,
        quantities={"T": needed, "steps": trajectory.reached, "bits": trajectory.bits},
    )
    if trajectory.reached >= needed:
        with flint.ctx.workprec(trajectory.bits):
            for found in conclude_at(run, trajectory, promise):
                yield replace(found, elsewhere=run.elsewhere)


def _followed(trajectory: Trajectory, needed: int | float) -> str:
    """What was made of the T steps."""
    if needed > MOST_STEPS:
        return f"more than {MOST_STEPS} steps are not followed"
    return f"{trajectory.reached} certified with {trajectory.bits} bits"


def guaranteed_steps(run: DescentRun, promise: Promise) -> int | float:
    """T of Theorem 2: the least number of steps after which Theorem 1's bound on the gap is small enough.

    Infinite where the bound does not certainly fall.

    Raises:
        verify.certify.balls.NotPositiveDefiniteError: ζ₀ is not certified, so there is no rate.
    """
    with flint.ctx.workprec(BITS):
        enclosed = enclose(run.problem)
        start = enclosed.gap(enclosed.mixture_of(run.problem))
        steps = upper(_ratio(run, promise, start).log() / -(-run.prescription.rate).log1p())
    return max(0, math.ceil(steps)) if math.isfinite(steps) else math.inf


def _ratio(run: DescentRun, promise: Promise, gap: Ball) -> Ball:
    """By what the gap has to fall from a given one, as stated; at 1 it makes ‖y‖²Δ/(mτ) at most ε."""
    data = run.problem.instance
    return evaluate(
        promise.ratio,
        {
            B: flint.arb(promise.B),
            Z_size: spectral_norm(balls(data.features[: data.prompt_length])),
            tau: flint.arb(data.noise),
            m: data.feature_count,
            epsilon: flint.arb(promise.epsilon),
            Delta_0: gap,
            threshold: x_delta(data.prompt_length, promise.delta),
        },
    )


def _run_of(experiment: Experiment, promise: Promise) -> DescentRun:
    """T steps on the experiment's own instance if they are within reach, else on the literal one, with its factors."""
    own, literal = own_run(experiment), replace(literal_run(experiment), **asked(experiment))
    affordable = min(STEPS, affordable_steps(own.problem, BUDGET))
    if own.problem == literal.problem:
        return replace(own, steps=_within_reach(guaranteed_steps(own, promise)))
    if affordable >= FEWEST_STEPS:
        try:
            needed = guaranteed_steps(own, promise)
        except NotPositiveDefiniteError:
            return replace(own, steps=0, forced=False)
        if needed <= affordable:
            return replace(own, steps=int(needed))
    return replace(literal, steps=_within_reach(guaranteed_steps(literal, promise)))


def _within_reach(needed: int | float) -> int:
    """T where it is within reach; nothing is concluded before T, so otherwise no step is made."""
    return int(needed) if needed <= MOST_STEPS else 0


def conclude_at(run: DescentRun, trajectory: Trajectory, promise: Promise) -> Iterator[Bound]:
    """The conclusion at the end of the run: for all prompts at once, for the worst one, and for sampled ones."""
    data, enclosed = run.problem.instance, enclose(run.problem)
    features, noise_level = balls(data.features[: data.prompt_length]), flint.arb(data.noise)  # Zᵀ, N × m
    learned = enclosed.mixture(enclosed.attention(trajectory.queries), trajectory.weights)
    error = (learned - enclosed.a_hat).transpose()  # ŷ − ŷ* = (Ã − Â)ᵀ y
    reach = (noise_level * x_delta(data.prompt_length, promise.delta)).sqrt()  # ‖n‖ ≤ reach · ‖λ‖
    supremum = (promise.B * (spectral_norm(error * features) + reach * spectral_norm(error))) ** 2 / (2 * enclosed.K)
    enough = next((moment.step for moment in trajectory.moments if _ratio(run, promise, moment.gap) <= 1), None)
    yield bound_of(
        f"every prompt, {run.name}",
        [supremum],
        [flint.arb(promise.epsilon)],
        f"(1/2K)‖ŷ − ŷ*‖² against ε; T = {trajectory.reached}, the gap is small enough after {enough} steps",
        quantities={"T": trajectory.reached} | ({} if enough is None else {"enough": enough}),
    )
    task, noise = _worst_prompt(error, features, float(reach.mid()), promise.B)
    length = frobenius_norm(balls(task))
    told = "nearly attained"
    yield bound_of("the worst prompt found has ‖λ‖ ≤ B", [length], [flint.arb(promise.B)], told)
    yield bound_of("and ‖n‖ ≤ ‖λ‖√(τx_δ)", [frobenius_norm(balls(noise))], [reach * length], told)
    found = _loss(error, features * balls(task) + balls(noise))
    yield bound_of("the worst prompt found", [found], [supremum], "against what holds for every prompt")
    prompts = [features * balls(task) + balls(noise) for task, noise in sampled_prompts(run, promise)]
    losses = [_loss(error, y) for y in prompts]
    yield bound_of(f"{len(prompts)} sampled prompts", [largest(losses)], [flint.arb(promise.epsilon)], "against ε")
    known = {m: data.feature_count, tau: noise_level, HERE.gap: enclosed.gap(learned)}
    stated, size = promise.error.subs(norm(LABELS), label_size), (frobenius_norm(y) for y in prompts)
    allowed = [evaluate(stated, known | {label_size: length}) for length in size]
    yield bound_of("(1/2K)‖ŷ − ŷ*‖² ≤ ‖y‖²Δ/(mτ), sampled prompts", losses, allowed, "λ_min(Z̄²) ≥ mτ")


def _loss(error: Matrix, labels: Matrix) -> Ball:
    """(1/2K)‖ŷ − ŷ*‖² for prompt labels (N × 1)."""
    return sum_of_squares((error * labels).entries()) / (2 * error.nrows())


def _worst_prompt(
    error: Matrix, features: Matrix, reach: float, B: float
) -> tuple[Float[ndarray, "m 1"], Float[ndarray, "N 1"]]:
    """λ and n of a prompt with a large error, just inside ‖λ‖ ≤ B and ‖n‖ ≤ reach ‖λ‖, by alternating maximisation."""
    scaled = error * (1 / frobenius_norm(error).mid())  # entries may be far below the range of float64
    E, Z = as_float64(scaled.mid())[0], as_float64(features)[0].T
    best = max((_ascended(E, Z, reach, column) for column in np.eye(len(Z))), key=lambda pair: pair[0])
    _, task, noise = best
    task = B * INSIDE * _unit(task)
    noise = reach * np.linalg.norm(task) * INSIDE * _unit(noise)
    return task[:, None], noise[:, None]


def _unit(vector: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """The vector at length 1; one that vanishes stays."""
    length = np.linalg.norm(vector)
    result: ndarray = vector / length if length else vector
    return result


def _ascended(
    E: Float[ndarray, "K N"], Z: Float[ndarray, "m N"], reach: float, task: Float[ndarray, " m"]
) -> tuple[float, Float[ndarray, " m"], Float[ndarray, " N"]]:
    """‖E(Zᵀλ + n)‖ and its λ and n after alternately aligning them with its gradient, from a unit vector λ."""
    noise = np.zeros(Z.shape[1])
    for _ in range(SWEEPS):
        pull = E.T @ (E @ (Z.T @ task + noise))
        task, noise = _unit(Z @ pull), reach * _unit(pull)
    return float(np.linalg.norm(E @ (Z.T @ task + noise))), task, noise


def sampled_prompts(run: DescentRun, promise: Promise) -> Iterator[tuple[Float[ndarray, "m 1"], Float[ndarray, "N 1"]]]:
    """λ with ‖λ‖ ≤ B and label noise N(0, τ‖λ‖²I) inside the event of probability at least 1 − δ."""
    data, rng = run.problem.instance, stream(0, "conclusion")
    with flint.ctx.workprec(BITS):
        reach = float((flint.arb(data.noise) * x_delta(data.prompt_length, promise.delta)).sqrt().mid()) * INSIDE
    for number in range(PROMPTS):
        task = rng.standard_normal((data.feature_count, 1))
        if number % 2:
            task = OUT_OF_DOMAIN_MEAN + OUT_OF_DOMAIN_DEVIATION * task
        task *= min(1.0, promise.B * INSIDE / float(np.linalg.norm(task)))
        noise = np.sqrt(data.noise) * np.linalg.norm(task) * rng.standard_normal((data.prompt_length, 1))
        noise *= min(1.0, reach * float(np.linalg.norm(task) / np.linalg.norm(noise)))
        yield task, noise
