"""Theorem 1's own descent, certified: the checks of runs with the prescribed step sizes in ball arithmetic.

With γ, L, η_Q and η_w computed in balls from the certified ζ₀, ‖Z̄‖, f̄_max and Δ⁽⁰⁾, gradient descent has
Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ at every step t of the run, and the statements of the proof's induction hold along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import flint
import numpy as np

from numerics.measure import UNIT_ROUNDOFF
from theorems.descent.float_descent import float_descent, gap_error
from theorems.descent.prescription import THEOREM_1
from theorems.descent.runs import (
    SHORT_BUDGET,
    SHORT_STEPS,
    affordable_steps,
    bound_on,
    hypotheses,
    literal_problem,
    violated,
)
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, largest_rank
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.compare import lower, midpoints
from verify.claim import Assumption, Bound

DIGITS_PER_STEP = 0.1  # of the gap on the literal instance, where sharp_rate gives −2 log₁₀(1 − η_wζ₀/K) = 0.105
FLOAT_STEPS = 1500


@runtime_checkable
class Followed(Protocol):
    """What these checks look at: the runs that are made."""

    @property
    def runs(self) -> tuple[DescentRun, ...]: ...


def certify_descent(subject: Followed) -> Iterator[Assumption | Bound]:
    """With the theorem's own step sizes the gap lies under its bound at every step, in ball arithmetic."""
    for run in subject.runs:
        yield from hypotheses(run)
        trajectory = _descend(run)
        if trajectory is None:
            continue
        yield _steps_known(run, trajectory)
        if trajectory.moments:
            with flint.ctx.workprec(trajectory.bits):
                yield from _falls(run, trajectory)


def _falls(run: DescentRun, trajectory: Trajectory) -> Iterator[Bound]:
    gaps, bits, t = [moment.gap for moment in trajectory.moments], trajectory.bits, trajectory.reached
    yield bound_on(
        run,
        "Δ⁽ᵗ⁾ ≤ (1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾",
        gaps[1:],
        _bounds(run, gaps[0], len(gaps))[1:],
        f"certified with {bits} bits to t = {t}, gap {gaps[-1].str(3, radius=False)}{run.note}",
        steps=np.arange(1, len(gaps)),
        quantities=_quantities(run, trajectory),
    )
    if _is_literal(run) and t >= SHORT_STEPS:
        factor = flint.arb(10) ** int(t * DIGITS_PER_STEP)
        name = f"the gap falls by {factor.str(2, radius=False)}"
        reason, known = "asymptotic rate, sharp_rate", {"factor": float(factor.mid())}
        yield bound_on(run, name, [gaps[-1] * factor], [gaps[0]], reason, quantities=known)


def certify_induction(subject: Followed) -> Iterator[Assumption | Bound]:
    """At every step the weights, the drift of B_k, λ_min(B_kB_kᵀ) and the gradient obey the proof's induction."""
    for run in subject.runs:
        N, most = run.problem.sizes[0], largest_rank(run.problem)
        yield Assumption(
            name="N ≤ rank B_k",
            margin=flint.arb(most - N + 1),
            meaning=f"{run.name}: different tokens and heads",
            elsewhere=run.elsewhere,
        )
        yield from violated(run)
        trajectory = _descend(run)
        if trajectory is not None and trajectory.moments:
            with flint.ctx.workprec(trajectory.bits):
                yield from _induction(run, trajectory)


def measure_descent(subject: Followed) -> Iterator[Assumption | Bound]:
    """In float64 the gap stays under the bound as far as rounding lets one tell."""
    for run in subject.runs:
        yield from violated(run)
        trajectory = _descend(run)
        if trajectory is not None and trajectory.moments:
            yield _falls_in_float64(run, trajectory.moments[0].gap)


def _falls_in_float64(run: DescentRun, start: Ball) -> Bound:
    with flint.ctx.workprec(128):
        rate, first = 1 - run.rate, lower(start)
        bounds = midpoints([first * rate**t for t in range(_float_steps(run) + 1)])
    kept: list[tuple[float, float, float]] = []
    told = ""
    for bound, (gap, away) in zip(bounds, float_descent(run), strict=False):
        error = gap_error(run, bound, away)
        if kept and bound <= 4 * error:
            told = ", below it nothing is decided"
            break
        kept.append((gap, bound, error + 4 * UNIT_ROUNDOFF * bound))
    (gaps, bounds, errors), last = np.array(kept).T, len(kept) - 1
    return Bound(
        name=f"Δ⁽ᵗ⁾ in float64, {run.name}",
        observed=gaps[1:],
        bound=bounds[1:],
        rounding=errors[1:],
        reason=f"t ≤ {last}, rounding floor {errors[last]:.1g}{told}",
        x=np.arange(1, last + 1),
        x_label="step t",
        elsewhere=run.elsewhere,
        quantities={"steps": last, "rounding_floor": float(errors[last])},
    )


def _quantities(run: DescentRun, trajectory: Trajectory) -> dict[str, int | float]:
    """The numbers of the run that sentences speak of."""
    prescription = run.prescription
    return {
        "gap_initial": float(trajectory.moments[0].gap.mid()),
        "gap_final": float(trajectory.moments[-1].gap.mid()),
        "zeta0": float(prescription.zeta_0.mid()),
        "gamma": prescription.gamma,
        "gamma_required": float(prescription.required_gamma.mid()),
        "step_queries": prescription.step_queries,
        "step_weights": float(prescription.step_weights.mid()),
        "smoothness": float(prescription.L.mid()),
        "rate": float(prescription.rate.mid()),
        "steps_guaranteed": prescription.guaranteed_steps(1e3),
        "steps": trajectory.reached,
        "bits": trajectory.bits,
    }


def _is_literal(run: DescentRun) -> bool:
    """The literal instance with the step sizes of Theorem 1."""
    own = run.required == THEOREM_1 and run.gamma_factor == run.step_factor == 1
    return own and run.problem == literal_problem(run.problem.limit)


def _descend(run: DescentRun) -> Trajectory | None:
    """The trajectory, or None where the theorem prescribes no step sizes or says nothing, unless the run is forced."""
    if violated(run) and not run.forced:
        return None
    try:
        return descend(run)
    except NotPositiveDefiniteError:
        return None


def _steps_known(run: DescentRun, trajectory: Trajectory) -> Bound:
    """Every step was certified; where precision ran out, the rest is undecided."""
    missing = run.steps - trajectory.reached
    return bound_on(
        run,
        "steps certified",
        [flint.arb(run.steps)],
        [flint.arb(trajectory.reached, missing)],
        f"{trajectory.reached} of {run.steps} with {trajectory.bits} bits",
        quantities={"steps": trajectory.reached, "steps_asked": run.steps, "bits": trajectory.bits},
    )


def _bounds(run: DescentRun, start: Ball, count: int) -> list[Ball]:
    """(1 − η_wζ₀/2K)ᵗ Δ⁽⁰⁾ for t = 0, 1, …."""
    factor, bounds = 1 - run.rate, [start]
    while len(bounds) < count:
        bounds.append(bounds[-1] * factor)
    return bounds


def _induction(run: DescentRun, trajectory: Trajectory) -> Iterator[Bound]:
    prescription, moments = run.prescription, trajectory.moments
    gamma, zeta, source = flint.arb(prescription.gamma), prescription.zeta_0, run.required.source
    x = np.array([moment.step for moment in moments])
    every: list[tuple[str, list[Ball], list[Ball], str]] = [
        (
            "|α_hk| ≤ α",
            [m.weight / gamma for m in moments],
            [prescription.alpha] * len(x),
            f"α of the {source}",
        ),
        (
            "‖B_k − B_k⁽⁰⁾‖_F ≤ its bound",
            [m.drift for m in moments],
            [prescription.drift] * len(x),
            run.required.source,
        ),
        (
            "√(ζ₀/2) ≤ √λ_min(B_kB_kᵀ)",
            [(zeta / 2).sqrt()] * len(x),
            [zeta.sqrt() - m.drift for m in moments],
            "singular values move by at most the drift",
        ),
        (
            "(γ²ζ₀/K) Δ ≤ ‖∇ℓ‖²",
            [gamma**2 * zeta * m.gap / prescription.K for m in moments],
            [m.slope for m in moments],
            "the inequality of Polyak and Łojasiewicz",
        ),
    ]
    for name, observed, bound, reason in every:
        yield bound_on(run, name, observed, bound, reason, steps=x)
    drift, radius = [prescription.drift], [prescription.radius]
    yield bound_on(run, "drift bound ≤ (1 − 1/√2)√ζ₀", drift, radius, "choice of γ")
    chosen = [(moment.step, moment.least) for moment in moments if moment.least is not None]
    yield bound_on(
        run,
        "ζ₀/2 ≤ λ_min(B_kB_kᵀ)",
        [zeta / 2] * len(chosen),
        [least for _, least in chosen],
        "enclosed at selected steps",
        steps=np.array([step for step, _ in chosen]),
    )


def _float_steps(run: DescentRun) -> int:
    """Twenty times as many steps as the budget would pay for in balls, at most `FLOAT_STEPS`."""
    return max(run.steps, min(FLOAT_STEPS, affordable_steps(run.problem, 20 * SHORT_BUDGET)))
