"""Gradient descent in balls with the step sizes of Theorem 1: the exact trajectory from float64 data, enclosed.

Radii grow by about half a bit per step; a run that loses its accuracy is repeated with more bits, and
what is still open then is reported as the number of steps that were reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import flint
import sympy as sp

from theorems.descent.prescription import DECREASE, THEOREM_1, Prescription, Required, prescribe
from theorems.network.enclosed import Ball, Enclosed, Matrix, Problem, by_token, enclose, least_eigenvalues
from verify.certify import balls
from verify.certify.norms import frobenius_norm, largest, smallest, sum_of_squares
from verify.certify.precision import until_decided

ACCURACY = 32  # bits of the gap below which a step is not counted as known
QUARTER_BITS = 3  # per step; the literal instance loses two
LIMIT = 4096  # bits
EIGENVALUE_STEPS = 10  # λ_min(B_kB_kᵀ) itself is enclosed at about this many steps; between them drift bounds it


@dataclass(frozen=True, kw_only=True)
class DescentRun:
    """A run and what is claimed of it; factors other than 1 and another source of the constants are defects.

    The constants are those of `prescribed_for` (of the problem itself if None) by the formulas `required`.
    `gamma_factor` multiplies γ, `step_factor` the step 1/L, `rate_factor` the stated relative `decrease` of Δ in one
    step. With `frozen` Q keeps its start; `forced`: the run is made even where a hypothesis fails. `note` is said of
    the number of steps. `elsewhere` names the instance where it is not the one that was asked for.
    """

    name: str
    problem: Problem
    steps: int
    prescribed_for: Problem | None = None
    required: Required = THEOREM_1
    gamma_factor: float = 1.0
    step_factor: float = 1.0
    decrease: sp.Expr = DECREASE
    rate_factor: float = 1.0
    frozen: bool = False
    forced: bool = False
    note: str = ""
    elsewhere: str = ""

    @property
    def prescription(self) -> Prescription:
        """The theorem's numbers.

        Raises:
            verify.certify.balls.NotPositiveDefiniteError: there are none because ζ₀ is not certified.
        """
        problem = self.prescribed_for or self.problem
        factors = {"gamma_factor": self.gamma_factor, "step_factor": self.step_factor}
        return prescribe(problem, required=self.required, **factors)

    @property
    def rate(self) -> Ball:
        """By what part of itself Δ is claimed to decrease in one step, or more."""
        return self.rate_factor * self.prescription.decrease(self.decrease)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Step t: the gap, max |w_hk|, ‖w‖_F, ‖Q − Q⁽⁰⁾‖_F, max_k ‖B_k − B_k⁽⁰⁾‖_F, ‖∇ℓ‖² in the variables of Lemma 6.

    At selected steps also min_k λ_min(B_kB_kᵀ), None elsewhere and where the rank is open.
    """

    step: int
    gap: Ball
    weight: Ball
    weights: Ball
    turned: Ball
    drift: Ball
    slope: Ball
    least: Ball | None


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """The steps that are known to `ACCURACY` bits, from 0 on; the parameters reached; the bits it took."""

    moments: tuple[Moment, ...]
    queries: list[Matrix] = field(repr=False)
    weights: list[list[Ball]] = field(repr=False)
    bits: int

    @property
    def reached(self) -> int:
        """The last step that is known."""
        return len(self.moments) - 1


@lru_cache(maxsize=16)
def descend(run: DescentRun) -> Trajectory:
    """Make the run with as many bits as it takes, within `LIMIT`.

    Raises:
        verify.certify.balls.NotPositiveDefiniteError: the theorem prescribes no step sizes, ζ₀ is not certified.
    """
    run.prescription  # noqa: B018  what is missing at every precision is found out before any is tried
    bits = 64 + QUARTER_BITS * run.steps // 4
    attempt = until_decided(
        lambda: _made(run), lambda made: made.reached == run.steps, bits=bits, limit=max(LIMIT, bits)
    )
    if attempt.value is None:
        return Trajectory(moments=(), queries=[], weights=[], bits=attempt.bits)
    return attempt.value


def _made(run: DescentRun) -> Trajectory:
    """The trajectory at flint's precision, up to the last step whose gap is known."""
    prescription, enclosed = run.prescription, enclose(run.problem)
    eta_Q, eta_w = flint.arb(prescription.step_queries), prescription.step_weights
    queries, weights = [balls(query) for query in run.problem.queries], balls(run.problem.weights).tolist()
    first, start = queries, None
    moments: list[Moment] = []
    every = max(1, run.steps // EIGENVALUE_STEPS)
    for step in range(run.steps + 1):
        attention = enclosed.attention(queries)
        mixings = [enclosed.z_bar * C for C in by_token(attention)]
        start = mixings if start is None else start
        mixture = enclosed.mixture(attention, weights)
        gap = enclosed.gap(mixture)
        if not gap.is_finite() or gap.rel_accuracy_bits() < ACCURACY:
            break
        by_queries, by_weights = enclosed.gradients(attention, weights, mixture)
        moments.append(
            Moment(
                step=step,
                gap=gap,
                weight=largest(abs(w) for row in weights for w in row),
                weights=frobenius_norm(flint.arb_mat(weights)),
                turned=_length(now - then for now, then in zip(queries, first, strict=True)),
                drift=largest(frobenius_norm(now - then) for now, then in zip(mixings, start, strict=True)),
                slope=_squared_slope(prescription, by_queries, by_weights),
                least=_least(mixings, enclosed) if step % every == 0 else None,
            )
        )
        if step == run.steps:
            break
        if not run.frozen:
            queries = [Q - slope * eta_Q for Q, slope in zip(queries, by_queries, strict=True)]
        pairs = zip(weights, by_weights, strict=True)
        weights = [[w - eta_w * g for w, g in zip(*rows, strict=True)] for rows in pairs]
    return Trajectory(moments=tuple(moments), queries=queries, weights=weights, bits=flint.ctx.prec)


def _length(parts: Iterable[Matrix]) -> Ball:
    """The Frobenius norm of several matrices together."""
    return sum((sum_of_squares(part.entries()) for part in parts), flint.arb(0)).sqrt()


def _squared_slope(prescription: Prescription, by_queries: Sequence[Matrix], by_weights: Sequence[list[Ball]]) -> Ball:
    """‖∇ℓ‖² in the variables (Q, α = w/γ), where ∂ℓ/∂α = γ ∂L/∂w (Lemma 6)."""
    queries = sum((sum_of_squares(slope.entries()) for slope in by_queries), flint.arb(0))
    weights = sum((sum_of_squares(row) for row in by_weights), flint.arb(0))
    return queries + flint.arb(prescription.gamma) ** 2 * weights


def _least(mixings: Sequence[Matrix], enclosed: Enclosed) -> Ball | None:
    """min_k λ_min(B_kB_kᵀ); None if the rank is open or too small."""
    if mixings[0].nrows() > mixings[0].ncols():
        return None
    one = flint.arb_mat([[int(i == j) for j in range(mixings[0].nrows())] for i in range(mixings[0].nrows())])
    try:
        return smallest(least_eigenvalues(mixings, one))
    except ArithmeticError:
        return None
