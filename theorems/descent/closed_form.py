"""The gap with Q at its start as a sum of exponentials for any t, and a rigorous bound on what that neglects.

M_k = ŪΛŪᵀ, close to B_kB_kᵀ, has float64 eigenvalues Λ exactly; Ū = U(UᵀU)^{-1/2} for nearly orthogonal U, and
c_k = Ūᵀδ_k(0) is enclosed. Then δ̄_k(t) = (I − (η_w/K)M_k)ᵗ δ_k(0) has (1/2K) Σ_k ‖δ̄_k(t)‖² = (1/2K) Σ c²(1 − η_wλ/K)²ᵗ,
and the distance of M_k to B_kB_kᵀ is one more thing that is neglected. The bound is derived in `theorems.long_run`,
which gives the formulas.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import flint
import numpy as np

from theorems.descent import motion
from theorems.descent.prescription import BITS
from theorems.descent.trajectory import DescentRun
from theorems.network.enclosed import Ball, Enclosed, Matrix, Problem, by_token, enclose
from theorems.setting.constants import f_max, gamma
from verify.certify import balls, evaluate
from verify.certify.balls import NotPositiveDefiniteError
from verify.certify.norms import frobenius_norm, largest

STEPS_PER_OCTAVE = 4  # of the grid; sums over t are bounded cell by cell, too large by at most 2^{1/4}
HORIZON = 4.0  # times the steps that Theorem 1 needs for a gap 1000 times smaller
FARTHEST = 1e30  # steps; a power of a ball with `BITS` bits still has 28 of them
ROUNDS = 200  # of the search for a fixed point
INFLATION = 1 + 2.0**-10


@dataclass(frozen=True, kw_only=True, eq=False)
class Modes:
    """All eigenvalues λ of all M_k, the squares of the coordinates c, and what bounds the motion of Q.

    `defect` ≥ ‖B_kB_kᵀ − M_k‖ for every k, and `reach` = f̄_max max_i‖v_i‖ max_k‖v_k‖, which is f̄_max for unit tokens.
    """

    eigenvalues: tuple[Ball, ...]
    squares: tuple[Ball, ...]
    defect: Ball
    reach: Ball
    K: int

    @cached_property
    def least(self) -> Ball:
        return flint.arb(min(float(value) for value in self.eigenvalues))

    @cached_property
    def most(self) -> Ball:
        return flint.arb(max(float(value) for value in self.eigenvalues))


@dataclass(frozen=True, kw_only=True)
class Formulas:
    """κ, and the bounds on ‖Q − Q⁽⁰⁾‖ and ‖w‖ at the next step, in the symbols of `theorems.descent.motion`."""

    loss: Any
    queries: Any
    weights: Any


@dataclass(frozen=True, kw_only=True)
class Movement:
    """‖Q − Q⁽⁰⁾‖ ≤ `queries` and ‖w‖ ≤ `weights` up to t give at most `next_queries` and `next_weights` at t + 1.

    `loss` is κ: the remainder of the recursion is at most (η_w/K) κ ‖δ‖.
    """

    queries: Ball
    weights: Ball
    next_queries: Ball
    next_weights: Ball
    loss: Ball

    @property
    def closes(self) -> bool:
        """Whether the bounds hold for every t, by induction."""
        return bool(self.next_queries <= self.queries and self.next_weights <= self.weights)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClosedForm:
    """√Δ̄(t), with Q at its start, at the `times` (0 first); and `neglect` ≥ |√Δ − √Δ̄| there, if the motion closes."""

    run: DescentRun
    formulas: Formulas
    modes: Modes
    exponent: float
    times: tuple[int, ...]
    roots: tuple[Ball, ...]
    movement: Movement | None
    neglect: tuple[Ball, ...] = ()

    @property
    def step(self) -> Ball:
        """η_w/K."""
        return self.run.prescription.step_weights / self.modes.K

    @property
    def factor(self) -> Ball:
        """p + ε, by which ‖δ‖ shrinks at least in every step."""
        assert self.movement is not None  # asked of runs whose motion closes
        return 1 - self.step * (self.modes.least - self.movement.loss)

    def root(self, t: int) -> Ball:
        """√Δ̄(t)."""
        powers = (flint.arb(1) - self.step * value for value in self.modes.eigenvalues)
        power = int(self.exponent * t)
        parts = (square * base**power for square, base in zip(self.modes.squares, powers, strict=True))
        return (sum(parts, flint.arb(0)) / (2 * self.modes.K)).nonnegative_part().sqrt()

    def at(self, t: int) -> tuple[Ball, Ball]:
        """√Δ̄(t) and the bound on what it neglects, at any t."""
        j = bisect_right(self.times, t) - 1
        return self.root(t), self._onward(self.neglect[j], self.roots[j], t - self.times[j])

    def steps_to(self, factor: float) -> tuple[float, float]:
        """Steps after which Δ is perhaps, and certainly, `factor` times smaller than at first; it never increases."""
        level = self.roots[0] / flint.arb(factor).sqrt()
        return (
            self._first(lambda root, n: not root - n > level),
            self._first(lambda root, n: bool(root + n <= level)),
        )

    def _first(self, holds: Callable[[Ball, Ball], bool]) -> float:
        """Some t > 0 at which `holds(√Δ̄, neglect)` but not at t − 1; infinite beyond the grid."""
        pairs = zip(self.roots, self.neglect, strict=True)
        j = next((j for j, pair in enumerate(pairs) if j and holds(*pair)), None)
        if j is None:
            return float("inf")
        low, high = self.times[j - 1], self.times[j]
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(*self.at(middle)) else (middle, high)
        return float(high)

    def with_neglect(self) -> ClosedForm:
        """n(0) = 0 and n(t + 1) = (p + ε) n(t) + ε √Δ̄(t), from one grid point to the next."""
        found = [flint.arb(0)]
        for j in range(len(self.times) - 1):
            found.append(self._onward(found[-1], self.roots[j], self.times[j + 1] - self.times[j]))
        return replace(self, neglect=tuple(found))

    def _onward(self, neglect: Ball, root: Ball, steps: int) -> Ball:
        """Since √Δ̄(t + i) ≤ pⁱ √Δ̄(t), what a cell adds is at most the sum of ε (p + ε)^{steps−1−i} pⁱ √Δ̄(t)."""
        shrunk, frozen = self.factor**steps, (1 - self.step * self.modes.least) ** steps
        return (shrunk * neglect + (shrunk - frozen) * root).upper()


def closed_form(
    run: DescentRun, formulas: Formulas, exponent: float = 2.0, by_features: bool = True
) -> ClosedForm | None:
    """The trajectory; None where w⁽⁰⁾ ≠ 0, there are no step sizes, or no bound on the motion closes.

    Use its balls at `BITS` bits. A control takes another exponent than 2t, or M_k close to C_kC_kᵀ.
    """
    if np.any(run.problem.weights):
        return None
    try:
        found = _computed(run, formulas, exponent, by_features)
    except NotPositiveDefiniteError:  # the theorem prescribes no step sizes, ζ₀ is not certified
        return None
    return found if found.neglect else None


@lru_cache(maxsize=8)
def _computed(run: DescentRun, formulas: Formulas, exponent: float, by_features: bool) -> ClosedForm:
    guaranteed = run.prescription.guaranteed_steps(1e3)
    with flint.ctx.workprec(BITS):
        modes = _modes(run.problem, by_features)
        times = _grid(run.steps, HORIZON * guaranteed)
        form = ClosedForm(
            run=run, formulas=formulas, modes=modes, exponent=exponent, times=times, roots=(), movement=None
        )
        form = replace(form, roots=tuple(form.root(t) for t in times))
        form = replace(form, movement=_movement(form))
        return form.with_neglect() if form.movement is not None and form.movement.closes else form


def _grid(every: int, horizon: float) -> tuple[int, ...]:
    """0, every step up to `every`, then four in each octave to beyond the horizon."""
    octaves = np.log2(horizon) if horizon < FARTHEST else np.log2(FARTHEST)
    points = 2 ** (np.arange(int(np.ceil(octaves * STEPS_PER_OCTAVE)) + 1) / STEPS_PER_OCTAVE)
    return tuple(sorted({*range(every + 1), *(int(point) for point in points)}))


@lru_cache(maxsize=8)
def _modes(problem: Problem, by_features: bool) -> Modes:
    """At `BITS` bits."""
    enclosed = enclose(problem)
    targets = (enclosed.z_bar * enclosed.a_hat).transpose().tolist()
    attention = enclosed.attention_of(problem)
    eigenvalues: list[Ball] = []
    squares: list[Ball] = []
    defects = []
    for target, mixing in zip(targets, by_token(attention), strict=True):
        B = enclosed.z_bar * mixing if by_features else mixing
        values, coordinates, defect = _decomposed(B * B.transpose(), flint.arb_mat([[-x] for x in target]))
        eigenvalues += values
        squares += [(c * c).nonnegative_part() for c in coordinates]
        defects.append(defect)
    return Modes(
        eigenvalues=tuple(eigenvalues),
        squares=tuple(squares),
        defect=largest(defects),
        reach=_reach(enclosed),
        K=enclosed.K,
    )


def _decomposed(gram: Matrix, vector: Matrix) -> tuple[list[Ball], list[Ball], Ball]:
    """Λ, Ūᵀ·vector and a bound on ‖gram − ŪΛŪᵀ‖.

    With G = UᵀU, g ≥ ‖G − I‖ ≤ ½ and R = gram·U − UΛ: gram·Ū − ŪΛ = RG^{-1/2} + U(ΛG^{-1/2} − G^{-1/2}Λ), where
    ‖G^{-1/2}‖ ≤ 1 + g, ‖G^{-1/2} − I‖ ≤ g and ‖U‖ ≤ 1 + g.
    """
    values, vectors = np.linalg.eigh(np.array(gram.mid().tolist(), dtype=float))
    U, identity = balls(vectors), balls(np.eye(len(values)))
    U = (U * (3 * identity - U.transpose() * U) / 2).mid()  # orthogonal to twice as many digits
    g = frobenius_norm(U.transpose() * U - identity)
    residual = frobenius_norm(gram * U - U * balls(np.diag(values)))
    coordinates = U.transpose() * vector
    error = (g * frobenius_norm(coordinates)).upper() if g < 0.5 else flint.arb("inf")
    defect = ((1 + g) * (residual + 2 * g * float(np.abs(values).max()))).upper()
    return [flint.arb(x) for x in values], [c + flint.arb(0, error) for c in coordinates.entries()], defect


def _reach(enclosed: Enclosed) -> Ball:
    """f̄_max max_i‖v_i‖ max_k‖v_k‖."""
    sizes = [
        largest(frobenius_norm(flint.arb_mat([list(row)])) for row in rows.tolist())
        for rows in (enclosed.z_bar.transpose(), enclosed.prompt, enclosed.tokens.transpose())
    ]
    return (sizes[0] * sizes[1] * sizes[2]).upper()


def _movement(form: ClosedForm) -> Movement | None:
    """A fixed point of the induction over t, searched for from below; None if there is none to be found."""
    modes, step = form.modes, form.step
    if not (modes.least > 0 and step * modes.most <= 1):
        return None
    width, p = flint.arb(2 * modes.K).sqrt(), 1 - step * modes.least  # ‖δ‖ = √(2K) √Δ
    cells = zip(form.times, form.times[1:], form.roots, strict=False)
    path = sum((root * (1 - p ** (after - before)) for before, after, root in cells), form.roots[-1])
    path = (path * width / modes.least).upper()  # (η_w/K) Σ_s ‖δ̄(s)‖, since η_w/K = (1 − p)/λ
    pairs = zip(modes.squares, modes.eigenvalues, strict=True)
    limit = sum((square / value for square, value in pairs), flint.arb(0)) * (1 + modes.defect / modes.least)
    assumed = flint.arb(0), limit.sqrt().upper()
    for _ in range(ROUNDS):
        found = _next(form, path, limit.sqrt(), *assumed)
        if found is None or found.closes:
            return found
        assumed = (found.next_queries * INFLATION).upper(), (found.next_weights * INFLATION).upper()
    return found


def _next(form: ClosedForm, path: Ball, limit: Ball, q: Ball, W: Ball) -> Movement | None:
    """One round: from the bounds at steps up to t to those at t + 1."""
    modes, f, scale = form.modes, form.modes.reach, flint.arb(form.run.prescription.gamma)
    values = {
        motion.B_norm: (modes.most + modes.defect).sqrt(),
        motion.b: f * q,
        motion.W: W,
        f_max: f,
        gamma: scale,
        motion.defect: modes.defect,
        motion.S: path,
        motion.limit: limit,
    }
    loss = evaluate(form.formulas.loss, values).upper()
    if not loss < modes.least:
        return None
    rho = loss / modes.least
    values |= {motion.rho: rho, motion.room: 1 - rho}
    queries, weights = (evaluate(formula, values).upper() for formula in (form.formulas.queries, form.formulas.weights))
    return Movement(queries=q, weights=W, next_queries=queries, next_weights=weights, loss=loss)
