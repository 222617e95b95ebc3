"""Lazy regime [B]: as γ grows Q stays where it started, and the weights find the minimum-norm solution.

With Q frozen, gradient descent from w⁽⁰⁾ = 0 obeys w_k⁺ − w_k* = (I − (η_w/K)B_kᵀB_k)(w_k − w_k*), with the solution
w_k* = B_k†Z̄â_k of B_kw = Z̄â_k that has the smallest norm, and stays orthogonal to ker B_k: it converges to w_k*.

With Q moving, η_Q = η_w/γ² is the only place where γ enters, and η_w tends to K/(H‖Z̄‖²) with an error of order
γ⁻². So one expects Q − Q⁽⁰⁾ and the limit of w − w* to be γ⁻² times a constant, up to terms of order γ⁻⁴. That is not
proved here for γ → ∞ but observed: from γ of Theorem 1 to 4 and 16 times that, on a literal instance, the order in γ
is asked to be −2 within 1/2 and 1/32.

Wrong if an identity leaves a remainder or an observed order misses −2 by more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from itertools import pairwise
from random import Random

import flint
import numpy as np
import sympy as sp

from theorems.descent.astray import weights_start_elsewhere
from theorems.descent.runs import (
    SHORT_BUDGET,
    affordable_steps,
    hypotheses,
    literal_run,
    run_here,
    run_within_reach,
    violated,
)
from theorems.descent.trajectory import DescentRun, Trajectory, descend
from theorems.network.enclosed import Ball, by_token, enclose
from theorems.network.problem import problem_of
from theorems.setting.constants import eta_w
from theorems.setting.defects import penalty_twice
from theorems.setting.experiment import Experiment
from theorems.setting.notation import Drawn, H, K, N, Sizes
from verify.certify import balls, evaluate
from verify.certify.compare import bound_of
from verify.certify.norms import frobenius_norm, sum_of_squares
from verify.claim import Argument, Assumption, Bound, Claim, Identity, Step, defect_of_subject, planted
from verify.prove import Equation, prove

STATEMENT = r"""
Q "fixed," quad w^((0)) = 0, quad "rank" B_k = N, quad eta_w norm(B_k)^2 <= K quad ==> quad
norm(w_k^((t)) - w_k^*) <= (1 - (eta_w zeta_0)/K)^t norm(w_k^*), quad
w_k^* = B_k^dagger overline(Z) hat(a)_k, \
"observed with" Q "moving, at" gamma, 4 gamma, 16 gamma": orders" -2 plus.minus 1/2 "and" -2 plus.minus 1/32
"in" gamma "of" norm(Q^((t)) - Q^((0))) "and" norm(w^((t)) - w^*)
"""

B = sp.MatrixSymbol("B", N, H)
w = sp.MatrixSymbol("w", H, 1)
n = sp.MatrixSymbol("n", H, 1)
u = sp.MatrixSymbol("u", N, 1)
a = sp.MatrixSymbol("a", N, 1)  # Z̄â_k
solution = sp.MatrixSymbol("w*", H, 1)

SOLUTION = B.T * (B * B.T).I * a
NEXT_ERROR = (w - solution) - eta_w / K * B.T * B * (w - solution)
ORDER = 2.0  # in 1/γ

GROWTH = 4.0  # from one γ to the next
RUNS = 3
STEPS = 240  # what w still lacks then is below (1 − η_wζ₀/K)²⁴⁰, about 10⁻¹³
DEVIATION = 0.5  # from order 2 between the first two γ; the next term falls like γ⁻², so by 16 from pair to pair


@dataclass(frozen=True)
class LazyRegime:
    """A run with Q frozen and one with Q moving; the order that is claimed of it, how γ grows, the power of BBᵀ in w*.

    Defects are planted on the `literal` instance, where all steps are affordable; there w may start at so much γ times
    a unit vector of the `kernel` of B_k.
    """

    experiment: Experiment
    _: KW_ONLY
    order: float | None = None
    growth: float = GROWTH
    power: int = -1
    literal: bool = False
    kernel: float = 0.0

    @cached_property
    def moving(self) -> DescentRun:
        """On an instance where the steps are known to suffice."""
        if self.kernel:
            return replace(weights_start_elsewhere(self.experiment, self.kernel), steps=STEPS)
        if self.literal:
            return literal_run(self.experiment, STEPS)
        return run_within_reach(self.experiment, STEPS, budget=0)

    @cached_property
    def frozen(self) -> DescentRun:
        """As many steps as are affordable here."""
        if self.literal or not self.moving.elsewhere:
            return replace(self.moving, frozen=True)
        affordable = affordable_steps(problem_of(self.experiment), SHORT_BUDGET)
        return replace(run_here(self.experiment, min(STEPS, max(1, affordable))), frozen=True)

    @property
    def solution(self) -> sp.MatrixExpr:
        """What is claimed to be w*."""
        return SOLUTION if self.power == -1 else B.T * sp.MatPow(B * B.T, self.power) * a


def derive_solution(subject: LazyRegime) -> Iterator[Identity]:
    """w* = Bᵀ(BBᵀ)⁻¹Z̄â solves Bw = Z̄â, has the smallest norm, and attracts gradient descent with Q frozen."""
    least = subject.solution
    yield prove("B w* = Z̄â", B * least, a)
    kernel = (Equation(B * n, sp.ZeroMatrix(N, 1), "n ∈ ker B"),)
    name = "w*ᵀn = 0, so ‖w* + n‖² = ‖w*‖² + ‖n‖²"
    yield prove(name, n.T * least, sp.ZeroMatrix(1, 1), premises=kernel, sample=_kernel)
    yield prove("Bᵀu is orthogonal to ker B", n.T * (B.T * u), sp.ZeroMatrix(1, 1), premises=kernel, sample=_kernel)
    moved = w - eta_w / K * B.T * (B * w - a)
    yield prove("w⁺ − w* = (I − (η_w/K)BᵀB)(w − w*)", moved - least, NEXT_ERROR.subs(solution, least))


def argue_convergence(subject: LazyRegime) -> Iterator[Argument]:
    """With Q frozen every step contracts the distance to w*."""
    yield Argument(
        name="‖w⁽ᵗ⁾ − w*‖ ≤ (1 − η_wζ₀/K)ᵗ ‖w*‖",
        steps=(
            Step(expression="w⁽ᵗ⁾ − w* is some B_kᵀu for every t", rule="so is w*, so is each step, and w⁽⁰⁾ = 0"),
            Step(
                expression="on the range of B_kᵀ the eigenvalues of B_kᵀB_k are those of B_kB_kᵀ: from ζ₀ to K/η_w",
                rule="the nonzero eigenvalues of XY and YX are the same; rank B_k = N",
            ),
        ),
    )


def _kernel(sizes: Sizes, rng: Random) -> Drawn:
    """B = (I, R) and n = (−Rv, v); None where B has no kernel."""
    rows, free = sizes[N], sizes[H] - sizes[N]
    if free < 1:
        return None
    R = [[rng.randint(-2, 2) for _ in range(free)] for _ in range(rows)]
    v = [rng.randint(-2, 2) for _ in range(free)]
    return {
        B: [[*(int(i == j) for j in range(rows)), *R[i]] for i in range(rows)],
        n: [*([-sum(x * y for x, y in zip(row, v, strict=True))] for row in R), *([x] for x in v)],
    }


def certify_frozen_limit(subject: LazyRegime) -> Iterator[Assumption | Bound]:
    """With Q frozen the exact run comes within (1 − η_wζ₀/K)ᵗ ‖w*‖ of the minimum-norm solution."""
    run = subject.frozen
    yield from hypotheses(run, advise=False)
    if violated(run) and not run.forced:
        return
    trajectory, prescription = descend(run), run.prescription
    with flint.ctx.workprec(trajectory.bits):
        solution = _solution(subject.solution, run)
        size = sum_of_squares(entry for row in solution for entry in row).sqrt()
        factor = 1 - 2 * prescription.rate * (1 - flint.arb(2) ** -25)  # ζ₀ is known to 2⁻²⁵
        yield bound_of(
            f"‖w − w*‖ after {run.steps} steps, Q frozen",
            [_distance(trajectory, solution)],
            [factor**run.steps * size],
            "contraction on the row space of B_k",
            elsewhere=run.elsewhere,
            quantities={"steps": run.steps},
        )


def certify_order(subject: LazyRegime) -> Iterator[Bound]:
    """‖Q − Q⁽⁰⁾‖ and ‖w − w*‖ at the end of the exact runs fall like γ⁻²."""
    expected = ORDER if subject.order is None else subject.order
    runs = [replace(subject.moving, gamma_factor=subject.growth**j) for j in range(RUNS)]
    if violated(runs[0]) and not runs[0].forced:
        return
    found = [_distances(subject.solution, run) for run in runs]
    gammas = np.array([run.prescription.gamma for run in runs])
    with flint.ctx.workprec(128):
        unit = flint.arb(GROWTH).log()
        for name, values in zip(("‖Q − Q⁽⁰⁾‖", "‖w − w*‖"), zip(*found, strict=True), strict=True):
            orders = [(one / two).log() / unit for one, two in pairwise(values)]
            told = ", ".join(value.str(3, radius=False) for value in values)
            yield bound_of(
                f"order of {name} in 1/γ",
                [abs(order - expected) for order in orders],
                [flint.arb(DEVIATION * GROWTH ** (-2 * j)) for j in range(len(orders))],
                f"distance from {expected:g}, allowed {DEVIATION:g} · 16⁻ʲ; {name} = {told}",
                x=gammas[:-1],
                x_label="γ",
                elsewhere=subject.moving.elsewhere,
                quantities={f"distance_{j}": float(value.mid()) for j, value in enumerate(values)},
            )


def _distances(stated: sp.MatrixExpr, run: DescentRun) -> tuple[Ball, Ball]:
    """‖Q − Q⁽⁰⁾‖_F and ‖w − w*‖_F at the end of the trajectory."""
    trajectory = descend(run)
    with flint.ctx.workprec(trajectory.bits):
        moved = [
            frobenius_norm(Q - balls(start)) for Q, start in zip(trajectory.queries, run.problem.queries, strict=True)
        ]
        return sum_of_squares(moved).sqrt(), _distance(trajectory, _solution(stated, run))


def _solution(stated: sp.MatrixExpr, run: DescentRun) -> list[list[Ball]]:
    """w* as stated, with rows h and columns k."""
    enclosed, problem = enclose(run.problem), run.problem
    target = (enclosed.z_bar * enclosed.a_hat).transpose().tolist()
    columns = []
    for k, mixing in enumerate(by_token(enclosed.attention_of(problem))):
        known = {B: enclosed.z_bar * mixing, a: flint.arb_mat([[x] for x in target[k]])}
        sizes = {N: mixing.nrows(), H: mixing.ncols()}
        columns.append(evaluate(stated, known | sizes).entries())
    return [list(row) for row in zip(*columns, strict=True)]


def _distance(trajectory: Trajectory, solution: list[list[Ball]]) -> Ball:
    rows = zip(trajectory.weights, solution, strict=True)
    return sum_of_squares(x - y for row in rows for x, y in zip(*row, strict=True)).sqrt()


@defect_of_subject
def penalty_changed(subject: LazyRegime) -> LazyRegime:
    """The theory's penalty is 2mτ instead of mτ."""
    return replace(subject, experiment=penalty_twice.plant(subject.experiment), literal=True)


CLAIM = Claim(
    statement=STATEMENT,
    about=LazyRegime,
    heeds=("instance", "start", "start_weights"),
    preset="literal",
    assumptions=("assumption2",),
    builds_on=("attainment",),
    checks=(derive_solution, argue_convergence, certify_frozen_limit, certify_order),
    controls=dict(
        penalty_changed=penalty_changed,
        start_with_kernel=planted(
            "The weights start at a vector of ker B_k instead of 0, which no step removes.", literal=True, kernel=0.1
        ),
        order_one=planted("The distances are claimed to fall like 1/γ.", literal=True, order=1.0),
        gamma_grows_slowly=planted("γ is doubled where it should be multiplied by four.", literal=True, growth=2.0),
        solution_not_inverted=planted("The solution is Bᵀ(BBᵀ)Z̄â, without the inverse.", literal=True, power=1),
    ),
    catches={
        derive_solution: ("solution_not_inverted",),
        certify_frozen_limit: ("penalty_changed", "start_with_kernel"),
        certify_order: ("penalty_changed", "start_with_kernel", "order_one", "gamma_grows_slowly"),
    },
    stated=("SOLUTION", "NEXT_ERROR", "ORDER"),
    drops=("start_with_kernel",),
)
